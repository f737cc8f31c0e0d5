#include "dawk/net/socket.hpp"

#include <array>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "dawk/base/check.hpp"
#include "dawk/net/address.hpp"

namespace dawk::net {

namespace asio = boost::asio;

ErrorCode socket_error(int error) noexcept {
    if (error == EPIPE) return Errc::closed;
    if (error == ETIMEDOUT) return Errc::timed_out;
    return {error, boost::system::system_category()};
}

namespace {

ErrorCode const would_block = asio::error::would_block;

Result<std::size_t> outcome(ssize_t n) noexcept {
    if (n > 0) return static_cast<std::size_t>(n);
    if (n == 0) return Errc::closed;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return would_block;
    return socket_error(errno);
}

template <class F>
ssize_t unbroken(F call) {
    ssize_t n = call();
    while (n < 0 && errno == EINTR) n = call();
    return n;
}

}  // namespace

void Cursor::advance(std::size_t n) noexcept {
    while (n > 0) {
        std::size_t const rest = pieces[index].size() - offset;
        if (n < rest) {
            offset += n;
            return;
        }
        n -= rest;
        ++index;
        offset = 0;
    }
}

SocketStream::SocketStream(std::shared_ptr<ShardState> shard, int family, Fd fd,
                           rt::Endpoint remote)
    : shard_(std::move(shard)),
      socket_(shard_->io),
      remote_(std::move(remote)),
      is_tcp_(family != AF_UNIX) {
    ErrorCode error;
    asio::generic::stream_protocol const protocol(family, is_tcp_ ? IPPROTO_TCP : 0);
    // Only a reactor out of kernel memory refuses; the stream is then born closed.
    socket_.assign(protocol, fd.get(), error);
    if (error) {
        closed_ = true;
        return;
    }
    fd.release();
}

SocketStream::~SocketStream() {
    close();
}

void SocketStream::expires_at(SteadyTime deadline) {
    deadline_ = deadline;
    timed_out_ = false;
    shard_->deadlines.watch(*this);  // what is pending may have to end earlier now
}

void SocketStream::on_deadline() noexcept {
    timed_out_ = true;
    ErrorCode ignored;  // nothing pending is no trouble
    socket_.cancel(ignored);
}

ErrorCode SocketStream::refusal() const noexcept {
    if (closed_) return Errc::closed;
    if (timed_out_) return Errc::timed_out;
    if (deadline_ != SteadyTime::max() && std::chrono::steady_clock::now() >= deadline_) {
        return Errc::timed_out;
    }
    return {};
}

// Why a pending operation was given up. A canceled task unwinds here.
Task<ErrorCode> SocketStream::aborted() {
    if (closed_) co_return Errc::closed;
    if (timed_out_) co_return Errc::timed_out;
    auto const state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) {
        throw boost::system::system_error(asio::error::operation_aborted);
    }
    co_return Errc::timed_out;  // and somebody moved the deadline before we were told
}

Result<std::size_t> SocketStream::read_now(std::span<char> buffer) {
    if (auto const error = refusal()) return error;
    int const fd = socket_.native_handle();
    return outcome(
        unbroken([&] { return ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT); }));
}

Result<std::size_t> SocketStream::write_now(std::string_view bytes) {
    if (auto const error = refusal()) return error;
    int const fd = socket_.native_handle();
    int const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    return outcome(unbroken([&] { return ::send(fd, bytes.data(), bytes.size(), flags); }));
}

bool SocketStream::has_input() noexcept {
    if (closed_) return false;
    char octet = 0;
    int const fd = socket_.native_handle();
    return unbroken([&] { return ::recv(fd, &octet, 1, MSG_PEEK | MSG_DONTWAIT); }) > 0;
}

Task<Result<std::size_t>> SocketStream::read_some(std::span<char> buffer) {
    DAWK_CHECK(!buffer.empty());
    if (auto const error = refusal()) co_return error;
    if (more_likely_) {
        auto const n = read_now(buffer);
        if (n || n.error() != would_block) {
            more_likely_ = n && *n == buffer.size();
            co_return n;
        }
    }
    shard_->deadlines.watch(*this);
    ErrorCode error;
    auto const target = asio::buffer(buffer.data(), buffer.size());
    auto token = asio::redirect_error(asio::use_awaitable, error);
    std::size_t const n = co_await socket_.async_read_some(target, token);
    more_likely_ = !error && n == buffer.size();
    if (!error) co_return n;
    if (error == asio::error::eof) co_return Errc::closed;
    if (error != asio::error::operation_aborted) co_return socket_error(error.value());
    co_return co_await aborted();
}

Task<Result<void>> SocketStream::wait_readable() {
    if (auto const error = refusal()) co_return error;
    shard_->deadlines.watch(*this);
    ErrorCode error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    co_await socket_.async_wait(Socket::wait_read, token);
    if (!error) co_return Result<void>();
    if (error != asio::error::operation_aborted) co_return socket_error(error.value());
    co_return co_await aborted();
}

Task<Result<void>> SocketStream::wait_writable() {
    if (auto const error = refusal()) co_return error;
    shard_->deadlines.watch(*this);
    ErrorCode error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    co_await socket_.async_wait(Socket::wait_write, token);
    if (!error) co_return Result<void>();
    if (error != asio::error::operation_aborted) co_return socket_error(error.value());
    co_return co_await aborted();
}

Result<void> SocketStream::send(Cursor& cursor) {
    if (auto const error = refusal()) return error;
    int const fd = socket_.native_handle();
    while (!cursor.done()) {
        std::array<iovec, 64> parts;
        std::size_t count = 0;
        std::size_t offset = cursor.offset;
        for (std::size_t i = cursor.index; i < cursor.pieces.size() && count < parts.size(); ++i) {
            auto const piece = cursor.pieces[i].substr(offset);
            offset = 0;
            if (!piece.empty()) parts[count++] = {const_cast<char*>(piece.data()), piece.size()};
        }
        msghdr message{};
        message.msg_iov = parts.data();
        message.msg_iovlen = count;
        auto const n =
            outcome(unbroken([&] { return ::sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL); }));
        if (!n) return n.error();
        cursor.advance(*n);
    }
    return {};
}

Task<Result<void>> SocketStream::finish(Cursor cursor) {
    for (;;) {
        auto const sent = send(cursor);
        if (sent || sent.error() != would_block) co_return sent;
        auto const ready = co_await wait_writable();
        if (!ready) co_return ready.error();
    }
}

Task<Result<void>> SocketStream::write_all(std::string_view bytes) {
    std::string_view const pieces[] = {bytes};
    Cursor cursor{pieces};
    auto const sent = send(cursor);
    if (sent || sent.error() != would_block) co_return sent;
    co_return co_await finish(cursor);
}

Task<Result<void>> SocketStream::write_all(std::span<std::string_view const> pieces) {
    Cursor cursor{pieces};
    auto const sent = send(cursor);
    if (sent || sent.error() != would_block) co_return sent;
    co_return co_await finish(cursor);
}

Task<void> SocketStream::shutdown() {
    if (!closed_) {
        // What the peer sent and nobody will read would turn the FIN into a reset, which can
        // destroy our last reply on its way (RFC 1122 §4.2.2.13).
        int const fd = socket_.native_handle();
        std::array<char, 4096> unread;
        for (int i = 0; i < 16; ++i) {
            if (::recv(fd, unread.data(), unread.size(), MSG_DONTWAIT) <= 0) break;
        }
    }
    close();
    co_return;
}

void SocketStream::close() noexcept {
    if (closed_) return;
    closed_ = true;
    shard_->deadlines.forget(*this);
    ErrorCode ignored;  // the descriptor is gone in any case
    socket_.close(ignored);
}

rt::Endpoint SocketStream::local() const {
    return local_endpoint(const_cast<Socket&>(socket_).native_handle());
}

std::optional<std::uint32_t> SocketStream::peer_uid() const {
    ucred peer{};
    socklen_t size = sizeof(peer);
    int const fd = const_cast<Socket&>(socket_).native_handle();
    if (is_tcp_ || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return {};
    return peer.uid;
}

}  // namespace dawk::net
