// NetworkSet: addresses and networks as an administrator lists them, "192.0.2.0/24", "2001:db8::1".
//
//     auto set = NetworkSet::parse({"127.0.0.0/8", "::1"});
//     set->contains("127.0.0.1");
//
// An IPv4 address that comes mapped into IPv6 (::ffff:192.0.2.1) is the IPv4 address. A unix socket
// is nobody's network. Standards: RFC 4291 §2.3, §2.5.5.2.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dawk/base/result.hpp"

namespace dawk::mta {

class NetworkSet {
  public:
    NetworkSet() = default;
    static Result<NetworkSet> parse(std::vector<std::string> const& networks);  // bad_syntax
    bool contains(std::string_view address) const noexcept;

  private:
    struct Network {
        std::array<std::uint8_t, 16> octets;
        unsigned bits;
    };
    std::vector<Network> networks_;
};

bool is_loopback(std::string_view address) noexcept;

}  // namespace dawk::mta
