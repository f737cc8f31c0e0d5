#include "dawk/spf/spf.hpp"

#include <map>

#include <gtest/gtest.h>

#include "dawk/spf/budget.hpp"
#include "dawk/spf/macro.hpp"
#include "dawk/spf/record.hpp"

namespace dawk::spf {
namespace {

struct Dns {
    std::map<dns::Question, dns::Answer> zone;
    std::vector<dns::Question> asked;

    void txt(std::string const& name, std::string const& text) {
        auto& answer = zone[{name, dns::Type::txt}];
        answer.status = dns::Status::ok;
        answer.texts.push_back(text);
    }
    void a(std::string const& name, std::string const& address) {
        auto& answer = zone[{name, dns::Type::a}];
        answer.status = dns::Status::ok;
        answer.addresses.push_back(address);
    }
    void fail(std::string const& name, dns::Type type, dns::Status status) {
        zone[{name, type}].status = status;
    }
    Verdict check(std::string ip, std::string sender, std::string helo = "helo.test") {
        Query query{std::move(ip), std::move(helo), std::move(sender), "us.test",
                    from_millis(1'000'000)};
        return dns::run(spf::check(query), [this](dns::Question const& question) {
            asked.push_back(question);
            auto const found = zone.find(question);
            if (found != zone.end()) return found->second;
            dns::Answer none;
            none.status = dns::Status::nxdomain;
            return none;
        });
    }
};

MacroContext rfc_context() {
    MacroContext context;  // RFC 7208 §7.4
    context.sender_local = "strong-bad";
    context.sender_domain = context.domain = "email.example.com";
    context.ip = *Ip::parse("192.0.2.3");
    context.validated_name = "mx.example.org";
    return context;
}

TEST(SpfMacro, ExpandsTheExamplesOfTheStandard) {
    auto context = rfc_context();
    std::map<std::string, std::string> const cases = {
        {"%{s}", "strong-bad@email.example.com"},
        {"%{o}", "email.example.com"},
        {"%{d4}", "email.example.com"},
        {"%{d2}", "example.com"},
        {"%{d1}", "com"},
        {"%{dr}", "com.example.email"},
        {"%{d2r}", "example.email"},
        {"%{l}", "strong-bad"},
        {"%{l-}", "strong.bad"},
        {"%{lr-}", "bad.strong"},
        {"%{l1r-}", "strong"},
        {"%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"},
        {"%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"},
        {"%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"},
        {"a%%b%_c%-d", "a%b c%20d"},
        {"%{S}", "strong-bad%40email.example.com"},
    };
    for (auto const& [text, expected] : cases) {
        EXPECT_TRUE(is_macro_string(text)) << text;
        EXPECT_EQ(expand(text, context, 1000), expected) << text;
    }
    context.ip = *Ip::parse("2001:db8::cb01");
    EXPECT_EQ(expand("%{ir}.%{v}", context, 1000),
              "1.0.B.C.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.B.D.0.1.0.0.2.ip6");
    EXPECT_EQ(expand_domain("%{ir}.%{v}.test", context),
              "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.test");
    EXPECT_EQ(expand("%{d127}", context, 1000), "email.example.com");
    EXPECT_EQ(expand("%{d99999999999999999999}", context, 1000), "email.example.com");
}

TEST(SpfMacro, RefusesWhatIsNone) {
    for (auto const* text : {"%", "%a", "%{", "%{}", "%{x}", "%{d0}", "%{d", "%{dx}", "%{d2rx}",
                             "%{c}", "a b", "%{d000}"}) {
        EXPECT_FALSE(is_macro_string(text)) << text;
    }
    EXPECT_TRUE(is_explanation("%{c} at %{t}"));
}

TEST(SpfMacro, LongNamesLoseLabelsOnTheLeft) {
    auto context = rfc_context();
    context.sender_local.clear();
    for (int i = 0; i < 60; ++i) context.sender_local += "label.";
    auto const name = expand_domain("%{l}example.com", context);
    ASSERT_TRUE(name);
    EXPECT_LE(name->size(), 253U);
    EXPECT_TRUE(name->ends_with("label.example.com"));
    context.sender_local = std::string(64, 'x');
    EXPECT_FALSE(expand_domain("%{l}.example.com", context)) << "a label over 63 octets";
    context.sender_local = "gr\xc3\xbc";
    EXPECT_FALSE(expand_domain("%{l}.example.com", context)) << "RFC 8616 §4: never matches";
}

TEST(SpfRecord, SyntaxErrorsAnywhereAreFound) {
    for (auto const* text : {"v=spf1 ip4:1.2.3",
                             "v=spf1 ip4:1.2.3.4/33",
                             "v=spf1 ip4:1.2.3.4/032",
                             "v=spf1 ip6:::1/129",
                             "v=spf1 a:",
                             "v=spf1 include",
                             "v=spf1 exists:",
                             "v=spf1 all:x",
                             "v=spf1 -all moo",
                             "v=spf1 redirect=a.b redirect=c.d",
                             "v=spf1 exp=a.b exp=a.b",
                             "v=spf1 a//129",
                             "v=spf1 a/33",
                             "v=spf1 a:x.test/",
                             "v=spf1 a:x.test/2x",
                             "v=spf1 a:x.test//64/24",
                             "v=spf1 mx/",
                             "v=spf1 a:example",
                             "v=spf1 a:example.1",
                             "v=spf1 foo=%{",
                             "v=spf1 \x80",
                             "v=spf1 ptr:a.b/24",
                             "v=spf1 -",
                             "v=spf2.0 all"}) {
        EXPECT_FALSE(parse_record(text)) << text;
    }
    for (auto const* text :
         {"v=spf1", "V=SPF1   -ALL",
          "v=spf1 a/24//64 mx:x.test//48 ?ip6:2001:db8::/32 moo=x redirect=%{d}.x.test",
          "v=spf1 a:%{d/}/8", "v=spf1 exists:%{i}.x.test.", "v=spf1 a:o:d/d//names.test/24",
          "v=spf1 mx:a/24.test"}) {
        EXPECT_TRUE(parse_record(text)) << text;
    }
}

TEST(Spf, NullSenderIsPostmasterAtHelo) {
    Dns dns;
    dns.txt("helo.test", "v=spf1 exists:%{l}.%{o}.ok.test -all");
    dns.a("postmaster.helo.test.ok.test", "127.0.0.2");
    EXPECT_EQ(dns.check("192.0.2.1", "").result, Result::pass);
}

TEST(Spf, TwoRecordsAreAnError) {
    Dns dns;
    dns.txt("x.test", "v=spf1 +all");
    dns.txt("x.test", "v=spf1 -all");
    dns.txt("x.test", "v=spf10 is another thing");
    EXPECT_EQ(dns.check("192.0.2.1", "a@x.test").result, Result::permerror);
}

TEST(Spf, TenTermsAreAllowedAndElevenAreNot) {
    auto const result = [](int terms) {
        Dns dns;
        std::string record = "v=spf1";
        for (int i = 0; i < terms; ++i) {
            auto const name = "h" + std::to_string(i) + ".test";
            record += " a:" + name;
            dns.a(name, "10.0.0.1");
        }
        dns.txt("x.test", record + " ~all");
        return dns.check("192.0.2.1", "a@x.test").result;
    };
    EXPECT_EQ(result(10), Result::softfail);
    EXPECT_EQ(result(11), Result::permerror);
}

TEST(Spf, TwoVoidLookupsAreAllowedAndThreeAreNot) {
    Dns dns;
    dns.txt("two.test", "v=spf1 a:n1.test a:n2.test ~all");
    dns.txt("three.test", "v=spf1 a:n1.test exists:n2.test mx:n3.test ~all");
    EXPECT_EQ(dns.check("192.0.2.1", "a@two.test").result, Result::softfail);
    EXPECT_EQ(dns.check("192.0.2.1", "a@three.test").result, Result::permerror);
}

TEST(Spf, SlashesOfADomainAreNoPrefixLength) {
    Dns dns;
    dns.txt("x.test", "v=spf1 a:odd:na/me.test/24 -all");
    dns.a("odd:na/me.test", "192.0.2.200");
    EXPECT_EQ(dns.check("192.0.2.1", "a@x.test").result, Result::pass);
    EXPECT_EQ(dns.check("192.0.3.1", "a@x.test").result, Result::fail);
}

TEST(Spf, AnEleventhMxNameIsNotAskedFor) {
    Dns dns;
    dns.txt("x.test", "v=spf1 mx -all");
    auto& mx = dns.zone[{"x.test", dns::Type::mx}];
    mx.status = dns::Status::ok;
    for (std::uint16_t i = 0; i < 11; ++i) {
        auto const name = "h" + std::to_string(i) + ".test";
        mx.mx.push_back({i, name});
        dns.a(name, "192.0.2." + std::to_string(i));
    }
    EXPECT_EQ(dns.check("192.0.2.9", "a@x.test").result, Result::pass);
    EXPECT_EQ(dns.check("192.0.2.10", "a@x.test").result, Result::permerror);
    EXPECT_EQ(dns.check("192.0.2.99", "a@x.test").result, Result::permerror);
    mx.mx.pop_back();
    EXPECT_EQ(dns.check("192.0.2.99", "a@x.test").result, Result::fail);
}

TEST(Spf, LocalPartsBeyondAsciiMatchNothing) {  // RFC 8616 §4
    Dns dns;
    dns.txt("x.test", "v=spf1 exists:%{L}.ok.test include:%{l}.ok.test ~all");
    dns.a("gr%c3%bc.ok.test", "127.0.0.2");
    EXPECT_EQ(dns.check("192.0.2.1", "gr\xc3\xbc@x.test").result, Result::softfail);
    EXPECT_EQ(dns.asked.size(), 1U);
}

TEST(Spf, RecursionEnds) {
    Dns dns;
    dns.txt("a.test", "v=spf1 include:b.test -all");
    dns.txt("b.test", "v=spf1 include:a.test -all");
    dns.txt("r.test", "v=spf1 redirect=r.test");
    EXPECT_EQ(dns.check("192.0.2.1", "x@a.test").result, Result::permerror);
    EXPECT_EQ(dns.check("192.0.2.1", "x@r.test").result, Result::permerror);
    EXPECT_LE(dns.asked.size(), 24U);
}

TEST(Spf, TheCurrentDomainComesBackAfterAnInclude) {
    Dns dns;
    dns.txt("x.test", "v=spf1 include:y.test exists:%{d}.ok.test -all");
    dns.txt("y.test", "v=spf1 exists:%{d}.no.test ?all");
    dns.a("x.test.ok.test", "127.0.0.2");
    EXPECT_EQ(dns.check("192.0.2.1", "a@x.test").result, Result::pass);
}

TEST(Spf, DnsTroubleIsTemporary) {
    Dns dns;
    dns.fail("x.test", dns::Type::txt, dns::Status::timeout);
    EXPECT_EQ(dns.check("192.0.2.1", "a@x.test").result, Result::temperror);
    dns.txt("y.test", "v=spf1 a:z.test -all");
    dns.fail("z.test", dns::Type::a, dns::Status::servfail);
    auto const verdict = dns.check("192.0.2.1", "a@y.test");
    EXPECT_EQ(verdict.result, Result::temperror);
    EXPECT_EQ(verdict.record, "v=spf1 a:z.test -all");
    EXPECT_EQ(verdict.reason, "DNS A of z.test: servfail");
}

TEST(Spf, WhenTheTimeIsOverNothingElseIsTried) {  // RFC 7208 §4.6.4, §5.5
    Dns dns;
    dns.txt("x.test", "v=spf1 ptr -all");
    dns.txt("y.test", "v=spf1 exists:%{p}.y.test -all");
    dns.txt("z.test", "v=spf1 redirect=%{p}.z.test");
    dns::Question const reverse{"1.2.0.192.in-addr.arpa", dns::Type::ptr};
    dns.zone[reverse].status = dns::Status::timeout;
    EXPECT_EQ(dns.check("192.0.2.1", "a@x.test").result, Result::fail) << "one slow answer";
    dns.zone[reverse].error_detail = out_of_time;
    for (auto const* domain : {"x.test", "y.test", "z.test"}) {
        auto const verdict = dns.check("192.0.2.1", std::string("a@") + domain);
        EXPECT_EQ(verdict.result, Result::temperror) << domain;
        EXPECT_EQ(verdict.reason, "out of time") << domain;
    }
}

TEST(Spf, TheExplanationIsOfTheRedirectedDomainNotOfAnIncludedOne) {
    Dns dns;
    dns.txt("x.test", "v=spf1 include:inc.test redirect=y.test exp=no.test");
    dns.txt("inc.test", "v=spf1 -all exp=no.test");
    dns.txt("y.test", "v=spf1 -all exp=why.test");
    dns.txt("no.test", "wrong");
    dns.txt("why.test", "%{i} may not send for %{d}");
    EXPECT_EQ(dns.check("192.0.2.1", "a@x.test").explanation, "192.0.2.1 may not send for y.test");
}

TEST(Spf, NoDomainNoRecord) {
    Dns dns;
    for (auto const* sender : {"a@localhost", "a@", "a@[192.0.2.1]", "a@x..test", "a@b@"}) {
        EXPECT_EQ(dns.check("192.0.2.1", sender).result, Result::none) << sender;
    }
    EXPECT_EQ(dns.check("unix:/x", "a@x.test").result, Result::none);
}

TEST(Spf, MappedAddressesAreFourByteAddresses) {
    Dns dns;
    dns.txt("x.test", "v=spf1 ip4:192.0.2.0/25 ip6:2001:db8::/33 -all");
    EXPECT_EQ(dns.check("::ffff:192.0.2.127", "a@x.test").result, Result::pass);
    EXPECT_EQ(dns.check("192.0.2.128", "a@x.test").result, Result::fail);
    EXPECT_EQ(dns.check("2001:db8:7fff::1", "a@x.test").result, Result::pass);
    EXPECT_EQ(dns.check("2001:db8:8000::1", "a@x.test").result, Result::fail);
}

}  // namespace
}  // namespace dawk::spf
