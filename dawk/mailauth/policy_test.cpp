#include "dawk/mailauth/policy.hpp"

#include <gtest/gtest.h>

#include "dawk/mailauth/facts.hpp"

namespace dawk::mailauth {
namespace {

Report failing(dmarc::Policy requested) {
    Report out;
    out.spf.result = spf::Result::none;
    out.dmarc.result = dmarc::Result::fail;
    out.dmarc.reason = "nothing that passed is aligned with bank.example";
    out.dmarc.author_domain = out.dmarc.policy_domain = "bank.example";
    out.dmarc.published = out.dmarc.requested = requested;
    out.dmarc.record.emplace();
    return out;
}

Action& of(Policy& policy, Finding finding) {
    return policy.actions[static_cast<std::size_t>(finding)];
}

Rule rule_for(Finding finding, Action action) {
    Rule out;
    out.actions[static_cast<std::size_t>(finding)] = action;
    return out;
}

TEST(Policy, PRejectIsQuarantineUnlessTheOperatorSaysMore) {  // RFC 9989 §7.4
    auto const report = failing(dmarc::Policy::reject);
    auto const usual = decide({}, report, {});
    EXPECT_EQ(usual.action, Action::quarantine);
    ASSERT_EQ(usual.overrides.size(), 1U);
    EXPECT_EQ(usual.overrides[0].type, "local_policy");
    Policy strict;
    of(strict, Finding::dmarc_reject) = Action::reject;
    auto const refused = decide(strict, report, {});
    EXPECT_EQ(refused.action, Action::reject);
    EXPECT_EQ(refused.code, 550);
    EXPECT_EQ(refused.status, "5.7.26");
    EXPECT_NE(refused.text.find("DMARC"), std::string::npos);
    EXPECT_TRUE(refused.overrides.empty());
    EXPECT_EQ(decide(strict, failing(dmarc::Policy::none), {}).action, Action::accept);
}

TEST(Policy, TestModeIsRecorded) {
    auto report = failing(dmarc::Policy::reject);
    report.dmarc.record->testing = true;
    report.dmarc.requested = dmarc::Policy::quarantine;
    auto const decision = decide({}, report, {});
    ASSERT_EQ(decision.overrides.size(), 1U);
    EXPECT_EQ(decision.overrides[0].type, "policy_test_mode");
}

TEST(Policy, TheWorstFindingCounts) {
    auto report = failing(dmarc::Policy::none);
    report.spf.result = spf::Result::fail;
    report.spf.domain = "x.test";
    report.spf.explanation = "see\r\n250 ok";
    report.dkim.emplace_back();
    report.dkim[0].result = dkim::Result::fail;
    Policy policy;
    of(policy, Finding::dkim_fail) = Action::tag;
    of(policy, Finding::spf_fail) = Action::reject;
    auto const decision = decide(policy, report, {});
    EXPECT_EQ(decision.action, Action::reject);
    EXPECT_EQ(decision.status, "5.7.23");
    EXPECT_EQ(decision.text.find_first_of("\r\n"), std::string::npos) << decision.text;
    EXPECT_NE(decision.text.find("x.test explains: see"), std::string::npos);
    of(policy, Finding::spf_fail) = Action::accept;
    EXPECT_EQ(decide(policy, report, {}).action, Action::tag);
    EXPECT_EQ(decide(policy, report, {}).status, "5.7.20");
    report.dkim.emplace_back();
    report.dkim[1].result = dkim::Result::pass;
    EXPECT_EQ(decide(policy, report, {}).action, Action::accept);
}

TEST(Policy, ASignatureByAKeyThatIsTestedIsAsGoodAsNone) {  // RFC 6376 §3.6.1
    Report report;
    report.dkim.emplace_back();
    report.dkim[0].result = dkim::Result::fail;
    report.dkim[0].testing = true;
    Policy policy;
    of(policy, Finding::dkim_fail) = Action::reject;
    EXPECT_EQ(decide(policy, report, {}).action, Action::accept);
    report.dkim.emplace_back();
    report.dkim[1].result = dkim::Result::fail;
    report.dkim[1].reason = "the body was changed";
    EXPECT_EQ(decide(policy, report, {}).action, Action::reject);
    EXPECT_NE(decide(policy, report, {}).text.find("the body was changed"), std::string::npos);
}

TEST(Policy, RulesAreForTheirDomains) {
    Policy policy;
    auto to = rule_for(Finding::dmarc_reject, Action::reject);
    to.to = {"strict.test"};
    auto from = rule_for(Finding::dmarc_reject, Action::accept);
    from.from = {".bank.example", "bank.example"};
    policy.rules = {to, from};
    EXPECT_TRUE(policy.looks_at_recipients());
    auto report = failing(dmarc::Policy::reject);
    EXPECT_EQ(decide(policy, report, {"", "Strict.test", false}).action, Action::reject);
    EXPECT_EQ(decide(policy, report, {"", "other.test", false}).action, Action::accept);
    report.dmarc.author_domain = "www.bank.example";
    EXPECT_EQ(decide(policy, report, {"", "other.test", false}).action, Action::accept);
    report.dmarc.author_domain = "notbank.example";
    EXPECT_EQ(decide(policy, report, {"", "other.test", false}).action, Action::quarantine);
    EXPECT_EQ(decide(policy, report, {"a.bank.example", "other.test", false}).action,
              Action::accept);
}

TEST(Policy, MatchesDomainsWhole) {
    EXPECT_TRUE(matches_domain("a.test", "A.test"));
    EXPECT_FALSE(matches_domain("a.test", "b.a.test"));
    EXPECT_TRUE(matches_domain(".a.test", "b.A.test"));
    EXPECT_FALSE(matches_domain(".a.test", "a.test"));
    EXPECT_FALSE(matches_domain(".a.test", "ba.test"));
}

TEST(Policy, OnlyTrustedSealersInARowVouch) {  // RFC 8617 §7.2
    arc::Verdict chain;
    chain.result = arc::Result::pass;
    chain.sealers = {"list.test", "hop.test"};
    chain.results = {" list.test; dmarc=pass header.from=x.test", " hop.test; dmarc=fail"};
    EXPECT_EQ(vouching_sealer({"hop.test"}, chain), "");
    EXPECT_EQ(vouching_sealer({"list.test"}, chain), "") << "who stands above it is not trusted";
    EXPECT_EQ(vouching_sealer({"list.test", "hop.test"}, chain), "list.test");
    chain.result = arc::Result::fail;
    EXPECT_EQ(vouching_sealer({"list.test", "hop.test"}, chain), "");
    chain.result = arc::Result::pass;
    chain.results[0] = " list.test; dmarc=fail (dmarc=pass) reason=\"; dmarc=pass\"";
    EXPECT_EQ(vouching_sealer({"list.test", "hop.test"}, chain), "");
}

TEST(Policy, WithoutDnsTheOperatorMayAskToComeAgain) {
    Report report;
    report.dmarc.result = dmarc::Result::temperror;
    report.spf.result = spf::Result::temperror;
    Policy policy;
    EXPECT_FALSE(decide(policy, report, {}).defer);
    policy.defer_on_dns_failure = true;
    EXPECT_TRUE(decide(policy, report, {}).defer);
    EXPECT_EQ(decide(policy, report, {}).status, "4.7.26");
    report.dmarc.result = dmarc::Result::none;
    EXPECT_EQ(decide(policy, report, {}).status, "4.7.24");
    report.dmarc.result = dmarc::Result::pass;
    EXPECT_FALSE(decide(policy, report, {}).defer);
}

TEST(Facts, StayWithinTheirBoundAndAreJson) {
    auto report = failing(dmarc::Policy::reject);
    report.dmarc.reason = "quote \" backslash \\ nul \x01 octets \xff";
    LookUps look_ups;
    dns::Answer answer;
    answer.status = dns::Status::ok;
    answer.texts = std::vector<std::string>(30, std::string(3000, '"'));
    for (int i = 0; i < 200; ++i)
        look_ups.push_back(look_up_of({"x.test", dns::Type::txt}, answer, Millis(12)));
    auto const text = facts(report, look_ups, decide({}, report, {}));
    EXPECT_LE(text.size(), facts_max);
    EXPECT_NE(text.find("\"lookups_left_out\":"), std::string::npos);
    auto const small = facts(report, {look_up_of({"y", dns::Type::a}, {}, Millis(1))}, {});
    EXPECT_NE(small.find(R"("lookups":[{"name":"y","type":"A","status":"servfail","ms":1.000}])"),
              std::string::npos)
        << small;
    EXPECT_NE(small.find(R"(\\x01)"), std::string::npos) << small;
}

}  // namespace
}  // namespace dawk::mailauth
