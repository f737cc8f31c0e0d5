// The "unitext" spelling of international addresses in ORCPT and in reports: "\x{E9}" for a letter.
// Standards: RFC 6533 §3.
#pragma once

#include <string>
#include <string_view>

namespace dawk::dsn {

// Text with each \x{HEXPOINT} as its letter; what is no valid HEXPOINT stays as it is.
std::string unitext_decode(std::string_view text);
// ASCII only (utf-8-addr-xtext); text must be UTF-8.
std::string unitext_encode(std::string_view text);

}  // namespace dawk::dsn
