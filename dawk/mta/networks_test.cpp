#include "dawk/mta/networks.hpp"

#include <gtest/gtest.h>

namespace dawk::mta {
namespace {

TEST(NetworkSet, HoldsAddressesAndNetworks) {
    auto const set =
        NetworkSet::parse({"192.0.2.0/25", "10.1.2.3", "2001:db8::/33", "::1"}).value();
    for (std::string_view in : {"192.0.2.0", "192.0.2.127", "10.1.2.3", "::ffff:10.1.2.3",
                                "2001:db8:7fff::1", "::1", "2001:db8::1%eth0"}) {
        EXPECT_TRUE(set.contains(in)) << in;
    }
    for (std::string_view out : {"192.0.2.128", "10.1.2.4", "2001:db8:8000::1", "::2", "",
                                 "unix:/run/x", "10.1.2", "2001:db9::"}) {
        EXPECT_FALSE(set.contains(out)) << out;
    }
}

TEST(NetworkSet, WholeInternetOfOneFamily) {
    auto const set = NetworkSet::parse({"0.0.0.0/0"}).value();
    EXPECT_TRUE(set.contains("203.0.113.9"));
    EXPECT_FALSE(set.contains("2001:db8::1"));
    EXPECT_FALSE(NetworkSet().contains("127.0.0.1"));
}

TEST(NetworkSet, RefusesBadText) {
    for (char const* bad : {"", "192.0.2.0/33", "192.0.2.0/", "192.0.2/24", "2001:db8::/129",
                            "example.org", "192.0.2.1/-1"}) {
        EXPECT_FALSE(NetworkSet::parse({bad})) << bad;
    }
}

}  // namespace
}  // namespace dawk::mta
