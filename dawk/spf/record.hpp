// An SPF record as a value (RFC 7208 §4.6, §5, §6, §12).
//
//     auto record = spf::parse_record("v=spf1 ip4:192.0.2.0/24 -all");
//
// The whole record is checked before anything of it is evaluated: an error anywhere is permerror
// (§4.6). Standards: RFC 7208.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/system/result.hpp>

namespace dawk::spf {

struct Problem {
    std::string reason;  // for people: "unknown mechanism 'ipv4'"
};
template <class T>
using Parsed = boost::system::result<T, Problem>;
[[noreturn]] void throw_exception_from_error(Problem const& problem, boost::source_location const&);

// An address of either family; IPv4 inside IPv6 (::ffff:a.b.c.d) is IPv4 (§5).
struct Ip {
    std::array<unsigned char, 16> octets{};
    bool is_v6 = false;
    static std::optional<Ip> parse(std::string_view text);
    // True when the first `bits` bits are equal, and the family is.
    bool is_in(Ip const& network, unsigned bits) const noexcept;
    // %{i}: "192.0.2.1", or 32 nibbles with dots (§7.3), in the capitals that others write in
    // explanations; names of queries are lower case.
    std::string dotted() const;
    std::string text() const;  // "192.0.2.1", "2001:db8::1"
};

enum class Qualifier { pass, fail, softfail, neutral };
enum class Mechanism { all, include, a, mx, ptr, ip4, ip6, exists };

struct Directive {
    Qualifier qualifier = Qualifier::pass;
    Mechanism mechanism = Mechanism::all;
    std::string domain_spec;  // with macros; "": the current domain
    Ip network;               // ip4, ip6
    unsigned bits4 = 32, bits6 = 128;
    std::string text;  // as it stood in the record
};

struct Record {
    std::vector<Directive> directives;
    std::optional<std::string> redirect, exp;  // domain-specs
};

// Is this TXT record one of SPF, version 1? (§4.5)
bool is_spf1(std::string_view text) noexcept;
Parsed<Record> parse_record(std::string_view text);

std::string_view to_string(Mechanism mechanism) noexcept;

}  // namespace dawk::spf
