#include "dawk/net/rdata.hpp"

#include <gtest/gtest.h>

namespace dawk::net {
namespace {

using namespace std::string_literals;
using dns::Type;

dns::Answer decode(Type type, std::string const& data) {
    dns::Answer answer;
    EXPECT_TRUE(decode_record(type, data, answer));
    return answer;
}

void refuse(Type type, std::string const& data) {
    dns::Answer answer;
    EXPECT_FALSE(decode_record(type, data, answer)) << dns::to_string(type);
    EXPECT_TRUE(answer.addresses.empty() && answer.mx.empty() && answer.texts.empty() &&
                answer.names.empty() && answer.tlsa.empty());
}

TEST(Rdata, ReadsEachType) {
    EXPECT_EQ(decode(Type::a, "\xc0\0\2\1"s).addresses[0], "192.0.2.1");
    EXPECT_EQ(decode(Type::aaaa, "\x20\x01\x0d\xb8"s + std::string(11, '\0') + "\1").addresses[0],
              "2001:db8::1");
    EXPECT_EQ(decode(Type::mx, "\0\12\2MX\7Example\0"s).mx[0], (dns::Mx{10, "mx.example"}));
    EXPECT_EQ(decode(Type::txt, "\6v=spf1\5 -all"s).texts[0], "v=spf1 -all");  // RFC 7208 §3.3
    EXPECT_EQ(decode(Type::txt, "\0"s).texts[0], "");
    EXPECT_EQ(decode(Type::ptr, "\2mx\7example\0"s).names[0], "mx.example");
    EXPECT_EQ(decode(Type::cname, "\0"s).names[0], "");
    auto const tlsa = decode(Type::tlsa, "\3\1\1digest"s).tlsa[0];
    EXPECT_EQ(tlsa.usage, 3);
    EXPECT_EQ(tlsa.selector, 1);
    EXPECT_EQ(tlsa.matching, 1);
    EXPECT_EQ(tlsa.data, "digest");
}

TEST(Rdata, NullMxIsTheRoot) {  // RFC 7505 §3
    EXPECT_EQ(decode(Type::mx, "\0\0\0"s).mx[0], (dns::Mx{0, ""}));
}

TEST(Rdata, NamesThatDifferNeverLookEqual) {  // RFC 4343 §2.1
    EXPECT_EQ(decode(Type::ptr, "\3a.b\1c\0"s).names[0], "a\\.b.c");
    EXPECT_EQ(decode(Type::ptr, "\3a\\b\0"s).names[0], "a\\\\b");
    EXPECT_EQ(decode(Type::ptr, "\4\xff\n \x7f\0"s).names[0], "\\255\\010\\032\\127");
}

TEST(Rdata, RefusesWhatDoesNotFollowItsForm) {
    refuse(Type::a, "\xc0\0\2"s);
    refuse(Type::a, "\xc0\0\2\1\1"s);
    refuse(Type::aaaa, std::string(15, '\0'));
    refuse(Type::mx, ""s);
    refuse(Type::mx, "\0\12"s);
    refuse(Type::mx, "\0\12\2mx"s);
    refuse(Type::mx, "\0\12\2mx\0x"s);
    refuse(Type::mx, "\0\12\xc0\x0c"s);  // a compression pointer
    refuse(Type::txt, ""s);
    refuse(Type::txt, "\5abcd"s);
    refuse(Type::txt, "\1a\1"s);
    refuse(Type::tlsa, "\3\1\1"s);
    refuse(Type::ptr, ""s);
    refuse(Type::ptr, "\100"s + std::string(64, 'a') + "\0"s);
    refuse(Type::soa, "\0\0"s);
}

TEST(Rdata, HoldsNamesTo255Octets) {
    std::string const label = "\77" + std::string(63, 'a');
    std::string const longest = label + label + label + "\75" + std::string(61, 'a') + "\0"s;
    ASSERT_EQ(longest.size(), 255U);
    EXPECT_EQ(decode(Type::ptr, longest).names[0].size(), 253U);
    refuse(Type::ptr, label + label + label + "\76" + std::string(62, 'a') + "\0"s);
}

}  // namespace
}  // namespace dawk::net
