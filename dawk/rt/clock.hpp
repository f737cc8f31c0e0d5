// Clock: the only way to know the time or to wait. The simulation's runs as fast as it can.
#pragma once

#include "dawk/base/time.hpp"
#include "dawk/rt/task.hpp"

namespace dawk::rt {

class Clock {
  public:
    virtual ~Clock() = default;
    virtual SteadyTime steady() const = 0;
    virtual WallTime wall() const = 0;
    // Returns at t, or earlier when the task is canceled (canceled waits end with
    // boost::system::system_error operation_aborted, which unwinds the task).
    virtual Task<void> sleep_until(SteadyTime t) = 0;
};

}  // namespace dawk::rt
