// Between rt::Endpoint and the socket addresses of the operating system.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include "dawk/rt/stream.hpp"

namespace dawk::net {

struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t size = 0;

    int family() const noexcept { return storage.ss_family; }
    sockaddr* data() noexcept { return reinterpret_cast<sockaddr*>(&storage); }
    sockaddr const* data() const noexcept { return reinterpret_cast<sockaddr const*>(&storage); }
};

// bad_syntax when the address text is none.
Result<SocketAddress> to_socket_address(rt::Endpoint const& endpoint);
// An unnamed unix socket is "unix:"; IPv4 mapped into IPv6 is told as IPv4.
rt::Endpoint to_endpoint(SocketAddress const& address);
// Of all interfaces that are up, but for loopback; link-local ones too. Sorted.
std::vector<std::string> interface_addresses();
rt::Endpoint local_endpoint(int fd);
rt::Endpoint remote_endpoint(int fd);

}  // namespace dawk::net
