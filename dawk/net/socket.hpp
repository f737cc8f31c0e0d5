// SocketStream and SocketListener: rt's streams on TCP and unix sockets. Internal to dawk/net.
//
// The path of a byte: a write is tried at once, with one sendmsg for all its pieces; only a full
// socket buffer makes it wait. A read waits in Asio's edge-triggered reactor: after a short read
// the next one costs one failed recv, never a system call to arm anything. Deadlines cost nothing
// per operation (dawk/net/deadlines.hpp).
#pragma once

#include <memory>

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>

#include "dawk/net/deadlines.hpp"
#include "dawk/net/fd.hpp"
#include "dawk/rt/stream.hpp"

namespace dawk::net {

// What all connections of one shard share. One thread, so buffers are anybody's between two awaits.
struct ShardState {
    explicit ShardState(boost::asio::io_context& context) : io(context), deadlines(context) {}
    boost::asio::io_context& io;
    Deadlines deadlines;
    std::vector<char> cipher_in;  // 32 KiB once TLS is used
    std::string cipher_out;
    std::string plain;
};

// How far a gathered write is.
struct Cursor {
    std::span<std::string_view const> pieces;
    std::size_t index = 0;
    std::size_t offset = 0;

    bool done() noexcept {
        while (index < pieces.size() && offset == pieces[index].size()) {
            ++index;
            offset = 0;
        }
        return index == pieces.size();
    }
    std::string_view front() const noexcept { return pieces[index].substr(offset); }
    void advance(std::size_t n) noexcept;
};

class SocketStream final : public rt::Stream, private Deadlines::Entry {
  public:
    SocketStream(std::shared_ptr<ShardState> shard, int family, Fd fd, rt::Endpoint remote);
    ~SocketStream() override;

    Task<Result<std::size_t>> read_some(std::span<char> buffer) override;
    Task<Result<void>> write_all(std::string_view bytes) override;
    Task<Result<void>> write_all(std::span<std::string_view const> pieces) override;
    void expires_at(SteadyTime deadline) override;
    bool has_input() noexcept override;
    Task<void> shutdown() override;
    void close() noexcept override;
    rt::Endpoint local() const override;
    rt::Endpoint remote() const override { return remote_; }
    std::optional<std::uint32_t> peer_uid() const override;

    // For TLS, which brings its buffer only when there is something to put in. The *_now calls
    // never wait: would_block says to. wait_* end early and wrongly at times; call *_now again.
    ErrorCode refusal() const noexcept;  // why no operation may start, if so
    Result<std::size_t> read_now(std::span<char> buffer);
    Result<std::size_t> write_now(std::string_view bytes);
    Task<Result<void>> wait_readable();
    Task<Result<void>> wait_writable();
    // For the connector, before the stream is anybody's.
    int native() noexcept { return socket_.native_handle(); }
    ShardState& shard() const noexcept { return *shard_; }

  private:
    using Socket = boost::asio::basic_stream_socket<boost::asio::generic::stream_protocol,
                                                    boost::asio::io_context::executor_type>;
    void on_deadline() noexcept override;
    Task<ErrorCode> aborted();
    Result<void> send(Cursor& cursor);  // would_block: the rest has to wait
    Task<Result<void>> finish(Cursor cursor);

    std::shared_ptr<ShardState> shard_;
    Socket socket_;
    rt::Endpoint remote_;
    bool closed_ = false;
    bool timed_out_ = false;
    bool more_likely_ = false;  // the last read filled its buffer
    bool const is_tcp_;
};

class SocketListener final : public rt::Listener {
  public:
    // keep: what has to live as long as this listener is open.
    SocketListener(std::shared_ptr<ShardState> shard, Fd fd, std::shared_ptr<void> keep);
    ~SocketListener() override;

    Task<Result<std::unique_ptr<rt::Stream>>> accept() override;
    void close() noexcept override;
    rt::Endpoint local() const override { return local_; }

  private:
    using Descriptor =
        boost::asio::posix::basic_stream_descriptor<boost::asio::io_context::executor_type>;
    enum class Next { wait, again, pause, end };
    Next after_error(int error) noexcept;
    std::unique_ptr<rt::Stream> accept_now(Next& next);
    Task<void> pause();

    std::shared_ptr<ShardState> shard_;
    Descriptor descriptor_;
    rt::Endpoint local_;
    std::shared_ptr<void> keep_;
    std::chrono::milliseconds pause_{0};
    ErrorCode final_;
    bool closed_ = false;
};

// The error of a socket operation as the ports know it: what a peer does in good order is closed.
ErrorCode socket_error(int error) noexcept;

}  // namespace dawk::net
