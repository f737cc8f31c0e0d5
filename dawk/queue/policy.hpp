// What the queue is configured to do; all durations and limits with their defaults.
// Standards: RFC 5321 §4.5.4.1 (retry and give up), §4.5.3.2.
#pragma once

#include <cstdint>
#include <vector>

#include "dawk/base/time.hpp"

namespace dawk::queue {

struct Policy {
    std::vector<Millis> retry = {std::chrono::minutes(5),  std::chrono::minutes(15),
                                 std::chrono::minutes(30), std::chrono::hours(1),
                                 std::chrono::hours(2),    std::chrono::hours(3)};
    double jitter = 0.10;  // each interval times 1 ± jitter
    Millis expire = std::chrono::hours(24 * 5);
    Millis expire_bounce = std::chrono::hours(24 * 2);
    Millis warn_after = std::chrono::hours(4);  // one delay DSN; 0: never
    // Back-off of a destination whose host failed as a whole.
    Millis backoff_first = std::chrono::minutes(1);
    Millis backoff_max = std::chrono::hours(1);
    std::uint32_t connections_per_destination = 20;
    std::uint32_t connections_all = 1000;
    std::uint32_t messages_per_connection = 100'000;  // then a fresh one
    Millis connection_reuse = std::chrono::seconds(300);
    Millis connection_idle = std::chrono::seconds(2);  // kept open without work
    std::uint32_t recipients_per_transaction = 100;
    // Memory.
    std::uint64_t hot_content_bytes = 64ULL << 20U;  // contents kept in memory for delivery
    std::uint32_t ready_per_destination = 1000;      // messages loaded ahead of their turn
    std::uint32_t ready_all = 20'000;
};

}  // namespace dawk::queue
