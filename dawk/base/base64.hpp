// Base64 (RFC 4648 §4), strict: padding exactly as said, unused bits zero, and no octet outside the
// alphabet is skipped. For tokens of protocols; MIME bodies need a lenient
// decoder.
#pragma once

#include <string>
#include <string_view>

#include "dawk/base/result.hpp"

namespace dawk::base64 {

enum class Padding { with, without };  // without: as in the hash formats of passwords
std::string encode(std::string_view bytes, Padding padding = Padding::with);
Result<std::string> decode(std::string_view text, Padding padding = Padding::with);  // bad_syntax

}  // namespace dawk::base64
