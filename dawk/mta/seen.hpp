// From a judged message to what it adds to DMARC reports. Pure.
#pragma once

#include <optional>

#include "dawk/arf/arf.hpp"
#include "dawk/mta/verdict_sink.hpp"
#include "dawk/reports/store.hpp"

namespace dawk::mta {

// Nothing where there is no policy, or nobody wants reports about it.
std::optional<reports::Seen> seen_of(JudgedMessage const& judged);

// A failure report (RFC 9991) without its addresses, and where the domain wants it.
struct FailureSeen {
    std::string policy_domain, author_domain;
    std::vector<std::string> ruf;
    arf::Report report;
    std::string original;  // header section, without fields that name recipients
};
// Nothing where none is wanted: the options of fo= decide (RFC 9989 §4.8).
std::optional<FailureSeen> failure_of(JudgedMessage const& judged);

}  // namespace dawk::mta
