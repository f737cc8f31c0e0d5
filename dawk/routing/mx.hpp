// Mail exchangers: from the answers of DNS to the hosts that are tried, in their order. Pure; the
// caller asks DNS and brings the randomness.
//
//     auto choice = choose_exchangers("example.org", mx_answer, {"us.example"}, seed);
//     if (choice.kind == ExchangerChoice::Kind::hosts) try_in_order(choice.hosts);
//
// A failed query is never taken for an absent record: it gives `temporary`.
// Standards: RFC 5321 §5.1; RFC 7505; RFC 2181 §10.3.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dawk/dns/dns.hpp"

namespace dawk::routing {

struct ExchangerChoice {
    enum class Kind {
        hosts,      // try these, in order
        temporary,  // DNS did not answer; 4.4.3
        no_domain,  // the domain does not exist; 5.1.2
        no_mail,    // null MX: the domain takes no mail; 5.1.10 (556)
        loop,       // only ourselves and worse are left; 5.4.6
        unusable,   // there are MX records, but none names a host; 5.4.4
    };
    Kind kind = Kind::temporary;
    std::vector<std::string> hosts;  // A-labels; at most hosts_max
    bool is_implicit = false;        // no MX: the domain itself is the host
    bool is_secure = false;          // DNSSEC-validated
    std::string text;                // in words, when there are no hosts

    static constexpr std::size_t hosts_max = 20;
};

// own_names: those the hosts of this system go by, in lower case. seed: fresh for each choice;
// hosts of equal preference come in an order drawn from it.
ExchangerChoice choose_exchangers(std::string_view domain, dns::Answer const& answer,
                                  std::span<std::string const> own_names, std::uint64_t seed);

// One host's addresses in the order to try: shuffled, IPv6 and IPv4 in turn, so that one broken
// family costs one attempt. ipv4_first when IPv6 lately did not work.
std::vector<std::string> order_addresses(std::vector<std::string> ipv6,
                                         std::vector<std::string> ipv4, std::uint64_t seed,
                                         bool ipv4_first);

// The address in a domain literal "[192.0.2.1]" or "[ipv6:2001:db8::1]" (RFC 5321 §4.1.3); "" if
// the text is none.
std::string literal_address(std::string_view domain);

}  // namespace dawk::routing
