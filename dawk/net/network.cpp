#include "dawk/net/network.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "dawk/base/check.hpp"
#include "dawk/net/address.hpp"
#include "dawk/net/listen.hpp"
#include "dawk/net/socket.hpp"
#include "dawk/net/tls.hpp"
#include "dawk/net/tls_stream.hpp"

namespace dawk::net {

class NetworkShared {
  public:
    ListeningSockets sockets;
};

std::shared_ptr<NetworkShared> make_network_shared() {
    return std::make_shared<NetworkShared>();
}

struct Network::Impl {
    std::shared_ptr<ShardState> shard;
    std::shared_ptr<NetworkShared> shared;
    TlsClients clients;  // contexts and sessions, of this shard: no locks

    Impl(boost::asio::io_context& io, std::shared_ptr<NetworkShared> common)
        : shard(std::make_shared<ShardState>(io)), shared(std::move(common)) {}
};

Network::Network(boost::asio::io_context& io, std::shared_ptr<NetworkShared> shared)
    : impl_(std::make_unique<Impl>(io, std::move(shared))) {}

Network::~Network() = default;

namespace {

Result<void> bind_source(int fd, std::string const& source, int family) {
    if (source.empty()) return {};
    rt::Endpoint const local{source, 0};
    DAWK_TRY(SocketAddress address, to_socket_address(local));
    if (address.family() != family) return Errc::unsupported;
    int const on = 1;
    // The kernel picks the port at connect, so that one source address serves many peers.
    (void)::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
    if (::bind(fd, address.data(), address.size) != 0) return socket_error(errno);
    return {};
}

Result<Fd> prepare(SocketAddress const& to, std::string const& source) {
    Fd fd(::socket(to.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) {
        if (errno == EMFILE || errno == ENFILE) return Errc::unavailable;
        return socket_error(errno);
    }
    if (to.family() != AF_UNIX) {
        int const on = 1;
        (void)::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        DAWK_TRY_VOID(bind_source(fd.get(), source, to.family()));
    }
    return fd;
}

enum class Connecting { done, pending };
Result<Connecting> start_connect(int fd, SocketAddress const& to) {
    if (::connect(fd, to.data(), to.size) == 0) return Connecting::done;
    if (errno == EINPROGRESS || errno == EINTR) return Connecting::pending;
    if (errno == EAGAIN) return Errc::unavailable;  // backlog of a unix socket, or no free port
    return socket_error(errno);
}

Result<void> connect_outcome(int fd) {
    int error = 0;
    socklen_t size = sizeof(error);
    if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return socket_error(errno);
    if (error != 0) return socket_error(error);
    return {};
}

}  // namespace

Task<Result<std::unique_ptr<rt::Stream>>> Network::connect(rt::ConnectTarget target) {
    auto const address = to_socket_address(target.to);
    if (!address) co_return address.error();
    auto fd = prepare(*address, target.source_address);
    if (!fd) co_return fd.error();
    // Before the reactor knows the socket: one that is not connecting yet counts as hung up.
    auto const started = start_connect(fd->get(), *address);
    if (!started) co_return started.error();
    auto stream =
        std::make_unique<SocketStream>(impl_->shard, address->family(), std::move(*fd), target.to);
    stream->expires_at(target.deadline);
    if (*started == Connecting::pending) {
        auto const ready = co_await stream->wait_writable();
        if (!ready) co_return ready.error();
        auto const connected = connect_outcome(stream->native());
        if (!connected) co_return connected.error();
    }
    co_return std::unique_ptr<rt::Stream>(std::move(stream));
}

Result<std::unique_ptr<rt::Listener>> Network::listen(std::string const& address, bool reuse_port) {
    DAWK_TRY(Listening opened, impl_->shared->sockets.open(address, reuse_port));
    return std::unique_ptr<rt::Listener>(std::make_unique<SocketListener>(
        impl_->shard, std::move(opened.fd), std::move(opened.shared)));
}

std::vector<std::string> Network::local_addresses() {
    return interface_addresses();
}

rt::ExplainedResult<std::shared_ptr<rt::TlsIdentity const>> Network::load_identity(
    std::string const& certificate_file, std::string const& key_file) {
    return load_tls_identity(certificate_file, key_file);
}

namespace {

// Only a stream of this module can carry TLS: the buffers are shared by the shard.
std::unique_ptr<SocketStream> as_socket(std::unique_ptr<rt::Stream> stream) {
    auto* const socket = dynamic_cast<SocketStream*>(stream.get());
    DAWK_CHECK(socket != nullptr);
    (void)stream.release();
    return std::unique_ptr<SocketStream>(socket);
}

}  // namespace

Task<rt::ExplainedResult<std::unique_ptr<rt::Stream>>> Network::tls_accept(
    std::unique_ptr<rt::Stream> plain, std::shared_ptr<rt::TlsIdentity const> identity) {
    auto session = new_server_session(*identity);
    auto stream = std::make_unique<TlsStream>(as_socket(std::move(plain)), std::move(session));
    auto const done = co_await stream->handshake();
    if (!done) co_return done.error();
    co_return std::unique_ptr<rt::Stream>(std::move(stream));
}

Task<rt::ExplainedResult<std::unique_ptr<rt::Stream>>> Network::tls_connect(
    std::unique_ptr<rt::Stream> plain, rt::TlsClientPolicy policy) {
    auto const remote = plain->remote();
    auto session = impl_->clients.new_session(policy, remote);
    if (!session) co_return session.error();
    auto stream = std::make_unique<TlsStream>(as_socket(std::move(plain)), std::move(*session));
    auto const done = co_await stream->handshake();
    if (!done) co_return done.error();
    auto const verdict = TlsClients::verify(stream->native(), policy, stream->facts());
    if (!verdict) co_return verdict.error();
    co_return std::unique_ptr<rt::Stream>(std::move(stream));
}

}  // namespace dawk::net
