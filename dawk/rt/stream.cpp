#include "dawk/rt/stream.hpp"

#include <array>

#include <arpa/inet.h>
#include <sys/un.h>

#include "dawk/base/ascii.hpp"
#include "dawk/rt/network.hpp"

namespace dawk::rt {
namespace {

// The address in its one canonical spelling (RFC 5952 for IPv6); "" when it is none.
std::string canonical(int family, std::string_view text) {
    std::array<char, INET6_ADDRSTRLEN> buffer{};
    in6_addr address{};  // large enough for both families
    std::string const terminated(text);
    if (terminated.size() >= buffer.size() || terminated.find('\0') != std::string::npos) return {};
    if (inet_pton(family, terminated.c_str(), &address) != 1) return {};
    if (inet_ntop(family, &address, buffer.data(), buffer.size()) == nullptr) return {};
    return buffer.data();
}

Result<Endpoint> parse_unix(std::string_view text) {
    std::string_view const path = text.substr(5);
    if (!path.starts_with('/') || path.find('\0') != std::string_view::npos)
        return Errc::bad_syntax;
    if (path.size() >= sizeof(sockaddr_un::sun_path)) return Errc::too_long;
    return Endpoint{std::string(text), 0};
}

}  // namespace

std::string Endpoint::text() const {
    if (is_unix() || address.empty()) return address;
    std::string const number = std::to_string(port);
    if (address.find(':') == std::string::npos) return address + ":" + number;
    return "[" + address + "]:" + number;
}

Result<Endpoint> parse_endpoint(std::string_view text) {
    if (text.starts_with("unix:")) return parse_unix(text);
    auto const colon = text.rfind(':');
    if (colon == std::string_view::npos) return Errc::bad_syntax;
    std::string_view host = text.substr(0, colon);
    std::string_view const digits = text.substr(colon + 1);
    auto const port = ascii::to_number<std::uint16_t>(digits);
    if (!port || digits.size() > 5) return Errc::bad_syntax;
    int family = AF_INET;
    if (host.starts_with('[') && host.ends_with(']')) {
        host = host.substr(1, host.size() - 2);
        family = AF_INET6;
    }
    std::string address = canonical(family, host);
    if (address.empty()) return Errc::bad_syntax;
    return Endpoint{std::move(address), *port};
}

void throw_exception_from_error(Explained const& error, boost::source_location const& where) {
    boost::throw_with_location(boost::system::system_error(error.code, error.detail), where);
}

}  // namespace dawk::rt
