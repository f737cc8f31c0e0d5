#include "dawk/routing/mx.hpp"

#include <set>

#include <gmock/gmock.h>

namespace dawk::routing {
namespace {

using Kind = ExchangerChoice::Kind;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> const own = {"us.example"};

dns::Answer mx(std::vector<dns::Mx> records) {
    dns::Answer answer;
    answer.status = dns::Status::ok;
    answer.mx = std::move(records);
    return answer;
}
dns::Answer status(dns::Status s) {
    dns::Answer answer;
    answer.status = s;
    return answer;
}
ExchangerChoice choose(dns::Answer const& answer, std::uint64_t seed = 1) {
    return choose_exchangers("example.org", answer, own, seed);
}

TEST(Exchangers, LowerPreferenceComesFirst) {  // RFC 5321 §5.1
    auto const c = choose(mx({{20, "b"}, {10, "a"}, {30, "c"}}));
    EXPECT_EQ(c.kind, Kind::hosts);
    EXPECT_THAT(c.hosts, ElementsAre("a", "b", "c"));
    EXPECT_FALSE(c.is_implicit);
}

TEST(Exchangers, EqualPreferencesComeInRandomOrder) {  // RFC 5321 §5.1
    std::set<std::string> firsts;
    for (std::uint64_t seed = 0; seed < 64; ++seed) {
        auto const c = choose(mx({{10, "a"}, {10, "b"}, {10, "c"}, {20, "d"}}), seed);
        EXPECT_EQ(c.hosts.back(), "d");
        firsts.insert(c.hosts.front());
        EXPECT_EQ(c.hosts, choose(mx({{10, "a"}, {10, "b"}, {10, "c"}, {20, "d"}}), seed).hosts);
    }
    EXPECT_EQ(firsts.size(), 3U);
}

TEST(Exchangers, NullMxAloneTakesNoMail) {  // RFC 7505 §3
    EXPECT_EQ(choose(mx({{0, ""}})).kind, Kind::no_mail);
    auto const beside = choose(mx({{0, ""}, {10, "a"}}));
    EXPECT_EQ(beside.kind, Kind::hosts) << "beside others it is no null MX";
    EXPECT_THAT(beside.hosts, ElementsAre("a"));
}

TEST(Exchangers, WeAndAllBehindUsAreDiscarded) {  // RFC 5321 §5.1
    EXPECT_THAT(choose(mx({{10, "a"}, {20, "US.example"}, {20, "b"}, {30, "c"}})).hosts,
                ElementsAre("a"));
    auto const loop = choose(mx({{10, "us.example"}, {10, "b"}, {30, "c"}}));
    EXPECT_EQ(loop.kind, Kind::loop);
    EXPECT_THAT(loop.text, HasSubstr("loop"));
}

TEST(Exchangers, WithoutMxTheDomainIsTheHost) {  // RFC 5321 §5.1
    auto const c = choose(status(dns::Status::no_data));
    EXPECT_EQ(c.kind, Kind::hosts);
    EXPECT_TRUE(c.is_implicit);
    EXPECT_THAT(c.hosts, ElementsAre("example.org"));
    EXPECT_EQ(choose_exchangers("us.example", status(dns::Status::no_data), own, 1).kind,
              Kind::loop);
}

TEST(Exchangers, AFailedQueryIsNeverAnAbsentRecord) {  // RFC 5321 §5.1
    for (auto const s : {dns::Status::servfail, dns::Status::timeout, dns::Status::bogus}) {
        EXPECT_EQ(choose(status(s)).kind, Kind::temporary);
        EXPECT_TRUE(choose(status(s)).hosts.empty());
    }
    EXPECT_EQ(choose(status(dns::Status::nxdomain)).kind, Kind::no_domain);
}

TEST(Exchangers, TheirNumberIsBoundedAndTheyAreDistinct) {
    std::vector<dns::Mx> many;
    for (int i = 0; i < 100; ++i) many.push_back({10, "h" + std::to_string(i / 2)});
    auto const c = choose(mx(many));
    EXPECT_EQ(c.hosts.size(), ExchangerChoice::hosts_max);
    EXPECT_EQ(std::set<std::string>(c.hosts.begin(), c.hosts.end()).size(), c.hosts.size());
}

TEST(Addresses, FamiliesTakeTurns) {
    EXPECT_THAT(order_addresses({"6"}, {"4"}, 1, false), ElementsAre("6", "4"));
    EXPECT_THAT(order_addresses({"6"}, {"4"}, 1, true), ElementsAre("4", "6"));
    EXPECT_EQ(order_addresses({"6a", "6b"}, {"4"}, 1, false).at(1), "4");
    EXPECT_TRUE(order_addresses({}, {}, 1, false).empty());
}

TEST(Addresses, OfALiteral) {  // RFC 5321 §4.1.3
    EXPECT_EQ(literal_address("[192.0.2.1]"), "192.0.2.1");
    EXPECT_EQ(literal_address("[ipv6:2001:db8::1]"), "2001:db8::1");
    EXPECT_EQ(literal_address("[IPv6:2001:db8::1]"), "2001:db8::1");
    EXPECT_EQ(literal_address("[x-tag:abc]"), "");
    EXPECT_EQ(literal_address("example.org"), "");
    EXPECT_EQ(literal_address("[]"), "");
}

}  // namespace
}  // namespace dawk::routing
