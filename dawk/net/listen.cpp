#include "dawk/net/listen.hpp"

#include <cerrno>
#include <cstdlib>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "dawk/base/ascii.hpp"
#include "dawk/net/address.hpp"
#include "dawk/net/socket.hpp"

namespace dawk::net {
namespace {

ErrorCode last_error() {
    switch (errno) {
        case EADDRINUSE:
            return Errc::exists;
        case EACCES:
        case EPERM:
            return Errc::denied;
        default:
            return socket_error(errno);
    }
}

Result<void> set(int fd, int level, int option) {
    int const on = 1;
    if (::setsockopt(fd, level, option, &on, sizeof(on)) != 0) return last_error();
    return {};
}

Result<Fd> open_socket(int family) {
    Fd fd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) return last_error();
    return fd;
}

Result<void> bind_and_listen(int fd, SocketAddress const& address) {
    if (::bind(fd, address.data(), address.size) != 0) return last_error();
    if (::listen(fd, ListeningSockets::backlog) != 0) return last_error();
    return {};
}

Result<Fd> open_tcp(SocketAddress const& address, bool reuse_port) {
    DAWK_TRY(Fd fd, open_socket(address.family()));
    DAWK_TRY_VOID(set(fd.get(), SOL_SOCKET, SO_REUSEADDR));
    if (reuse_port) DAWK_TRY_VOID(set(fd.get(), SOL_SOCKET, SO_REUSEPORT));
    if (address.family() == AF_INET6) DAWK_TRY_VOID(set(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY));
    // Connections inherit it, which saves each of them a system call.
    DAWK_TRY_VOID(set(fd.get(), IPPROTO_TCP, TCP_NODELAY));
    DAWK_TRY_VOID(bind_and_listen(fd.get(), address));
    return fd;
}

// A socket in the file system that nobody listens on: what a crash leaves behind. Anything else
// that stands at the path is left alone.
bool is_stale(SocketAddress const& address, std::string const& path) {
    struct stat before {};
    if (::lstat(path.c_str(), &before) != 0 || !S_ISSOCK(before.st_mode)) return false;
    Fd const probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!probe || ::connect(probe.get(), address.data(), address.size) == 0) return false;
    if (errno != ECONNREFUSED) return false;
    struct stat after {};
    return ::lstat(path.c_str(), &after) == 0 && after.st_ino == before.st_ino &&
           after.st_dev == before.st_dev;
}

Result<Fd> duplicate(int fd) {
    Fd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
    if (!copy) return last_error();
    return copy;
}

std::string next_name(std::string_view& names) {
    auto const colon = names.find(':');
    std::string name(names.substr(0, colon));
    names = colon == std::string_view::npos ? "" : names.substr(colon + 1);
    return name;
}

}  // namespace

UnixSocket::~UnixSocket() {
    struct stat facts {};
    // Another process may have put its own there meanwhile.
    if (path.empty() || ::lstat(path.c_str(), &facts) != 0 || facts.st_ino != inode) return;
    ::unlink(path.c_str());
}

ListeningSockets::ListeningSockets() {
    char const* const pid = std::getenv("LISTEN_PID");
    char const* const count = std::getenv("LISTEN_FDS");
    char const* const named = std::getenv("LISTEN_FDNAMES");
    if (pid == nullptr || count == nullptr) return;
    if (ascii::to_number<long>(pid) != static_cast<long>(::getpid())) return;
    int const n = ascii::to_number<int>(count).value_or(0);
    std::string_view names = named == nullptr ? "" : named;
    for (int fd = 3; fd < 3 + n; ++fd) {
        int const flags = ::fcntl(fd, F_GETFD);
        std::string name = next_name(names);
        if (flags < 0) continue;  // a variable that lies
        ::fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
        handed_over_.emplace(name.empty() ? "unknown" : std::move(name), Fd(fd));
    }
    for (char const* used : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) ::unsetenv(used);
}

Result<Listening> ListeningSockets::open_named(std::string const& name) {
    auto const found = handed_over_.find(name);
    if (found == handed_over_.end()) return Errc::not_found;
    int listens = 0;
    socklen_t size = sizeof(listens);
    int const fd = found->second.get();
    if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens == 0) {
        return Errc::unsupported;
    }
    if (::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK) != 0) return last_error();
    (void)set(fd, IPPROTO_TCP, TCP_NODELAY);  // a unix socket has none
    DAWK_TRY(Fd copy, duplicate(fd));
    return Listening{std::move(copy), {}};
}

Result<Listening> ListeningSockets::open_unix(std::string const& address, bool share) {
    if (auto const made = share ? shared_[address].lock() : nullptr) {
        DAWK_TRY(Fd copy, duplicate(made->fd.get()));
        return Listening{std::move(copy), made};
    }
    DAWK_TRY(rt::Endpoint endpoint, rt::parse_endpoint(address));
    DAWK_TRY(SocketAddress target, to_socket_address(endpoint));
    auto made = std::make_shared<UnixSocket>();
    DAWK_TRY(made->fd, open_socket(AF_UNIX));
    std::string const path = address.substr(5);
    auto bound = bind_and_listen(made->fd.get(), target);
    if (!bound && bound.error() == Errc::exists && is_stale(target, path)) {
        if (::unlink(path.c_str()) != 0) return last_error();
        bound = bind_and_listen(made->fd.get(), target);
    }
    if (!bound) return bound.error();
    struct stat facts {};
    if (::lstat(path.c_str(), &facts) != 0) return last_error();
    made->path = path;
    made->inode = facts.st_ino;
    DAWK_TRY(Fd copy, duplicate(made->fd.get()));
    shared_[address] = made;
    return Listening{std::move(copy), std::move(made)};
}

Result<Listening> ListeningSockets::open(std::string const& address, bool reuse_port) {
    std::lock_guard const lock(mutex_);
    if (address.starts_with("systemd:")) return open_named(address.substr(8));
    if (address.starts_with("unix:")) return open_unix(address, reuse_port);
    DAWK_TRY(rt::Endpoint endpoint, rt::parse_endpoint(address));
    DAWK_TRY(SocketAddress target, to_socket_address(endpoint));
    DAWK_TRY(Fd fd, open_tcp(target, reuse_port));
    return Listening{std::move(fd), {}};
}

}  // namespace dawk::net
