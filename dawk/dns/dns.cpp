#include "dawk/dns/dns.hpp"

#include <algorithm>
#include <array>
#include <span>

#include <arpa/inet.h>

namespace dawk::dns {

std::string to_string(Type type) {
    switch (type) {
        case Type::a:
            return "A";
        case Type::ns:
            return "NS";
        case Type::cname:
            return "CNAME";
        case Type::soa:
            return "SOA";
        case Type::ptr:
            return "PTR";
        case Type::mx:
            return "MX";
        case Type::txt:
            return "TXT";
        case Type::aaaa:
            return "AAAA";
        case Type::tlsa:
            return "TLSA";
    }
    return "TYPE" + std::to_string(static_cast<unsigned>(type));  // RFC 3597 §5
}

std::string to_string(Status status) {
    switch (status) {
        case Status::ok:
            return "ok";
        case Status::no_data:
            return "no_data";
        case Status::nxdomain:
            return "nxdomain";
        case Status::servfail:
            return "servfail";
        case Status::timeout:
            return "timeout";
        case Status::bogus:
            return "bogus";
    }
    return "unknown";
}

namespace {

// RFC 1035 §3.5
std::string reverse4(std::span<unsigned char const, 4> octets) {
    std::string name;
    for (std::size_t i = octets.size(); i-- > 0;) name += std::to_string(octets[i]) + ".";
    return name + "in-addr.arpa";
}

// RFC 3596 §2.5
std::string reverse6(std::span<unsigned char const, 16> octets) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string name;
    for (std::size_t i = octets.size(); i-- > 0;) {
        name += {digits[octets[i] & 15], '.', digits[octets[i] >> 4], '.'};
    }
    return name + "ip6.arpa";
}

}  // namespace

std::string reverse_name(std::string const& address) {
    std::array<unsigned char, 16> octets{};
    if (address.find('\0') != std::string::npos) return {};
    if (inet_pton(AF_INET, address.c_str(), octets.data()) == 1)
        return reverse4(std::span(octets).first<4>());
    if (inet_pton(AF_INET6, address.c_str(), octets.data()) != 1) return {};
    // A client on a dual-stack socket: its name lies in the IPv4 tree (RFC 4291 §2.5.5.2).
    static constexpr std::array<unsigned char, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255};
    if (std::equal(mapped.begin(), mapped.end(), octets.begin()))
        return reverse4(std::span(octets).last<4>());
    return reverse6(octets);
}

}  // namespace dawk::dns
