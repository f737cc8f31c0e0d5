#include "dawk/queue/schedule.hpp"

#include <algorithm>
#include <array>

namespace dawk::queue {
namespace {

// Most greylists open after 5 minutes (RFC 6647 §4.2 suggests at least one, at most 24 h to come
// back); the second interval is for those that count from the last attempt.
constexpr std::array<Millis, 2> greylist_retry = {std::chrono::minutes(5),
                                                  std::chrono::minutes(10)};

}  // namespace

Millis with_jitter(Millis value, double jitter, std::uint64_t random) {
    double const share = std::clamp(jitter, 0.0, 0.9);
    double const unit = static_cast<double>(random >> 11U) * 0x1.0p-53;  // [0, 1)
    auto const spread = static_cast<double>(value.count()) * (1.0 + share * (2.0 * unit - 1.0));
    return Millis(std::max<std::int64_t>(1, static_cast<std::int64_t>(spread)));
}

bool looks_greylisted(envelope::Outcome const& outcome) {
    if (outcome.kind != envelope::Outcome::Kind::deferred || outcome.whole_host) return false;
    if (outcome.code != 450 && outcome.code != 451) return false;
    if (outcome.stage == "rcpt") return true;
    return (outcome.stage == "data" || outcome.stage == "content") &&
           (outcome.status == "4.7.1" || outcome.status == "4.2.0");
}

Millis retry_interval(std::uint32_t attempts, envelope::Outcome const& last, Policy const& policy,
                      std::uint64_t random) {
    std::size_t const step = attempts == 0 ? 0 : attempts - 1;
    Millis interval = policy.retry.empty() ? Millis(std::chrono::minutes(30))
                                           : policy.retry[std::min(step, policy.retry.size() - 1)];
    if (step < greylist_retry.size() && looks_greylisted(last))
        interval = std::min(interval, greylist_retry[step]);
    return with_jitter(interval, policy.jitter, random);
}

WallTime expiry(bool is_bounce, Policy const& policy, WallTime now) {
    return now + (is_bounce ? policy.expire_bounce : policy.expire);
}

bool is_warning_due(envelope::Recipient const& recipient, MessageTimes times, Policy const& policy,
                    WallTime now) {
    return policy.warn_after > Millis::zero() && !recipient.delay_notified &&
           recipient.state == envelope::State::waiting && now >= times.arrived + policy.warn_after;
}

Decision decide(envelope::Recipient const& recipient, MessageTimes times,
                envelope::Outcome const& outcome, Success success, Policy const& policy,
                WallTime now, std::uint64_t random) {
    Decision decision;
    switch (outcome.kind) {
        case envelope::Outcome::Kind::delivered:
            decision.state = success == Success::delivered ? envelope::State::delivered
                                                           : envelope::State::relayed;
            return decision;
        case envelope::Outcome::Kind::failed:
            decision.state = envelope::State::failed;
            return decision;
        case envelope::Outcome::Kind::deferred:
            break;
    }
    if (now >= times.expires) {
        decision.state = envelope::State::expired;
        return decision;
    }
    // The last attempt falls on the end of its time, not after it.
    auto const interval = retry_interval(recipient.attempts + 1, outcome, policy, random);
    decision.next_attempt = std::min(now + interval, times.expires);
    decision.warn_delay = is_warning_due(recipient, times, policy, now);
    return decision;
}

}  // namespace dawk::queue
