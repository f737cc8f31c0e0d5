#include <algorithm>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "dawk/net/address.hpp"
#include "dawk/net/socket.hpp"

namespace dawk::net {

namespace asio = boost::asio;
using namespace std::chrono_literals;

SocketListener::SocketListener(std::shared_ptr<ShardState> shard, Fd fd, std::shared_ptr<void> keep)
    : shard_(std::move(shard)),
      descriptor_(shard_->io),
      local_(local_endpoint(fd.get())),
      keep_(std::move(keep)) {
    ErrorCode error;
    descriptor_.assign(fd.get(), error);
    if (error) {
        final_ = error;
        closed_ = true;
        return;
    }
    fd.release();
}

SocketListener::~SocketListener() {
    close();
}

void SocketListener::close() noexcept {
    if (closed_) return;
    closed_ = true;
    ErrorCode ignored;  // the descriptor is gone in any case
    descriptor_.close(ignored);
    keep_.reset();
}

// accept(2): errors of the new connection are passed through by Linux and concern that peer alone;
// lack of descriptors or memory passes when sessions end.
SocketListener::Next SocketListener::after_error(int error) noexcept {
    switch (error) {
        case EAGAIN:
            return Next::wait;
        case EMFILE:
        case ENFILE:
        case ENOBUFS:
        case ENOMEM:
            return Next::pause;
        case EBADF:
        case EINVAL:
        case ENOTSOCK:
        case EOPNOTSUPP:
            final_ = socket_error(error);
            return Next::end;
        default:
            return Next::again;
    }
}

std::unique_ptr<rt::Stream> SocketListener::accept_now(Next& next) {
    SocketAddress peer;
    peer.size = sizeof(peer.storage);
    Fd fd(::accept4(descriptor_.native_handle(), peer.data(), &peer.size,
                    SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) {
        next = after_error(errno);
        return nullptr;
    }
    pause_ = 0ms;
    int const family = peer.family();
    return std::make_unique<SocketStream>(shard_, family, std::move(fd), to_endpoint(peer));
}

Task<void> SocketListener::pause() {
    // Connections stay in the backlog meanwhile. Short at first: one session's end is enough.
    pause_ = std::clamp(pause_ * 2, 10ms, 500ms);
    asio::basic_waitable_timer<std::chrono::steady_clock,
                               asio::wait_traits<std::chrono::steady_clock>,
                               asio::io_context::executor_type>
        timer(shard_->io, pause_);
    co_await timer.async_wait(asio::use_awaitable);
}

Task<Result<std::unique_ptr<rt::Stream>>> SocketListener::accept() {
    for (;;) {
        if (closed_) co_return final_ ? final_ : ErrorCode(Errc::closed);
        Next next = Next::again;
        auto stream = accept_now(next);
        if (stream) co_return std::move(stream);
        if (next == Next::end) co_return final_;
        if (next == Next::pause) co_await pause();
        if (next != Next::wait) continue;
        ErrorCode error;
        auto token = asio::redirect_error(asio::use_awaitable, error);
        co_await descriptor_.async_wait(Descriptor::wait_read, token);
        if (error && error != asio::error::operation_aborted) co_return error;
        auto const state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() != asio::cancellation_type::none) {
            throw boost::system::system_error(asio::error::operation_aborted);
        }
    }
}

}  // namespace dawk::net
