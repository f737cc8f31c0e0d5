// LookUp: one question that a check asked, what came back and how long it took, as `dawk explain`
// and the command line show it.
//
//     LookUp entry = look_up_of(question, answer, took);
//
// Bounded: so many records, so many octets of each; what peers wrote is kept as it is, whoever
// prints it makes it printable.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "dawk/dns/dns.hpp"

namespace dawk::mailauth {

struct LookUp {
    std::string name;
    std::string type;                  // "TXT"
    std::string status;                // "ok", "nxdomain", "timeout" ... (dns::Status)
    std::vector<std::string> answers;  // each record: "192.0.2.1", "10 mx.example.org"
    std::uint64_t micros = 0;
    friend bool operator==(LookUp const&, LookUp const&) = default;
};
using LookUps = std::vector<LookUp>;

LookUp look_up_of(dns::Question const& question, dns::Answer const& answer,
                  std::chrono::microseconds took);

}  // namespace dawk::mailauth
