// Where reports about a domain may go: the URIs of its rua (or ruf) tag, less those whose owners
// did not say that they want them.
//
//     auto const found = dns::run(dmarcreport::destinations(policy_domain, record.rua), look_up);
//     for (auto const& one : found) if (one.is_allowed) send_to(one.address);
//
// An address in another organizational domain counts only when that one publishes
// <policy-domain>._report._dmarc.<host> (RFC 9990 §4); it may name another address, of the same
// host. Bounded: 10 URIs, at most 8 questions to find each organizational domain, one to ask.
// Standards: RFC 9990 §3.5, §4; RFC 6068 (mailto); RFC 9989 §4.10.2.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dawk/dns/inquiry.hpp"
#include "dawk/mail/address.hpp"

namespace dawk::dmarcreport {

inline constexpr std::size_t destinations_max = 10;

struct Destination {
    std::string uri;        // as published
    mail::Address address;  // null where it cannot be used
    // Of the message; 0: unlimited. Deviation: RFC 9989 §4.7 says that the obsolete "!10m" should
    // be ignored; who still writes it will refuse what is larger, so it is not sent (RFC 7489
    // §6.2).
    std::uint64_t bytes_max = 0;
    bool is_allowed = false;
    bool is_temporary = false;  // DNS did not answer: ask again later
    std::string reason;         // in words, why it is or is not
};

// "mailto:a%40b@x.example!10m"; parameters after "?" are ignored. Nothing: not to be used.
std::optional<Destination> parse_mailto(std::string const& uri);

enum class ReportKind { aggregate, failure };  // rua, ruf
dns::Inquiry<std::vector<Destination>> destinations(std::string policy_domain,
                                                    std::vector<std::string> uris,
                                                    ReportKind kind = ReportKind::aggregate);

}  // namespace dawk::dmarcreport
