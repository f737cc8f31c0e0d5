// Text of any charset that mail commonly uses, as UTF-8.
//
//     mail::to_utf8(bytes, "iso-8859-15")
//
// What is no text in that charset becomes U+FFFD. Only charsets on a list are handed to iconv, and
// only for conversion to UTF-8. "iso-8859-1" and "us-ascii" with octets above 127 are read as
// windows-1252 and UTF-8, which is what their writers mean. Standards: RFC 2978; the labels of RFC
// 2046 §4.1.2 and of practice.
#pragma once

#include <string>
#include <string_view>

#include "dawk/base/result.hpp"

namespace dawk::mail {

// Errors: unsupported (charset not known).
Result<std::string> to_utf8(std::string_view bytes, std::string_view charset);

// Bytes that should be UTF-8, with U+FFFD for each octet that is not.
std::string scrub_utf8(std::string_view bytes);

}  // namespace dawk::mail
