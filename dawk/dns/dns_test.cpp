#include "dawk/dns/dns.hpp"

#include <gtest/gtest.h>

namespace dawk::dns {
namespace {

TEST(Dns, NamesTypesAndStatesInWords) {
    EXPECT_EQ(to_string(Type::a), "A");
    EXPECT_EQ(to_string(Type::tlsa), "TLSA");
    EXPECT_EQ(to_string(static_cast<Type>(257)), "TYPE257");  // RFC 3597 §5
    EXPECT_EQ(to_string(Status::nxdomain), "nxdomain");
    EXPECT_EQ(to_string(Status::no_data), "no_data");
}

TEST(Dns, ReversesIpv4) {  // RFC 1035 §3.5
    EXPECT_EQ(reverse_name("192.0.2.1"), "1.2.0.192.in-addr.arpa");
    EXPECT_EQ(reverse_name("10.0.0.255"), "255.0.0.10.in-addr.arpa");
}

TEST(Dns, ReversesIpv6ByNibble) {  // RFC 3596 §2.5
    EXPECT_EQ(reverse_name("4321:0:1:2:3:4:567:89ab"),
              "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa");
    EXPECT_EQ(reverse_name("2001:db8::1"),
              "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
}

TEST(Dns, ReversesMappedAddressInTheIpv4Tree) {
    EXPECT_EQ(reverse_name("::ffff:192.0.2.1"), "1.2.0.192.in-addr.arpa");
}

TEST(Dns, ReversesNothingButAddresses) {
    for (auto const* text : {"", "mx.example", "192.0.2", "192.0.2.1.", "192.0.2.256", "::1%lo",
                             "01.2.3.4", " 1.2.3.4", "unix:/x"})
        EXPECT_EQ(reverse_name(text), "") << text;
    EXPECT_EQ(reverse_name(std::string("1.2.3.4\0x", 9)), "");
}

TEST(Dns, OnlyFailuresOfServersAreTemporary) {
    Answer answer;
    for (auto s : {Status::servfail, Status::timeout, Status::bogus}) {
        answer.status = s;
        EXPECT_TRUE(answer.temporary());
    }
    for (auto s : {Status::ok, Status::no_data, Status::nxdomain}) {
        answer.status = s;
        EXPECT_FALSE(answer.temporary());
    }
}

}  // namespace
}  // namespace dawk::dns
