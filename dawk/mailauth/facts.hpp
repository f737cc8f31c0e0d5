// The facts of one evaluation as JSON: what the event of a message carries, and `dawk explain`
// shows.
//
//     event.authentication = facts(report, look_ups, decision);
//
// One object: spf, spf_helo, dkim (a list), dmarc, arc, iprev with result and reason, action, why,
// overrides, lookups. At most facts_max octets: look-ups that do not fit are left out, and counted.
// Standards: RFC 8259; RFC 8601 (words).
#pragma once

#include <string>

#include "dawk/mailauth/look_up.hpp"
#include "dawk/mailauth/policy.hpp"

namespace dawk::mailauth {

constexpr std::size_t facts_max = 32U << 10U;

std::string facts(Report const& report, LookUps const& look_ups, Decision const& decision);

}  // namespace dawk::mailauth
