// Messages composed so that two readers might see two authors. There is one reader here: what DMARC
// judges is what the address parser of delivery reads; where that is not one domain, nobody passes.
#include <gtest/gtest.h>

#include "dawk/dkim/sign.hpp"
#include "dawk/mail/address_list.hpp"
#include "dawk/mailauth/mailauth.hpp"
#include "dawk/mailauth/policy.hpp"
#include "dawk/mailauth/zone_file.hpp"

namespace dawk::mailauth {
namespace {

using namespace std::string_literals;

// bank.example is the victim, evil.test the attacker, whose SPF, DKIM and DMARC all are in order.
ZoneFile zone_of(std::string const& key) {
    return ZoneFile::parse(R"({
      "bank.example": {"TXT": ["v=spf1 -all"]}, "_dmarc.bank.example": {"TXT": ["v=DMARC1; p=reject"]},
      "evil.test": {"TXT": ["v=spf1 +all"]}, "_dmarc.evil.test": {"TXT": ["v=DMARC1; p=none"]},
      "s._domainkey.evil.test": {"TXT": [")" +
                           key + R"("]},
      "bank.example.evil.test": {"TXT": ["v=spf1 +all"]},
      "_dmarc.xn--bnk-qla.example": {"TXT": ["v=DMARC1; p=reject"]}})")
        .value();
}

struct Judged {
    Report report;
    Decision decision;
};

Judged judge(std::string const& fields, std::string const& sender = "a@evil.test") {
    static auto const key = std::make_shared<crypto::PrivateKey>(
        crypto::PrivateKey::generate(crypto::KeyKind::ed25519));
    static auto const zone = zone_of(dkim::key_record(*key));
    std::string const content = fields + "Subject: x\r\n\r\nbody\r\n";
    dkim::SigningKey signing;
    signing.domain = "evil.test";
    signing.selector = "s";
    signing.key = key;
    auto const bare = mail::HeaderSection::parse(content).value();
    dkim::Signer signer({signing}, bare, WallTime{});
    signer.body(std::string_view(content).substr(bare.body_offset()));
    auto const message = signer.finish().value() + content;
    auto const header = mail::HeaderSection::parse(message).value();
    Checker checker({"192.0.2.66", "mx.evil.test", sender, "us.test", {}}, header);
    checker.body(std::string_view(message).substr(header.body_offset()));
    Judged out;
    out.report = dns::run(checker.finish(), [&](auto const& q) { return zone.answer(q); });
    out.decision = decide({}, out.report, {"evil.test", "us.test", false});
    return out;
}

TEST(Composition, TheAuthorIsWhoTheParserOfDeliverySees) {
    struct Case {
        std::string from, author;
    };
    Case const cases[] = {
        {"From: a@evil.test\r\n", "evil.test"},
        {"From: \"joe@bank.example\" <a@evil.test>\r\n", "evil.test"},
        {"From: joe@bank.example <a@evil.test>\r\n", "evil.test"},
        {"From: =?utf-8?q?joe=40bank.example?= <a@evil.test>\r\n", "evil.test"},
        {"From: a@evil.test (joe@bank.example)\r\n", "evil.test"},
        {"From: (joe@bank.example) a@evil.test\r\n", "evil.test"},
        {"From: (\\) joe@bank.example (\") a@evil.test\r\n", ""},
        {"From: \"a@bank.example\"@evil.test\r\n", "evil.test"},
        {"From: \"a\\\"@bank.example\"@evil.test\r\n", "evil.test"},
        {"From: <@bank.example:a@evil.test>\r\n", "evil.test"},
        {"From: a@bank.example.evil.test\r\n", "bank.example.evil.test"},
        {"From:\r\n\tjoe\r\n\t@\r\n\tbank.example\r\n", "bank.example"},
        {"from : joe@bank.example\r\n", "bank.example"},
        {"From: joe@BANK.example\r\n", "bank.example"},
        {"From: joe@bank.example.\r\n", ""},
        {"From: joe@b\xC3\xA4nk.example\r\n", "xn--bnk-qla.example"},
        {"From: joe@bank\xE3\x80\x82"
         "example\r\n",
         "bank.example"},
    };
    for (auto const& one : cases) {
        auto const header = mail::HeaderSection::parse(one.from + "\r\n").value();
        auto const authors = dmarc::author_domains(header);
        if (one.author.empty()) {
            EXPECT_NE(authors.problem, "") << one.from;
            continue;
        }
        EXPECT_EQ(authors.problem, "") << one.from;
        ASSERT_EQ(authors.domains.size(), 1U) << one.from;
        EXPECT_EQ(authors.domains[0], one.author) << one.from;
        // The same by the parser that everything else uses.
        auto const list = mail::parse_address_list(header.first("From")->body);
        ASSERT_TRUE(list) << one.from;
        EXPECT_EQ(mail::mailboxes(*list).size(), 1U) << one.from;
    }
}

TEST(Composition, NoVictimEverPasses) {
    std::string const froms[] = {
        "From: joe@bank.example\r\n",
        "From: joe@bank.example\r\nFrom: a@evil.test\r\n",
        "From: a@evil.test\r\nFrom: joe@bank.example\r\n",
        "From: a@evil.test\r\nFROM: joe@bank.example\r\n",
        "From: a@evil.test\r\nFrom\t: joe@bank.example\r\n",
        "From: a@evil.test, joe@bank.example\r\n",
        "From: joe@bank.example\r\n ,a@evil.test\r\n",
        "From: friends: a@evil.test, joe@bank.example;\r\n",
        "From: friends:;\r\n",
        "From: \r\n",
        "From: joe@bank.example\0@evil.test\r\n"s,
        "From: joe@bank.example\0\r\n"s,
        "From: a@evil.test\0, joe@bank.example\r\n"s,
        "From: joe@bank.example a@evil.test\r\n",
        "From: <joe@bank.example> <a@evil.test>\r\n",
        "From: joe@[192.0.2.66]\r\n",
        "From: joe\r\n",
        "From: joe@\r\n",
        "From: @bank.example\r\n",
        "Sender: a@evil.test\r\n",
        "Reply-To: a@evil.test\r\nResent-From: a@evil.test\r\n",
    };
    for (auto const& from : froms) {
        auto const judged = judge(from);
        EXPECT_EQ(judged.report.spf.result, spf::Result::pass);
        EXPECT_NE(judged.report.dmarc.result, dmarc::Result::pass) << from;
        EXPECT_NE(judged.report.dmarc.result, dmarc::Result::none) << from << " got around DMARC";
        EXPECT_EQ(judged.decision.action, Action::quarantine) << from;
    }
    EXPECT_EQ(judge("From: a@evil.test\r\n").report.dmarc.result, dmarc::Result::pass);
}

TEST(Composition, ANameBelowOrBesideIsNotTheNameItself) {
    for (std::string const sender : {"a@bank.example.evil.test", "a@evil.test", "a@xbank.example",
                                     "\"joe@bank.example\"@evil.test"}) {
        auto const judged = judge("From: joe@bank.example\r\n", sender);
        EXPECT_EQ(judged.report.dmarc.result, dmarc::Result::fail) << sender;
        EXPECT_FALSE(judged.report.dmarc.spf_aligned) << sender;
        EXPECT_FALSE(judged.report.dmarc.dkim_aligned) << sender;
    }
    // Its own name is the attacker's to use, whatever stands in front.
    auto const judged = judge("From: joe@bank.example.evil.test\r\n", "a@evil.test");
    EXPECT_EQ(judged.report.dmarc.organizational_domain, "evil.test");
}

// What a peer says ends up in our field as one value, and nothing else.
TEST(Composition, NothingGetsOutOfItsValue) {
    for (auto const& hostile :
         {"x; dmarc=pass header.from=bank.example"s, "x\r\nX-Injected: 1"s, "x\" dmarc=pass \""s,
          "x (dmarc=pass"s, "x\\"s, "x\0y"s, "x\n\tdmarc=pass"s}) {
        std::string const content = "From: a@evil.test\r\n\r\n";
        auto const header = mail::HeaderSection::parse(content).value();
        Checker checker({"192.0.2.66", hostile, hostile + "@evil.test", "us.test", {}}, header);
        auto const report = dns::run(checker.finish(), [](auto const&) {
            dns::Answer none;
            none.status = dns::Status::nxdomain;
            return none;
        });
        auto const written = mail::HeaderSection::parse(report.header + "\r\n").value();
        ASSERT_EQ(written.size(), 1U) << hostile;
        auto const parsed = authres::parse(written[0].body);
        ASSERT_TRUE(parsed) << report.header;
        for (auto const& result : parsed->results) {
            if (result.method != "dmarc") continue;
            EXPECT_EQ(result.result, "none") << hostile;
        }
    }
}

}  // namespace
}  // namespace dawk::mailauth
