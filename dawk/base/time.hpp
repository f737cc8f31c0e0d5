// The two times of Dawk. WallTime is what people and records know (UTC, milliseconds); it may step.
// SteadyTime is what timeouts are counted in; it never goes back. Neither is ever read here: the
// clock is a port (dawk/rt/clock.hpp) and pure code is handed the time.
#pragma once

#include <chrono>
#include <cstdint>

namespace dawk {

using Millis = std::chrono::milliseconds;
using WallTime = std::chrono::time_point<std::chrono::system_clock, Millis>;
using SteadyTime = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;

inline std::int64_t to_millis(WallTime t) noexcept {
    return t.time_since_epoch().count();
}
inline WallTime from_millis(std::int64_t ms) noexcept {
    return WallTime{Millis{ms}};
}

}  // namespace dawk
