// xtext: how ENVID, ORCPT and AUTH carry any text in a parameter. "+" and "=" and what is not
// printable stand as "+" and two upper-case hexadecimal digits. Standards: RFC 3461 §4; RFC 6533 §3
// (an ORCPT of type utf-8 is xtext too, its \x{..} stays as it is).
#pragma once

#include <string>
#include <string_view>

#include "dawk/base/result.hpp"

namespace dawk::smtp {

std::string xtext_encode(std::string_view text);
// bad_syntax: not xtext, or stands for a control octet (no field of a report could hold it). Octets
// above 127 pass only when utf8 is set.
Result<std::string> xtext_decode(std::string_view text, bool utf8 = false);

}  // namespace dawk::smtp
