#include "dawk/dmarc/dmarc.hpp"

#include <map>
#include <set>

#include <gtest/gtest.h>

namespace dawk::dmarc {
namespace {

struct Dns {
    std::map<std::string, std::vector<std::string>> txt;
    std::set<std::string> existing, failing;
    std::vector<std::string> asked;

    dns::Answer operator()(dns::Question const& question) {
        asked.push_back(question.name);
        dns::Answer answer;
        answer.status = dns::Status::nxdomain;
        if (existing.contains(question.name)) answer.status = dns::Status::no_data;
        auto const found = txt.find(question.name);
        if (question.type == dns::Type::txt && found != txt.end()) {
            answer.status = dns::Status::ok;
            answer.texts = found->second;
        }
        if (failing.contains(question.name)) answer.status = dns::Status::servfail;
        return answer;
    }
    Verdict evaluate(std::string author, std::string spf = "", std::vector<std::string> dkim = {}) {
        Input input;
        input.authors.domains = {std::move(author)};
        input.spf_passed = !spf.empty();
        input.spf_domain = std::move(spf);
        input.dkim_passed = std::move(dkim);
        return dns::run(dmarc::evaluate(input), [this](auto const& q) { return (*this)(q); });
    }
};

TEST(Dmarc, AFailureAboveTheRecordLeavesExactAlignment) {
    Dns dns;
    dns.txt["_dmarc.a.test"] = {"v=DMARC1; p=reject"};
    dns.failing = {"_dmarc.test"};
    EXPECT_EQ(dns.evaluate("a.test", "a.test").result, Result::pass);
    EXPECT_EQ(dns.evaluate("a.test", "mail.a.test").result, Result::temperror);
    EXPECT_EQ(dns.evaluate("a.test").result, Result::fail);
    EXPECT_EQ(dns.evaluate("sub.a.test", "sub.a.test").result, Result::temperror);
    dns.txt["_dmarc.a.test"] = {"v=DMARC1; p=reject; aspf=s"};
    EXPECT_EQ(dns.evaluate("a.test", "mail.a.test").result, Result::fail);
}

TEST(Dmarc, TheWalkAsksWhatTheStandardShows) {
    Dns dns;  // RFC 9989 §4.10
    EXPECT_EQ(dns.evaluate("a.b.c.d.e.f.g.h.i.j.mail.example.com").result, Result::none);
    EXPECT_EQ(dns.asked, (std::vector<std::string>{
                             "_dmarc.a.b.c.d.e.f.g.h.i.j.mail.example.com",
                             "_dmarc.g.h.i.j.mail.example.com", "_dmarc.h.i.j.mail.example.com",
                             "_dmarc.i.j.mail.example.com", "_dmarc.j.mail.example.com",
                             "_dmarc.mail.example.com", "_dmarc.example.com", "_dmarc.com"}));
}

TEST(Dmarc, OrganizationalDomainsOfTheStandard) {
    auto const org = [](Dns dns) {
        return dns::run(organizational_domain("a.mail.example.com"),
                        [&](auto const& q) { return dns(q); });
    };
    Dns two;
    two.txt["_dmarc.mail.example.com"] = two.txt["_dmarc.example.com"] = {"v=DMARC1; p=none"};
    EXPECT_EQ(org(two), "example.com");
    Dns no;
    no.txt["_dmarc.mail.example.com"] = {"v=DMARC1; p=none; psd=n"};
    EXPECT_EQ(org(no), "mail.example.com");
    Dns yes;
    yes.txt["_dmarc.com"] = {"v=DMARC1; p=none; psd=y"};
    EXPECT_EQ(org(yes), "example.com");
    EXPECT_EQ(org(Dns()), "a.mail.example.com");
}

TEST(Dmarc, AlignmentExamplesOfTheStandard) {  // RFC 9989 §B.1
    Dns dns;
    dns.txt["_dmarc.example.com"] = {"v=DMARC1; p=none"};
    EXPECT_TRUE(dns.evaluate("example.com", "example.com").spf_aligned);
    EXPECT_TRUE(dns.evaluate("example.com", "child.example.com").spf_aligned);
    EXPECT_FALSE(dns.evaluate("child.example.com", "example.net").spf_aligned);
    EXPECT_TRUE(dns.evaluate("example.com", "", {"example.com"}).dkim_aligned);
    EXPECT_TRUE(dns.evaluate("child.example.com", "", {"example.com"}).dkim_aligned);
    EXPECT_FALSE(dns.evaluate("child.example.com", "", {"example.net"}).dkim_aligned);
}

TEST(Dmarc, TreeWalkExamplesOfTheStandard) {  // RFC 9989 §B.4
    Dns simple;
    simple.txt["_dmarc.example.com"] =
        simple.txt["_dmarc.signing.example.com"] = {"v=DMARC1; p=reject"};
    auto const one = simple.evaluate("example.com", "example.com", {"signing.example.com"});
    EXPECT_TRUE(one.spf_aligned && one.dkim_aligned);
    EXPECT_EQ(one.organizational_domain, "example.com");
    auto const deep = simple.evaluate("a.b.c.d.e.f.g.h.i.j.k.example.com", "example.com",
                                      {"signing.example.com"});
    EXPECT_TRUE(deep.spf_aligned && deep.dkim_aligned);
    EXPECT_EQ(deep.policy_domain, "example.com");
    Dns bank;
    bank.txt["_dmarc.bank.example"] = {"v=DMARC1; p=reject; psd=y"};
    bank.txt["_dmarc.giant.bank.example"] = {"v=DMARC1; p=none"};
    auto const giant =
        bank.evaluate("giant.bank.example", "mail.giant.bank.example", {"mail.mega.bank.example"});
    EXPECT_EQ(giant.organizational_domain, "giant.bank.example");
    EXPECT_EQ(giant.policy_domain, "giant.bank.example");
    EXPECT_TRUE(giant.spf_aligned);
    EXPECT_FALSE(giant.dkim_aligned);
    EXPECT_EQ(giant.result, Result::pass);
}

TEST(Dmarc, AlignmentRelaxedAndStrict) {
    Dns dns;
    dns.txt["_dmarc.example.com"] = {"v=DMARC1; p=reject; aspf=s"};
    EXPECT_EQ(dns.evaluate("news.example.com", "", {"mail.example.com"}).result, Result::pass);
    EXPECT_EQ(dns.evaluate("example.com", "bounce.example.com").result, Result::fail) << "aspf=s";
    EXPECT_EQ(dns.evaluate("example.com", "example.com").result, Result::pass);
    EXPECT_EQ(dns.evaluate("example.com", "example.net", {"evil-example.com"}).result,
              Result::fail);
    auto const verdict = dns.evaluate("example.com", "", {"example.net"});
    EXPECT_EQ(verdict.requested, Policy::reject);
    EXPECT_EQ(verdict.policy_domain, "example.com");
}

TEST(Dmarc, SubdomainAndMissingDomainPolicies) {
    Dns dns;
    dns.txt["_dmarc.example.com"] = {"v=DMARC1; p=none; sp=quarantine; np=reject"};
    dns.existing = {"real.example.com"};
    auto const real = dns.evaluate("real.example.com");
    EXPECT_EQ(real.requested, Policy::quarantine);
    EXPECT_STREQ(real.published_tag, "sp");
    EXPECT_EQ(dns.evaluate("no.example.com").requested, Policy::reject);
    EXPECT_EQ(dns.evaluate("example.com").requested, Policy::none);
    dns.txt["_dmarc.example.com"] = {"v=DMARC1; p=reject; t=y"};
    EXPECT_EQ(dns.evaluate("example.com").requested, Policy::quarantine);
    EXPECT_EQ(dns.evaluate("example.com").published, Policy::reject);
}

TEST(Dmarc, APublicSuffixSpeaksOnlyForTheSilent) {
    Dns dns;
    dns.txt["_dmarc.bank"] = {"v=DMARC1; p=reject; psd=y"};
    auto const silent = dns.evaluate("mail.some.bank");
    EXPECT_EQ(silent.policy_domain, "bank");
    EXPECT_EQ(silent.organizational_domain, "some.bank");
    EXPECT_EQ(dns.evaluate("mail.some.bank", "some.bank").result, Result::pass);
    EXPECT_EQ(dns.evaluate("mail.some.bank", "other.bank").result, Result::fail);
    dns.txt["_dmarc.some.bank"] = {"v=DMARC1; p=none"};
    EXPECT_EQ(dns.evaluate("mail.some.bank").policy_domain, "some.bank");
}

TEST(Dmarc, SeveralRecordsAreNone) {
    Dns dns;
    dns.txt["_dmarc.example.com"] = {"v=DMARC1; p=reject", "v=DMARC1; p=none"};
    EXPECT_EQ(dns.evaluate("example.com").result, Result::none);
    dns.txt["_dmarc.example.com"] = {"v=spf1 -all", "v=DMARC1; p=reject"};
    EXPECT_EQ(dns.evaluate("example.com").result, Result::fail)
        << "what is not DMARC's is discarded";
}

TEST(Dmarc, ARecordWithoutPolicyStillShowsTheOrganization) {  // §4.10, §4.10.1
    Dns dns;
    dns.txt["_dmarc.example.com"] = {"v=DMARC1; psd=n"};
    dns.txt["_dmarc.a.example.com"] = {"v=DMARC1; p=reject"};
    dns.txt["_dmarc.com"] = {"v=DMARC1; p=reject"};
    EXPECT_EQ(dns.evaluate("a.example.com", "b.example.com").result, Result::pass);
    EXPECT_EQ(dns.evaluate("a.example.com", "other.com").result, Result::fail);
    auto const none = dns.evaluate("c.example.com");
    EXPECT_EQ(none.result, Result::none) << "the organization's record cannot be applied";
    EXPECT_EQ(none.reason, "no valid p=");
    dns.txt["_dmarc.example.com"] = {"v=DMARC1; p=reject"};
    dns.txt["_dmarc.c.example.com"] = {"v=DMARC1; p=rejekt"};
    EXPECT_EQ(dns.evaluate("c.example.com").result, Result::none);
}

// What does not answer for an attacker is his own zone: no excuse for a forgery.
TEST(Dmarc, TroubleWithNamesThatCannotAlignChangesNothing) {
    Dns dns;
    dns.txt["_dmarc.bank.test"] = {"v=DMARC1; p=reject"};
    dns.failing = {"_dmarc.evil.test", "_dmarc.evil.example"};
    EXPECT_EQ(dns.evaluate("bank.test", "evil.test", {"evil.example"}).result, Result::fail);
    Input input;
    input.authors.domains = {"bank.test"};
    input.spf_domain = "evil.test";
    input.spf_unsure = true;
    input.dkim_unsure = {"evil.example", "a.evil.test"};
    auto const judge = [&] { return dns::run(dmarc::evaluate(input), dns).result; };
    EXPECT_EQ(judge(), Result::fail);
    input.dkim_unsure.push_back("mail.bank.test");
    EXPECT_EQ(judge(), Result::temperror);
    input.dkim_unsure.clear();
    input.spf_domain = "bank.test";
    EXPECT_EQ(judge(), Result::temperror);
    input.spf_domain = "mail.bank.test";
    EXPECT_EQ(judge(), Result::temperror);
    dns.txt["_dmarc.bank.test"] = {"v=DMARC1; p=reject; aspf=s"};
    EXPECT_EQ(judge(), Result::fail);
}

TEST(Dmarc, WhetherADomainExistsMustBeKnownForItsPolicy) {
    Dns dns;
    dns.txt["_dmarc.example.com"] = {"v=DMARC1; p=none; np=reject"};
    dns.failing = {"no.example.com"};
    EXPECT_EQ(dns.evaluate("no.example.com").result, Result::temperror);
    EXPECT_EQ(dns.evaluate("no.example.com", "example.com").result, Result::pass);
}

TEST(Dmarc, DnsTroubleIsNeitherPassNorFail) {
    Dns dns;
    dns.failing = {"_dmarc.example.com"};
    EXPECT_EQ(dns.evaluate("example.com").result, Result::temperror);
    dns.failing = {"_dmarc.other.example.com"};
    dns.txt["_dmarc.example.com"] = {"v=DMARC1; p=reject"};
    EXPECT_EQ(dns.evaluate("example.com", "", {"other.example.com"}).result, Result::temperror);
    EXPECT_EQ(dns.evaluate("example.com", "", {"other.example.com", "example.com"}).result,
              Result::pass);
}

TEST(Dmarc, RecordsByTheBook) {
    EXPECT_FALSE(is_dmarc1("v=dmarc1; p=none")) << "case-sensitive";
    EXPECT_FALSE(is_dmarc1("p=none; v=DMARC1")) << "first";
    EXPECT_TRUE(is_dmarc1(" v = DMARC1 ;"));
    EXPECT_TRUE(is_dmarc1("V=DMARC1"));
    EXPECT_FALSE(parse_record("v=DMARC2; p=none").record);
    EXPECT_FALSE(parse_record("v=DMARC1; p=bob").record->applies);
    EXPECT_FALSE(parse_record("v=DMARC1; p=none; sp=").record->applies);
    EXPECT_TRUE(parse_record("v=DMARC1; p=none; np=reject").record->applies);
    for (auto const* fo : {"0:1", "d:x", "1:1", "", "ds"}) {
        auto const bad = parse_record(std::string("v=DMARC1; p=none; fo=") + fo).record;
        EXPECT_FALSE(bad->report_any_failure || bad->report_dkim || bad->report_spf) << fo;
        EXPECT_TRUE(bad->report_all_failures) << fo;
    }
    EXPECT_FALSE(parse_record("v=DMARC1; p=none; fo=d").record->report_all_failures);
    EXPECT_TRUE(parse_record("v=DMARC1; p=none; fo=d:0").record->report_all_failures);
    auto const saved =
        parse_record("v=DMARC1; sp=bob; p=reject; rua=mailto:a@b.test!10m, nonsense").record;
    ASSERT_TRUE(saved);
    EXPECT_EQ(saved->p, Policy::none) << "§4.10.1";
    EXPECT_EQ(saved->rua, std::vector<std::string>{"mailto:a@b.test!10m"});
    auto const odd = parse_record("v=DMARC1; p=REJECT; adkim=bob; x; pct=500; fo=1:d").record;
    ASSERT_TRUE(odd);
    EXPECT_EQ(odd->p, Policy::reject);
    EXPECT_FALSE(odd->strict_dkim);
    EXPECT_TRUE(odd->report_any_failure && odd->report_dkim && !odd->report_spf);
}

TEST(Dmarc, AuthorsThatAreNotOneArePermerror) {
    auto const problem = [](std::string_view header) {
        return author_domains(mail::HeaderSection::parse(header).value()).problem;
    };
    EXPECT_EQ(problem("From: A <a@example.org>\r\n\r\n"), "");
    EXPECT_EQ(problem("From: a@example.org, b@EXAMPLE.org\r\n\r\n"), "");
    EXPECT_NE(problem("From: a@example.org, b@example.com\r\n\r\n"), "");
    EXPECT_NE(problem("From: a@example.org\r\nFrom: a@example.org\r\n\r\n"), "");
    EXPECT_NE(problem("To: a@example.org\r\n\r\n"), "");
    EXPECT_NE(problem("From: <>\r\n\r\n"), "");
    EXPECT_NE(problem("From: \"a@example.org\" b\r\n\r\n"), "");
    EXPECT_NE(problem("From: a@[192.0.2.1]\r\n\r\n"), "");
    EXPECT_EQ(author_domains(mail::HeaderSection::parse("From: a@b\xc3\xbc"
                                                        "cher.example\r\n\r\n")
                                 .value())
                  .domains,
              std::vector<std::string>{"xn--bcher-kva.example"});
    Input input;
    input.authors.problem = "several";
    EXPECT_EQ(dns::run(evaluate(input), [](auto const&) { return dns::Answer(); }).result,
              Result::permerror);
}

}  // namespace
}  // namespace dawk::dmarc
