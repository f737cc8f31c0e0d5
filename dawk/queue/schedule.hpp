// When a recipient is tried again, warned about or given up: a pure function of its outcome, its
// state, the policy, the time and a random number.
//
//     auto next = queue::decide(recipient, envelope_facts, outcome, policy, now, random);
//
// Standards: RFC 5321 §4.5.4.1 (retry), §6.1 (giving up); RFC 6647 §4 (greylisting); RFC 3461 §5.2.
#pragma once

#include <cstdint>

#include "dawk/envelope/envelope.hpp"
#include "dawk/queue/policy.hpp"

namespace dawk::queue {

// What the schedule must know of the message.
struct MessageTimes {
    WallTime arrived{};
    WallTime expires{};
};

struct Decision {
    envelope::State state = envelope::State::waiting;
    WallTime next_attempt{};  // while waiting
    bool warn_delay = false;  // a delay notification is due now, if NOTIFY allows
};

// State of a delivered recipient: its mailbox was reached, or the next server took it over.
enum class Success : std::uint8_t { delivered, relayed };

// recipient is as before this attempt (attempts not yet counted). Two recipients with the same
// number of attempts and the same random get the same next_attempt, and so go on travelling
// together.
Decision decide(envelope::Recipient const& recipient, MessageTimes times,
                envelope::Outcome const& outcome, Success success, Policy const& policy,
                WallTime now, std::uint64_t random);

// The interval before attempt number attempts + 1, after attempts >= 1 were made; with jitter.
Millis retry_interval(std::uint32_t attempts, envelope::Outcome const& last, Policy const& policy,
                      std::uint64_t random);

// True for a refusal that reads like greylisting: the host works and asked for a little patience
// with this recipient (RFC 6647 §2.1, RFC 3463 X.7.1, X.2.0).
bool looks_greylisted(envelope::Outcome const& outcome);

// When a message that came now is given up.
WallTime expiry(bool is_bounce, Policy const& policy, WallTime now);

// True when a delay notification is due for a recipient that is waiting.
bool is_warning_due(envelope::Recipient const& recipient, MessageTimes times, Policy const& policy,
                    WallTime now);

// value times 1 ± jitter, from 64 random bits; never below 1 ms.
Millis with_jitter(Millis value, double jitter, std::uint64_t random);

}  // namespace dawk::queue
