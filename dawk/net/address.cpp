#include "dawk/net/address.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

namespace dawk::net {
namespace {

template <class T>
T& as(SocketAddress& a) noexcept {
    return *reinterpret_cast<T*>(&a.storage);
}
template <class T>
T const& as(SocketAddress const& a) noexcept {
    return *reinterpret_cast<T const*>(&a.storage);
}

std::string numeric(int family, void const* address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (inet_ntop(family, address, text.data(), text.size()) == nullptr) return {};
    return text.data();
}

Result<SocketAddress> unix_address(std::string_view path) {
    SocketAddress a;
    auto& un = as<sockaddr_un>(a);
    if (path.empty() || path.size() >= sizeof(un.sun_path)) return Errc::too_long;
    un.sun_family = AF_UNIX;
    std::memcpy(un.sun_path, path.data(), path.size());
    a.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
    return a;
}

}  // namespace

Result<SocketAddress> to_socket_address(rt::Endpoint const& endpoint) {
    if (endpoint.is_unix()) return unix_address(std::string_view(endpoint.address).substr(5));
    SocketAddress a;
    auto& v4 = as<sockaddr_in>(a);
    if (inet_pton(AF_INET, endpoint.address.c_str(), &v4.sin_addr) == 1) {
        v4.sin_family = AF_INET;
        v4.sin_port = htons(endpoint.port);
        a.size = sizeof(sockaddr_in);
        return a;
    }
    auto& v6 = as<sockaddr_in6>(a);
    if (inet_pton(AF_INET6, endpoint.address.c_str(), &v6.sin6_addr) == 1) {
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(endpoint.port);
        a.size = sizeof(sockaddr_in6);
        return a;
    }
    return Errc::bad_syntax;
}

rt::Endpoint to_endpoint(SocketAddress const& a) {
    if (a.family() == AF_INET) {
        auto const& v4 = as<sockaddr_in>(a);
        return {numeric(AF_INET, &v4.sin_addr), ntohs(v4.sin_port)};
    }
    if (a.family() == AF_INET6) {
        auto const& v6 = as<sockaddr_in6>(a);
        if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
            return {numeric(AF_INET, v6.sin6_addr.s6_addr + 12), ntohs(v6.sin6_port)};
        }
        return {numeric(AF_INET6, &v6.sin6_addr), ntohs(v6.sin6_port)};
    }
    auto const& un = as<sockaddr_un>(a);
    std::size_t const start = offsetof(sockaddr_un, sun_path);
    if (a.family() != AF_UNIX || a.size <= start) return {"unix:", 0};
    return {"unix:" + std::string(un.sun_path, strnlen(un.sun_path, a.size - start)), 0};
}

rt::Endpoint local_endpoint(int fd) {
    SocketAddress a;
    a.size = sizeof(a.storage);
    if (getsockname(fd, a.data(), &a.size) != 0) return {};
    return to_endpoint(a);
}

rt::Endpoint remote_endpoint(int fd) {
    SocketAddress a;
    a.size = sizeof(a.storage);
    if (getpeername(fd, a.data(), &a.size) != 0) return {};
    return to_endpoint(a);
}

std::vector<std::string> interface_addresses() {
    std::vector<std::string> out;
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) return out;
    for (auto const* i = list; i != nullptr; i = i->ifa_next) {
        if (i->ifa_addr == nullptr || (i->ifa_flags & IFF_UP) == 0) continue;
        if ((i->ifa_flags & IFF_LOOPBACK) != 0) continue;
        auto const family = i->ifa_addr->sa_family;
        if (family != AF_INET && family != AF_INET6) continue;
        SocketAddress address;
        address.size = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
        std::memcpy(&address.storage, i->ifa_addr, address.size);
        out.push_back(to_endpoint(address).address);
    }
    ::freeifaddrs(list);
    std::sort(out.begin(), out.end());
    return out;
}

}  // namespace dawk::net
