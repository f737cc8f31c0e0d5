// Base64 (RFC 4648 §4), strict: the padding must be there and right, unused bits must be zero, and
// no octet outside the alphabet is skipped. For tokens of protocols; MIME bodies need a lenient
// decoder.
#pragma once

#include <string>
#include <string_view>

#include "dawk/base/result.hpp"

namespace dawk::base64 {

std::string encode(std::string_view bytes);
Result<std::string> decode(std::string_view text);  // bad_syntax

}  // namespace dawk::base64
