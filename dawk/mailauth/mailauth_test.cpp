#include "dawk/mailauth/mailauth.hpp"

#include <gtest/gtest.h>

#include "dawk/dkim/sign.hpp"
#include "dawk/mailauth/zone_file.hpp"

namespace dawk::mailauth {
namespace {

constexpr std::string_view zone_text = R"({
  "example.org": {"TXT": ["v=spf1 ip4:192.0.2.0/24 -all"], "MX": [[10, "MX.example.org."]]},
  "mx.example.org": {"A": ["192.0.2.1"], "TXT": [["v=spf1 ", "a -all"]]},
  "1.2.0.192.in-addr.arpa": {"PTR": ["mx.example.org"]},
  "_dmarc.example.org": {"TXT": ["v=DMARC1; p=reject"]},
  "www.example.org": {"CNAME": "mx.example.org"},
  "slow.test": "TIMEOUT", "half.test": {"A": "SERVFAIL", "*": "TIMEOUT"}, "loop.test": {"CNAME": "loop.test"}
})";

dns::Answer ask_zone(ZoneFile const& zone, std::string name, dns::Type type) {
    return zone.answer({std::move(name), type});
}

TEST(ZoneFile, AnswersAsItIsWritten) {
    auto const zone = ZoneFile::parse(zone_text).value();
    EXPECT_EQ(ask_zone(zone, "example.org", dns::Type::mx).mx,
              (std::vector<dns::Mx>{{10, "mx.example.org"}}));
    EXPECT_EQ(ask_zone(zone, "mx.example.org", dns::Type::txt).texts,
              std::vector<std::string>{"v=spf1 a -all"});
    EXPECT_EQ(ask_zone(zone, "www.example.org", dns::Type::a).addresses,
              std::vector<std::string>{"192.0.2.1"});
    EXPECT_EQ(ask_zone(zone, "example.org", dns::Type::a).status, dns::Status::no_data);
    EXPECT_EQ(ask_zone(zone, "org", dns::Type::a).status, dns::Status::nxdomain);
    EXPECT_EQ(ask_zone(zone, "no.test", dns::Type::a).status, dns::Status::nxdomain);
    EXPECT_EQ(ask_zone(zone, "slow.test", dns::Type::a).status, dns::Status::timeout);
    EXPECT_EQ(ask_zone(zone, "half.test", dns::Type::a).status, dns::Status::servfail);
    EXPECT_EQ(ask_zone(zone, "half.test", dns::Type::mx).status, dns::Status::timeout);
    EXPECT_EQ(ask_zone(zone, "loop.test", dns::Type::a).status, dns::Status::servfail);
}

TEST(ZoneFile, SaysWhatIsWrong) {
    for (auto const* text :
         {"", "[]", "{\"a\": 1}", "{\"a\": {\"QQ\": []}}", "{\"a\": {\"MX\": [[70000, \"x\"]]}}",
          "{\"a\": {\"*\": []}}", "{\"a\": {\"TXT\": [1]}}"}) {
        auto const zone = ZoneFile::parse(text);
        ASSERT_FALSE(zone) << text;
        EXPECT_FALSE(zone.error().reason.empty());
    }
}

Report check(std::string const& message, Client client) {
    static auto const zone = ZoneFile::parse(zone_text).value();
    auto const header = mail::HeaderSection::parse(message).value();
    Checker checker(std::move(client), header);
    checker.body(std::string_view(message).substr(header.body_offset()));
    return dns::run(checker.finish(), [](auto const& q) { return zone.answer(q); });
}

TEST(Checker, AllChecksInOneField) {
    std::string const message = "From: joe@example.org\r\n\r\nHi\r\n";
    auto const report =
        check(message, {"192.0.2.1", "mx.example.org", "joe@example.org", "us.test", {}});
    EXPECT_EQ(report.iprev.result, Iprev::Result::pass);
    EXPECT_EQ(report.spf.result, spf::Result::pass);
    EXPECT_EQ(report.spf_helo.result, spf::Result::pass);
    EXPECT_EQ(report.dmarc.result, dmarc::Result::pass);
    EXPECT_TRUE(report.header.starts_with("Authentication-Results: us.test;"));
    auto const parsed = authres::parse(report.header.substr(report.header.find(':') + 1));
    ASSERT_TRUE(parsed) << report.header;
    EXPECT_EQ(parsed->results.size(), 5U);
}

TEST(Checker, AForgeryFails) {
    auto const report = check("From: joe@example.org\r\n\r\nHi\r\n",
                              {"198.51.100.1", "x", "joe@evil.test", "us.test", {}});
    EXPECT_EQ(report.dmarc.result, dmarc::Result::fail);
    EXPECT_EQ(report.dmarc.requested, dmarc::Policy::reject);
    EXPECT_EQ(report.iprev.result, Iprev::Result::permerror);
}

TEST(Checker, TheNullSenderIsJudgedByItsHelo) {
    auto const report = check("From: postmaster@example.org\r\n\r\nHi\r\n",
                              {"192.0.2.1", "mx.example.org", "", "us.test", {}});
    EXPECT_EQ(report.spf.domain, "mx.example.org");
    EXPECT_EQ(report.dmarc.result, dmarc::Result::pass) << report.dmarc.reason;
}

}  // namespace
}  // namespace dawk::mailauth
