#include "bench/sockets.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <unistd.h>

#include "bench/options.hpp"

namespace dawk::bench {

namespace {

Endpoint unix_endpoint(std::string const& path) {
    Endpoint result;
    sockaddr_un name{};
    if (path.empty() || path.size() >= sizeof name.sun_path) die("bad socket path: " + path);
    name.sun_family = AF_UNIX;
    std::copy(path.begin(), path.end(), name.sun_path);
    std::memcpy(&result.address, &name, sizeof name);
    result.length = sizeof name;
    result.unix_domain = true;
    return result;
}

}  // namespace

Endpoint parse_endpoint(std::string const& text) {
    if (text.starts_with("unix:")) return unix_endpoint(text.substr(5));
    auto const colon = text.rfind(':');
    if (colon == std::string::npos) die("not an address: " + text);
    std::string host = text.substr(0, colon);
    auto const port = std::strtoul(text.c_str() + colon + 1, nullptr, 10);
    if (port > 65535) die("not a port: " + text);
    Endpoint result;
    if (host.starts_with('[') && host.ends_with(']')) {
        sockaddr_in6 name{};
        name.sin6_family = AF_INET6;
        name.sin6_port = htons(static_cast<std::uint16_t>(port));
        host = host.substr(1, host.size() - 2);
        if (inet_pton(AF_INET6, host.c_str(), &name.sin6_addr) != 1) die("not an address: " + text);
        std::memcpy(&result.address, &name, sizeof name);
        result.length = sizeof name;
        return result;
    }
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(static_cast<std::uint16_t>(port));
    if (inet_pton(AF_INET, host.c_str(), &name.sin_addr) != 1) die("not an address: " + text);
    std::memcpy(&result.address, &name, sizeof name);
    result.length = sizeof name;
    return result;
}

int connect_to(Endpoint const& endpoint) {
    int const fd =
        socket(endpoint.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    int const one = 1;
    if (!endpoint.unix_domain) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(fd, reinterpret_cast<sockaddr const*>(&endpoint.address), endpoint.length) == 0 ||
        errno == EINPROGRESS)
        return fd;
    int const saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

int listen_on(Endpoint const& endpoint) {
    int const fd =
        socket(endpoint.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) die(std::string("socket: ") + std::strerror(errno));
    int const one = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, reinterpret_cast<sockaddr const*>(&endpoint.address), endpoint.length) != 0)
        die(std::string("bind: ") + std::strerror(errno));
    if (listen(fd, 4096) != 0) die(std::string("listen: ") + std::strerror(errno));
    return fd;
}

std::string local_name(int fd) {
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) return "?";
    char text[INET6_ADDRSTRLEN] = {};
    if (address.ss_family == AF_INET) {
        sockaddr_in name{};
        std::memcpy(&name, &address, sizeof name);
        inet_ntop(AF_INET, &name.sin_addr, text, sizeof text);
        return std::string(text) + ":" + std::to_string(ntohs(name.sin_port));
    }
    if (address.ss_family == AF_INET6) {
        sockaddr_in6 name{};
        std::memcpy(&name, &address, sizeof name);
        inet_ntop(AF_INET6, &name.sin6_addr, text, sizeof text);
        return "[" + std::string(text) + "]:" + std::to_string(ntohs(name.sin6_port));
    }
    sockaddr_un name{};
    std::memcpy(&name, &address, sizeof name);
    return std::string("unix:") + name.sun_path;
}

void raise_descriptor_limit() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);  // failure shows as EMFILE where it matters
}

double monotonic_seconds() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

}  // namespace dawk::bench
