#include "dawk/mta/wake.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace dawk::mta {

Task<void> Wake::wait() {
    ErrorCode ignored;  // a canceled task unwinds at its next await
    while (!woken_) {
        auto token = boost::asio::redirect_error(boost::asio::use_awaitable, ignored);
        co_await timer_.async_wait(token);
    }
    woken_ = false;
}

}  // namespace dawk::mta
