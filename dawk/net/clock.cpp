#include "dawk/net/clock.hpp"

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace dawk::net {

SteadyTime RealClock::steady() const {
    return std::chrono::steady_clock::now();
}

WallTime RealClock::wall() const {
    return std::chrono::time_point_cast<Millis>(std::chrono::system_clock::now());
}

Task<void> RealClock::sleep_until(SteadyTime t) {
    boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                      boost::asio::wait_traits<std::chrono::steady_clock>,
                                      boost::asio::io_context::executor_type>
        timer(io_, t);
    co_await timer.async_wait(boost::asio::use_awaitable);
}

}  // namespace dawk::net
