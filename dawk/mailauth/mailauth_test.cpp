#include "dawk/mailauth/mailauth.hpp"

#include <gtest/gtest.h>

#include "dawk/base/base64.hpp"
#include "dawk/dkim/sign.hpp"
#include "dawk/mailauth/check_message.hpp"
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

TEST(ZoneFile, TakesWhatZonesHave) {
    auto const zone = ZoneFile::parse(R"({
      "B\u00FCcher.example.": {"txt": "one", "SOA": ["x"], "TLSA": [], "MX": [10, "mx.example"]},
      "many.example": {"TXT": ["one", ["t", "wo"], []], "A": [], "SPF": ["v=spf1 -all"]},
      "alias.example": {"CNAME": "TIMEOUT"}, "link.example": {"CNAME": ["many.example"]},
      "here.example": {"*": "SERVFAIL", "A": ["192.0.2.1"]}})")
                          .value();
    auto const books = "xn--bcher-kva.example";
    EXPECT_EQ(ask_zone(zone, books, dns::Type::txt).texts, std::vector<std::string>{"one"});
    EXPECT_EQ(ask_zone(zone, books, dns::Type::mx).mx, (std::vector<dns::Mx>{{10, "mx.example"}}));
    EXPECT_EQ(ask_zone(zone, "link.example", dns::Type::txt).texts,
              (std::vector<std::string>{"one", "two", ""}));
    EXPECT_EQ(ask_zone(zone, "link.example", dns::Type::txt).canonical_name, "many.example");
    EXPECT_EQ(ask_zone(zone, "many.example", dns::Type::a).status, dns::Status::no_data);
    EXPECT_EQ(ask_zone(zone, "alias.example", dns::Type::a).status, dns::Status::timeout);
    EXPECT_EQ(ask_zone(zone, "here.example", dns::Type::a).status, dns::Status::ok);
    EXPECT_EQ(ask_zone(zone, "here.example", dns::Type::txt).status, dns::Status::servfail);
    EXPECT_EQ(ask_zone(zone, "no.here.example", dns::Type::txt).status, dns::Status::nxdomain);
    auto const silent =
        ZoneFile::parse(R"({"*": "TIMEOUT", "a.test": {"A": "192.0.2.1"}})").value();
    EXPECT_EQ(ask_zone(silent, "b.test", dns::Type::a).status, dns::Status::timeout);
    EXPECT_EQ(ask_zone(silent, "a.test", dns::Type::txt).status, dns::Status::no_data);
    EXPECT_EQ(ask_zone(silent, "a.test", dns::Type::a).status, dns::Status::ok);
}

TEST(ZoneFile, SaysWhatIsWrong) {
    for (auto const* text : {"", "[]", "{\"a\": 1}", "{\"a\": {\"QQ\": []}}",
                             "{\"a\": {\"MX\": [[70000, \"x\"]]}}", "{\"a\": {\"*\": []}}",
                             "{\"a\": {\"TXT\": [1]}}", "{\"a\": {\"TXT\": \"x\", \"txt\": []}}"}) {
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

TEST(CheckMessage, IsTheSameAtOnce) {
    struct FromZone : Resolver {
        ZoneFile zone = ZoneFile::parse(zone_text).value();
        dns::Answer look_up(dns::Question const& question) override {
            return zone.answer(question);
        }
    } resolver;
    std::string const message = "From: joe@example.org\r\n\r\nHi\r\n";
    Client const client{"192.0.2.1", "mx.example.org", "joe@example.org", "us.test", {}};
    auto const at_once = check_message(client, message, resolver);
    ASSERT_TRUE(at_once);
    EXPECT_EQ(at_once->header, check(message, client).header);
    EXPECT_FALSE(check_message(client, std::string(1U << 20U, 'x') + ": y\r\n", resolver));
}

TEST(Checker, ALengthThatLeavesTheEndOpenVouchesForNothing) {  // RFC 6376 §8.2
    auto const key = std::make_shared<crypto::PrivateKey>(
        crypto::PrivateKey::generate(crypto::KeyKind::ed25519));
    std::string const signed_text = "Hello\r\n";
    std::string const fields = "From: joe@open.test\r\n";
    auto const body_hash = base64::encode(crypto::digest(crypto::Hash::sha256, signed_text));
    std::string field =
        "DKIM-Signature: v=1; a=ed25519-sha256; c=simple/simple; d=open.test; s=s; l=7; "
        "h=from; bh=" +
        body_hash + "; b=";
    auto const digest = crypto::digest(crypto::Hash::sha256, fields + field);
    auto const message = field + base64::encode(key->sign_digest(digest).value()) + "\r\n" +
                         fields + "\r\n" + signed_text + "Buy now\r\n";
    auto const header = mail::HeaderSection::parse(message).value();
    Checker checker({"192.0.2.9", "x", "", "us.test", {}}, header);
    checker.body(std::string_view(message).substr(header.body_offset()));
    auto const report = dns::run(checker.finish(), [&](dns::Question const& q) {
        dns::Answer answer;
        answer.status = dns::Status::ok;
        if (q.name == "s._domainkey.open.test") answer.texts = {dkim::key_record(*key)};
        if (q.name == "_dmarc.open.test") answer.texts = {"v=DMARC1; p=reject"};
        if (answer.texts.empty()) answer.status = dns::Status::nxdomain;
        return answer;
    });
    ASSERT_EQ(report.dkim.size(), 1U);
    EXPECT_EQ(report.dkim[0].result, dkim::Result::pass) << report.dkim[0].reason;
    EXPECT_EQ(report.dmarc.result, dmarc::Result::fail);
    EXPECT_NE(report.header.find("l= leaves"), report.header.npos) << report.header;
}

TEST(Checker, InternationalisedDomainsAreAskedForAsALabels) {  // RFC 8616 §4
    std::vector<std::string> asked;
    spf::Query const query{"192.0.2.1",
                           "b\xC3\xBC"
                           "cher.example",
                           "joe@b\xC3\xBC"
                           "cher.example",
                           "us",
                           {}};
    auto const verdict = dns::run(spf::check(query), [&](dns::Question const& q) {
        asked.push_back(q.name);
        dns::Answer answer;
        answer.status = dns::Status::ok;
        answer.texts = {"v=spf1 exists:%{o}.x.test -all"};
        if (q.type == dns::Type::a) answer.addresses = {"127.0.0.2"};
        return answer;
    });
    EXPECT_EQ(verdict.result, spf::Result::pass);
    EXPECT_EQ(asked,
              (std::vector<std::string>{"xn--bcher-kva.example", "xn--bcher-kva.example.x.test"}));
}

TEST(Checker, TheNullSenderIsJudgedByItsHelo) {
    auto const report = check("From: postmaster@example.org\r\n\r\nHi\r\n",
                              {"192.0.2.1", "mx.example.org", "", "us.test", {}});
    EXPECT_EQ(report.spf.domain, "mx.example.org");
    EXPECT_EQ(report.dmarc.result, dmarc::Result::pass) << report.dmarc.reason;
}

}  // namespace
}  // namespace dawk::mailauth
