// Wake: one task waits, somebody else wakes it. A wake that comes first is kept. One executor.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "dawk/rt/task.hpp"

namespace dawk::mta {

class Wake {
  public:
    // The timer never fires; being canceled is how it tells.
    explicit Wake(boost::asio::any_io_executor const& executor)
        : timer_(executor, boost::asio::steady_timer::time_point::max()) {}
    void wake() {
        woken_ = true;
        timer_.cancel();
    }
    Task<void> wait();

  private:
    boost::asio::steady_timer timer_;
    bool woken_ = false;
};

}  // namespace dawk::mta
