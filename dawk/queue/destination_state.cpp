#include "dawk/queue/destination_state.hpp"

#include <algorithm>

#include "dawk/base/mutation.hpp"
#include "dawk/queue/schedule.hpp"

namespace dawk::queue {
namespace {

constexpr std::uint32_t first_limit = 2;
// How long a destination that refused one connection too many is left with what it has.
constexpr Millis refusal_memory = std::chrono::minutes(5);
// How long the back-off of a destination without work is remembered after its end.
constexpr std::int64_t memory_factor = 2;

}  // namespace

void DestinationState::failed(std::uint32_t connected, Policy const& policy, WallTime now,
                              std::uint64_t random) {
    if (connected > 0) {
        // The host lives and has had enough (421 4.7.0 "too many connections" and its kin).
        limit_ = std::max<std::uint32_t>(1, std::min(limit_, connected));
        capped_until_ = now + refusal_memory;
        return;
    }
    if (backed_off_until(now)) return;  // others of the same moment; it is known already
    auto interval = std::max(policy.backoff_first, Millis(1));
    for (std::uint32_t i = 0; i < failures_ && interval < policy.backoff_max; ++i) interval *= 2;
    interval = with_jitter(std::min(interval, policy.backoff_max), policy.jitter, random);
    until_ = now + interval;
    failures_ = std::min<std::uint32_t>(failures_ + 1, 1'000'000);
    limit_ = first_limit;
}

void DestinationState::ready(Policy const& policy, WallTime now) {
    failures_ = 0;
    until_ = WallTime{};
    auto const most = std::max<std::uint32_t>(1, policy.connections_per_destination);
    if (now >= capped_until_) limit_ = std::min(most, limit_ * 2);
}

void DestinationState::forgive(WallTime now) {
    if (until_ > now) until_ = now;
}

std::uint32_t DestinationState::limit(Policy const& policy, WallTime now) const {
    if (backed_off_until(now)) return 0;
    if (is_probing()) return 1;
    return std::clamp<std::uint32_t>(
        limit_, 1, std::max<std::uint32_t>(1, policy.connections_per_destination));
}

std::optional<WallTime> DestinationState::backed_off_until(WallTime now) const {
    if (failures_ == 0 || now >= until_ || mutated(Mutation::ignore_backoff)) return std::nullopt;
    return until_;
}

bool DestinationState::is_forgettable(Policy const& policy, WallTime now) const {
    if (failures_ > 0) return now >= until_ + memory_factor * policy.backoff_max;
    return now >= capped_until_;
}

}  // namespace dawk::queue
