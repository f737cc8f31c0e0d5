// DestinationState: how hard a destination may be pressed. A host that does not answer is tried by
// one message at a time, at growing intervals; one that answers gets more connections step by step;
// one that refuses a further connection while others work keeps those it has.
//
//     state.failed(connected, policy, now, random);   // no conversation came to pass
//     state.ready();                                   // the peer has greeted
//     if (running < state.limit(policy, now)) start one more
//
// Pure: it is told the time. Never knows messages. 24 octets, because there may be a million of
// them. Standards: RFC 5321 §4.5.4.1 (a list of hosts that do not answer; per-destination retry).
#pragma once

#include <cstdint>
#include <optional>

#include "dawk/queue/policy.hpp"

namespace dawk::queue {

class DestinationState {
  public:
    // A carrier could not reach or speak to the host. connected: carriers of the destination that
    // have a conversation going at this moment.
    void failed(std::uint32_t connected, Policy const& policy, WallTime now, std::uint64_t random);
    void ready(Policy const& policy, WallTime now);
    // An operator's wish: try at once.
    void forgive(WallTime now);

    // Connections allowed now; 0 while backed off, 1 while probing.
    std::uint32_t limit(Policy const& policy, WallTime now) const;
    // The time until which nothing is tried; nothing when it is not backed off.
    std::optional<WallTime> backed_off_until(WallTime now) const;
    // True after a failure, until the host has answered: one message is tried, not more.
    bool is_probing() const noexcept { return failures_ > 0; }
    std::uint32_t failures() const noexcept { return failures_; }
    // True when forgetting it changes nothing worth keeping.
    bool is_forgettable(Policy const& policy, WallTime now) const;

  private:
    WallTime until_{};         // backed off until; after failures
    WallTime capped_until_{};  // no growth of the limit until; after a refusal beside working ones
    std::uint32_t failures_ = 0;  // in a row
    std::uint32_t limit_ = 2;
};

}  // namespace dawk::queue
