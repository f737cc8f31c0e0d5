// RealClock: the machine's clocks and an io_context's timers, as rt::Clock of one shard.
#pragma once

#include <boost/asio/io_context.hpp>

#include "dawk/rt/clock.hpp"

namespace dawk::net {

class RealClock final : public rt::Clock {
  public:
    explicit RealClock(boost::asio::io_context& io) : io_(io) {}
    SteadyTime steady() const override;
    WallTime wall() const override;
    Task<void> sleep_until(SteadyTime t) override;

  private:
    boost::asio::io_context& io_;
};

}  // namespace dawk::net
