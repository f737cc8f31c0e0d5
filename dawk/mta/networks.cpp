#include "dawk/mta/networks.hpp"

#include <algorithm>

#include <boost/asio/ip/address.hpp>

#include "dawk/base/ascii.hpp"

namespace dawk::mta {

namespace {

namespace ip = boost::asio::ip;
using Octets = std::array<std::uint8_t, 16>;

// Every address as IPv6; IPv4 as mapped. A zone ("%eth0") is not part of the address.
std::optional<Octets> parse_address(std::string_view text) noexcept {
    text = text.substr(0, text.find('%'));
    if (text.size() > 45) return std::nullopt;
    boost::system::error_code error;
    auto const address = ip::make_address(std::string(text), error);
    if (error) return std::nullopt;
    if (address.is_v6()) return address.to_v6().to_bytes();
    return ip::make_address_v6(ip::v4_mapped, address.to_v4()).to_bytes();
}

bool matches(Octets const& address, Octets const& network, unsigned bits) noexcept {
    unsigned const whole = bits / 8;
    if (!std::equal(address.begin(), address.begin() + whole, network.begin())) return false;
    unsigned const rest = bits % 8;
    if (rest == 0) return true;
    auto const mask = static_cast<std::uint8_t>(0xFFU << (8 - rest));
    return (address[whole] & mask) == (network[whole] & mask);
}

}  // namespace

Result<NetworkSet> NetworkSet::parse(std::vector<std::string> const& networks) {
    NetworkSet out;
    for (std::string_view text : networks) {
        std::size_t const slash = text.find('/');
        auto const address = parse_address(text.substr(0, slash));
        if (!address) return Errc::bad_syntax;
        bool const v4 = text.find(':') == text.npos;
        unsigned bits = 128;
        if (slash != text.npos) {
            auto const given = ascii::to_number<unsigned>(text.substr(slash + 1));
            if (!given || *given > (v4 ? 32U : 128U)) return Errc::bad_syntax;
            bits = v4 ? *given + 96 : *given;
        }
        out.networks_.push_back({*address, bits});
    }
    return out;
}

bool NetworkSet::contains(std::string_view address) const noexcept {
    if (networks_.empty()) return false;
    auto const octets = parse_address(address);
    return octets && std::any_of(networks_.begin(), networks_.end(), [&](Network const& n) {
               return matches(*octets, n.octets, n.bits);
           });
}

bool is_loopback(std::string_view address) noexcept {
    return address.starts_with("127.") || address == "::1" || address.starts_with("::ffff:127.");
}

}  // namespace dawk::mta
