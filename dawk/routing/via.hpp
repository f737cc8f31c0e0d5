// How a next hop is written in the configuration: "mx", "smtp:host[:port]", "lmtp:host:port",
// "lmtp:unix:/path", "maildir:template". Pure; only dawk/routing uses it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "dawk/base/result.hpp"

namespace dawk::routing {

struct HostPort {
    std::string host;         // lower case, without brackets
    std::uint16_t port = 0;   // 0: not given
    bool is_literal = false;  // an IPv4 or IPv6 address
    // As it stands in a key: "host:25", "[2001:db8::1]:25".
    std::string text(std::uint16_t default_port) const;
};

// "host", "host:port", "192.0.2.1:25", "[2001:db8::1]", "[2001:db8::1]:25". bad_syntax otherwise.
Result<HostPort> parse_host_port(std::string_view text);

// True for localhost, 127.0.0.0/8 and ::1: octets that never leave this machine.
bool is_loopback(std::string_view host);

// True for a name of letters, digits, hyphens and underscores (RFC 1123 §2.1) or, before its
// conversion, of UTF-8 (RFC 5890); at most 253 octets, labels at most 63.
bool is_host_name(std::string_view name);

// One form for comparison: lower case A-labels without the final dot (RFC 5890 §2.3.2.4). What
// cannot be converted stays as it is, lowered, and so equals only itself.
std::string canonical_domain(std::string_view domain);

// Says what is wrong with a maildir template, or nothing: "{local}" must be in it, and no other
// placeholder than {domain}, {local}, {detail}.
std::string maildir_problem(std::string_view path);

}  // namespace dawk::routing
