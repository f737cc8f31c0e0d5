// Decodes the data of DNS records (without name compression, as libunbound hands them over). Every
// octet is another's: lengths are checked, names become presentation form, nothing is read beyond
// the end. Standards: RFC 1035 §3.3, 5.1 (escapes); RFC 3596 §2.2; RFC 6698 §2.1; RFC 4343 §2.1.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "dawk/dns/dns.hpp"

namespace dawk::net {

// A wire format name at the start of bytes, which it is taken from. Lower case, no trailing dot; a
// dot or backslash inside a label and what is not printable are escaped, so that no two names look
// equal.
std::optional<std::string> take_name(std::string_view& bytes);

// Adds one record to the answer; false, and no change, when the data does not follow its form.
bool decode_record(dns::Type type, std::string_view data, dns::Answer& answer);

}  // namespace dawk::net
