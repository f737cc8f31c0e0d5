// DNS as values: a question, and an answer with its DNSSEC state. Nothing here asks anybody; the
// port is rt::Resolver, the adapters are net::UnboundResolver and the zone of the simulation.
// Standards: RFC 1035, 2181, 2308, 4035 §4.3 (security states), 6698 (TLSA).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace dawk::dns {

enum class Type : std::uint16_t {
    a = 1,
    ns = 2,
    cname = 5,
    soa = 6,
    ptr = 12,
    mx = 15,
    txt = 16,
    aaaa = 28,
    tlsa = 52,
};

// Names are lower-case A-labels without trailing dot; "" is the root.
struct Question {
    std::string name;
    Type type = Type::a;
    friend auto operator<=>(Question const&, Question const&) = default;
};

struct Mx {
    std::uint16_t preference = 0;
    std::string exchange;  // "" is the root: a null MX when alone (RFC 7505 §3)
    friend auto operator<=>(Mx const&, Mx const&) = default;
};

struct Tlsa {
    std::uint8_t usage = 0, selector = 0, matching = 0;
    std::string data;  // octets
};

enum class Status {
    ok,        // at least one record
    no_data,   // the name exists, the type does not
    nxdomain,  // the name does not exist
    servfail,  // a server failed, refused, or gave nonsense: temporary
    timeout,   // no answer in time: temporary
    bogus,     // DNSSEC validation failed: temporary, and never treated as absent
};

struct Answer {
    Status status = Status::servfail;
    bool secure = false;  // validated by our own resolver, every link of the CNAME chain too
    std::uint32_t ttl_seconds = 0;
    std::string canonical_name;  // where the CNAME chain ended; the question's name without one
    // Filled by type: exactly one of these is not empty when status is ok.
    std::vector<std::string> addresses;  // A, AAAA: textual
    std::vector<Mx> mx;                  // in the order received
    std::vector<std::string> texts;      // TXT: the strings of one record joined (RFC 7208 §3.3)
    std::vector<std::string> names;      // PTR, CNAME, NS
    std::vector<Tlsa> tlsa;
    std::string error_detail;  // for people: "SERVFAIL from 192.0.2.53", EDE text

    bool temporary() const noexcept {
        return status == Status::servfail || status == Status::timeout || status == Status::bogus;
    }
};

std::string to_string(Type type);
std::string to_string(Status status);
// "4.3.2.1.in-addr.arpa" or the nibbles under ip6.arpa; "" when the text is no address.
std::string reverse_name(std::string const& address);

}  // namespace dawk::dns
