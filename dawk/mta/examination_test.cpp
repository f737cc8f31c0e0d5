// Who really sent it, from MAIL to the 250: the Receiver with a simulated Internet and its DNS.
#include "dawk/mta/examination.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dawk/arc/arc.hpp"
#include "dawk/directory/mem_directory.hpp"
#include "dawk/dkim/sign.hpp"
#include "dawk/mta/auth_words.hpp"
#include "dawk/mta/receiver.hpp"
#include "dawk/mta/signing.hpp"
#include "dawk/sim/network.hpp"
#include "dawk/smtp/reply.hpp"
#include "dawk/spool/mem_spool.hpp"

namespace dawk::mta {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

struct Events : envelope::EventSink {
    std::vector<envelope::Event> all;
    void on_event(envelope::Event const& event) override { all.push_back(event); }
};

struct Accepted : AcceptedSink {
    std::vector<spool::EnvelopePtr> envelopes;
    std::vector<std::string> contents;
    void accepted(spool::EnvelopePtr envelope, spool::ContentPtr content) override {
        envelopes.push_back(std::move(envelope));
        contents.emplace_back(content->in_memory().value_or("LARGE"));
    }
};

struct Told : VerdictSink {
    struct One {
        Disposition disposition;
        std::vector<PolicyOverride> overrides;
        dmarc::Result dmarc;
        std::size_t recipients;
    };
    std::vector<One> all;
    void on_verdict(JudgedMessage const& judged) override {
        all.push_back({judged.disposition, judged.overrides, judged.report.dmarc.result,
                       judged.recipients.size()});
    }
};

struct Mail {
    std::string from = "joe@example.org";
    std::string content = "From: Joe <joe@example.org>\r\nSubject: hi\r\n\r\nbody\r\n";
    std::vector<std::string> to{"alice@dawk.test"};
    std::string source = "192.0.2.9";
    std::size_t piece = 100'000;  // octets of content sent at a time
    std::uint16_t port = 25;
};

struct ExaminationTest : ::testing::Test {
    sim::World world{7};
    sim::Internet internet{world};
    sim::Host mx{internet, "mx.dawk.test", {"192.0.2.1"}};
    sim::Host client{internet, "client.test", {"192.0.2.9", "198.51.100.6"}};
    rt::Env env = mx.env();
    spool::MemSpool spool;
    directory::MemDirectory directory{mail::Address{"root", "dawk.test"}};
    Events events;
    Accepted accepted;
    Told told;
    Settings settings;
    std::unique_ptr<Receiver> receiver;
    rt::TaskGroup group{world.context().get_executor()};

    ExaminationTest() {
        settings.hostname = "mx.dawk.test";
        settings.routing.default_deliver = "maildir:mail/{domain}/{local}";
        settings.listeners = {{.address = "192.0.2.1:25", .tls = ListenerTls::none},
                              {.address = "192.0.2.1:2525",
                               .service = Service::relay,
                               .tls = ListenerTls::none,
                               .allow = {"192.0.2.9/32"}}};
        auto& zone = internet.zone();
        zone.add_txt("example.org", "v=spf1 ip4:192.0.2.9 exp=why.example.org -all");
        zone.add_txt("why.example.org", "%{i} is a stranger");
        zone.add_txt("_dmarc.example.org", "v=DMARC1; p=reject");
        zone.add_txt("soft.test", "v=spf1 ~all");
        dns::Answer name;
        name.status = dns::Status::ok;
        name.names = {"client.test"};
        zone.add("9.2.0.192.in-addr.arpa", dns::Type::ptr, name);
        zone.add_address("client.test", "192.0.2.9");
        group.spawn(fill_directory());
        world.run_for(1s);
    }
    ~ExaminationTest() override {
        if (receiver) {
            group.spawn(stopping());
            world.run_for(2min);
        }
        receiver.reset();
        group.cancel();
        world.run_for(1s);
    }
    Task<void> stopping() { co_await receiver->stop(); }
    Task<void> fill_directory() {
        for (std::string const domain : {"dawk.test", "strict.test"}) {
            auto added = co_await directory.add_domain(domain);
            EXPECT_TRUE(added);
            mail::Address address{"alice", domain};
            auto user = co_await directory.add_user(address, "secret");
            EXPECT_TRUE(user);
        }
        directory::Alias alias{mail::Address{"away", "dawk.test"},
                               {mail::Address{"x", "elsewhere.test"}}};
        auto const away = co_await directory.add_alias(alias);
        EXPECT_TRUE(away);
    }
    void start() {
        receiver =
            std::make_unique<Receiver>(env, spool, directory, events, accepted, nullptr, &told);
        ASSERT_TRUE(receiver->configure(std::make_shared<Settings const>(settings), nullptr));
        ASSERT_TRUE(receiver->open(false));
    }

    // The last reply: "250 2.0.0 Ok: ..."
    std::string last_reply;
    Task<void> talk(Mail mail) {
        rt::ConnectTarget target{rt::Endpoint{"192.0.2.1", mail.port}, mail.source,
                                 world.steady() + 30s};
        auto connected = co_await client.connect(std::move(target));
        if (!connected) co_return;
        auto stream = std::move(*connected);
        std::vector<std::string> steps{"", "EHLO client.test\r\n",
                                       "MAIL FROM:<" + mail.from + ">\r\n"};
        for (auto const& to : mail.to) steps.push_back("RCPT TO:<" + to + ">\r\n");
        steps.push_back("DATA\r\n");
        for (auto const& step : steps) co_await exchange(*stream, step);
        std::string_view rest = mail.content;
        while (rest.size() > mail.piece) {
            auto const sent = co_await stream->write_all(rest.substr(0, mail.piece));
            if (!sent) co_return;
            rest.remove_prefix(mail.piece);
            SteadyTime const soon = world.steady() + 10ms;
            co_await world.sleep_until(soon);
        }
        std::string const end = std::string(rest) + ".\r\n";
        co_await exchange(*stream, end);
        co_await stream->shutdown();
    }
    Task<void> exchange(rt::Stream& stream, std::string step) {
        stream.expires_at(world.steady() + 10min);
        auto const sent = co_await stream.write_all(step);
        if (!sent) co_return;
        smtp::ReplyParser parser;
        while (parser.state() == smtp::ReplyParser::State::more) {
            char buffer[1024];
            auto const n = co_await stream.read_some(buffer);
            if (!n) co_return;
            parser.feed(std::string_view(buffer, *n));
        }
        auto const reply = parser.take();
        last_reply = std::to_string(reply.code) + ' ' + reply.status + ' ' + reply.text;
    }
    std::string send(Mail mail) {
        last_reply.clear();
        group.spawn(talk(std::move(mail)));
        world.run_for(10min);
        return last_reply;
    }
    envelope::Envelope const& envelope() const { return *accepted.envelopes.back(); }
    envelope::Event const& event() const { return events.all.back(); }
};

std::string const stranger = "198.51.100.6";

TEST_F(ExaminationTest, WhatIsFoundStandsInTheTraceAndInTheEvent) {
    start();
    EXPECT_THAT(send({}), StartsWith("250 "));
    auto const& trace = envelope().trace;
    EXPECT_THAT(trace, StartsWith("Received: "));
    EXPECT_THAT(trace, HasSubstr("\r\nAuthentication-Results: mx.dawk.test;\r\n"));
    EXPECT_THAT(trace, HasSubstr("iprev=pass"));
    EXPECT_THAT(trace, HasSubstr("spf=pass smtp.mailfrom=joe@example.org"));
    EXPECT_THAT(trace, HasSubstr("dmarc=pass"));
    EXPECT_THAT(trace, Not(HasSubstr("X-Quarantine")));
    EXPECT_FALSE(envelope().recipients[0].quarantined);
    EXPECT_EQ(event().note, "spf=pass dkim=none dmarc=pass");
    auto const story = say_authentication(event().authentication);
    EXPECT_THAT(story, Contains(HasSubstr("SPF: pass for example.org")));
    EXPECT_THAT(story, Contains(HasSubstr("DMARC: pass for example.org")));
    EXPECT_THAT(story, Contains("DNS TXT _dmarc.example.org: v=DMARC1; p=reject (2.0 ms)"));
    ASSERT_EQ(told.all.size(), 1U);
    EXPECT_EQ(told.all[0].disposition, Disposition::pass);
    EXPECT_EQ(told.all[0].recipients, 1U);
}

TEST_F(ExaminationTest, TheSenderIsLookedUpWhileTheConversationGoesOn) {
    start();
    internet.zone().queries = 0;
    rt::ConnectTarget target{rt::Endpoint{"192.0.2.1", 25}, "192.0.2.9", world.steady() + 30s};
    auto const until_mail = [](ExaminationTest& t, rt::ConnectTarget to) -> Task<void> {
        auto connected = co_await t.client.connect(std::move(to));
        EXPECT_TRUE(connected);
        auto stream = std::move(*connected);
        std::string const greeting, hello = "EHLO c.test\r\n",
                                    mail = "MAIL FROM:<j@example.org>\r\n";
        co_await t.exchange(*stream, greeting);
        co_await t.exchange(*stream, hello);
        co_await t.exchange(*stream, mail);
        SteadyTime const later = t.world.steady() + 1min;
        co_await t.world.sleep_until(later);
    };
    group.spawn(until_mail(*this, std::move(target)));
    world.run_for(30s);
    EXPECT_GE(internet.zone().queries, 3U);  // PTR, A, TXT: before any RCPT
}

// Messages of one session, each from a sender, each after a pause; how many questions each cost.
struct Turn {
    std::string sender;
    Duration pause{};
};
Task<void> several(ExaminationTest& t, std::vector<Turn> turns, std::vector<std::uint64_t>& cost) {
    rt::ConnectTarget target{rt::Endpoint{"192.0.2.1", 25}, "192.0.2.9", t.world.steady() + 30s};
    auto connected = co_await t.client.connect(std::move(target));
    if (!connected) co_return;
    auto stream = std::move(*connected);
    std::string const greeting, hello = "EHLO client.test\r\n";
    co_await t.exchange(*stream, greeting);
    co_await t.exchange(*stream, hello);
    for (auto const& turn : turns) {
        SteadyTime const then = t.world.steady() + turn.pause;
        co_await t.world.sleep_until(then);
        t.internet.zone().queries = 0;
        std::vector<std::string> const steps{"MAIL FROM:<" + turn.sender + ">\r\n",
                                             "RCPT TO:<alice@dawk.test>\r\n", "DATA\r\n",
                                             "From: joe@example.org\r\n\r\nbody\r\n.\r\n"};
        for (auto const& step : steps) co_await t.exchange(*stream, step);
        cost.push_back(t.internet.zone().queries);
    }
}

TEST_F(ExaminationTest, WhatIsKnownOfASenderHoldsForHisNextMessageForAWhile) {
    start();
    std::vector<std::uint64_t> cost;
    std::vector<Turn> turns{
        {"joe@example.org"}, {"joe@example.org"}, {"ann@example.org"}, {"ann@example.org", 31s}};
    group.spawn(several(*this, std::move(turns), cost));
    world.run_for(10min);
    ASSERT_EQ(cost.size(), 4U);
    EXPECT_EQ(cost[1], 2U);  // the tree walk of DMARC, which is of the message
    EXPECT_EQ(cost[2], cost[3]);
    EXPECT_GT(cost[2], cost[1]);
    ASSERT_EQ(accepted.envelopes.size(), 4U);
    for (auto const& one : accepted.envelopes)
        EXPECT_THAT(one->trace, HasSubstr("spf=pass smtp.mailfrom="));
}

TEST_F(ExaminationTest, AFailureOfDnsIsAskedAgainForTheNextMessage) {
    internet.zone().fail("example.org", dns::Status::servfail);
    start();
    std::vector<std::uint64_t> cost;
    group.spawn(several(*this, {{"joe@example.org"}, {"joe@example.org"}}, cost));
    world.run_for(10min);
    ASSERT_EQ(cost.size(), 2U);
    EXPECT_EQ(cost[1], cost[0]);
}

TEST_F(ExaminationTest, ResultsInOurNameAreTakenOutWhereverTheHeaderIsCut) {  // RFC 8601 §5
    start();
    std::string const before = "From: joe@example.org\r\n";
    std::string const forged =
        "Authentication-Results: mx.dawk.test; dmarc=pass header.from=bank.example\r\n"
        "authentication-results: (x)\r\n\tMX.Dawk.Test 1;\r\n\tspf=pass\r\n"
        "X-Quarantine: no\r\n";
    std::string const after =
        "Authentication-Results: other.test; spf=pass\r\nSubject: hi\r\n\r\n"
        "Authentication-Results: mx.dawk.test; in the body\r\n";
    for (std::size_t const piece : {std::size_t{1}, std::size_t{7}, before.size(),
                                    before.size() + forged.size(), std::size_t{100'000}}) {
        EXPECT_THAT(send({.content = before + forged + after, .piece = piece}), StartsWith("250 "));
        EXPECT_EQ(accepted.contents.back(), before + after) << piece;
        EXPECT_EQ(envelope().content_size, (before + after).size());
    }
    EXPECT_THAT(send({.content = before + forged + after, .port = 2525}), StartsWith("250 "));
    EXPECT_EQ(accepted.contents.back(), before + after);
    EXPECT_THAT(envelope().trace, Not(HasSubstr("Authentication-Results")));
}

TEST_F(ExaminationTest, PRejectAloneIsNoReasonToReject) {  // RFC 9989 §7.4
    start();
    EXPECT_THAT(send({.from = "x@evil.test", .source = stranger}), StartsWith("250 "));
    EXPECT_TRUE(envelope().recipients[0].quarantined);
    EXPECT_THAT(envelope().trace, HasSubstr("\r\nX-Quarantine: dmarc=fail "));
    ASSERT_EQ(told.all.size(), 1U);
    EXPECT_EQ(told.all[0].disposition, Disposition::quarantine);
    ASSERT_EQ(told.all[0].overrides.size(), 1U);
    EXPECT_EQ(told.all[0].overrides[0].type, "local_policy");
}

TEST_F(ExaminationTest, TheOperatorMayRejectAndTheRefusalCanBeExplained) {
    settings.auth.actions.dmarc_reject = "reject";
    start();
    auto const reply = send({.from = "x@evil.test", .source = stranger});
    EXPECT_THAT(reply, StartsWith("550 5.7.26 "));
    EXPECT_THAT(reply, HasSubstr("DMARC"));
    EXPECT_TRUE(accepted.envelopes.empty());
    EXPECT_EQ(event().kind, envelope::Event::Kind::refused);
    EXPECT_THAT(reply, HasSubstr('[' + event().id.text() + ']'));
    auto const& kept = spool.disk()->events;
    ASSERT_EQ(kept.size(), 1U);
    EXPECT_FALSE(event().authentication.empty());
    EXPECT_EQ(told.all.at(0).disposition, Disposition::reject);
    EXPECT_TRUE(told.all[0].overrides.empty());
}

TEST_F(ExaminationTest, SpfFailSaysWhatTheDomainSays) {
    settings.auth.actions.spf_fail = "reject";
    start();
    auto const reply = send({.source = stranger});
    EXPECT_THAT(reply, StartsWith("550 5.7.23 "));
    EXPECT_THAT(reply, HasSubstr("example.org explains: 198.51.100.6 is a stranger"));
    settings.auth.actions.spf_softfail = "tag";
    ASSERT_TRUE(receiver->configure(std::make_shared<Settings const>(settings), nullptr));
    EXPECT_THAT(send({.from = "x@soft.test", .content = "From: x@soft.test\r\n\r\n"}),
                StartsWith("250 "));
    EXPECT_THAT(envelope().trace, HasSubstr("\r\nX-Auth-Warning: spf=softfail "));
}

TEST_F(ExaminationTest, WithoutDnsMailIsTakenOrAskedToComeAgain) {
    internet.zone().fail("_dmarc.example.org", dns::Status::servfail);
    start();
    EXPECT_THAT(send({}), StartsWith("250 "));
    EXPECT_THAT(envelope().trace, HasSubstr("dmarc=temperror"));
    EXPECT_FALSE(envelope().recipients[0].quarantined);
    settings.auth.dns_failure = "defer";
    ASSERT_TRUE(receiver->configure(std::make_shared<Settings const>(settings), nullptr));
    EXPECT_THAT(send({}), StartsWith("451 4.7.26 "));
    EXPECT_EQ(accepted.envelopes.size(), 1U);
    EXPECT_EQ(told.all.size(), 1U);  // it comes again; it is not counted twice
    internet.zone().fail("soft.test", dns::Status::timeout);
    EXPECT_THAT(send({.from = "x@soft.test", .content = "From: x@none.test\r\n\r\n"}),
                StartsWith("451 4.7.24 "));
}

TEST_F(ExaminationTest, NoDnsAtAllCostsTheBudgetAndNoMore) {
    for (auto const* name : {"9.2.0.192.in-addr.arpa", "client.test", "example.org",
                             "_dmarc.example.org", "_dmarc.org"})
        internet.zone().fail(name, dns::Status::timeout);
    settings.auth.timeout = 20s;
    start();
    auto const begun = world.steady();
    group.spawn(talk({}));
    world.run_until_true([&] { return !accepted.envelopes.empty(); }, 10min);
    EXPECT_LT(world.steady() - begun, 41s);
    EXPECT_THAT(envelope().trace, HasSubstr("spf=temperror"));
}

TEST_F(ExaminationTest, ForwardersAreExcused) {
    settings.auth.actions.dmarc_reject = settings.auth.actions.spf_fail = "reject";
    settings.auth.forwarders = {"198.51.100.0/24"};
    start();
    EXPECT_THAT(send({.source = stranger}), StartsWith("250 "));
    EXPECT_FALSE(envelope().recipients[0].quarantined);
    ASSERT_EQ(told.all.at(0).overrides.size(), 1U);
    EXPECT_EQ(told.all[0].overrides[0].type, "trusted_forwarder");
    EXPECT_THAT(say_authentication(event().authentication),
                Contains(HasSubstr("Overridden (trusted_forwarder)")));
}

TEST_F(ExaminationTest, ATrustedSealerVouchesAndAnyOtherDoesNot) {
    auto const key = std::make_shared<crypto::PrivateKey>(
        crypto::PrivateKey::generate(crypto::KeyKind::ed25519));
    internet.zone().add_txt("s._domainkey.lists.test", dkim::key_record(*key));
    dkim::SigningKey signing;
    signing.domain = "lists.test";
    signing.selector = "s";
    signing.key = key;
    std::string const content = "From: joe@example.org\r\nSubject: [list] hi\r\n\r\nbody\r\n";
    auto const header = mail::HeaderSection::parse(content).value();
    auto const sealed = [&](std::string const& results) {
        arc::Sealer sealer(signing, header, world.wall());
        sealer.body(std::string_view(content).substr(header.body_offset()));
        return sealer.finish({}, "lists.test", results).value() + content;
    };
    start();
    auto const list = "list-bounce@lists.test";
    auto const good = sealed("dmarc=pass header.from=example.org");
    EXPECT_THAT(send({.from = list, .content = good, .source = stranger}), StartsWith("250 "));
    EXPECT_THAT(envelope().trace, HasSubstr("arc=pass"));
    EXPECT_TRUE(envelope().recipients[0].quarantined);
    settings.auth.arc_trusted = {"lists.test"};
    ASSERT_TRUE(receiver->configure(std::make_shared<Settings const>(settings), nullptr));
    EXPECT_THAT(send({.from = list, .content = good, .source = stranger}), StartsWith("250 "));
    EXPECT_FALSE(envelope().recipients[0].quarantined);
    EXPECT_THAT(told.all.back().overrides.at(0).comment, HasSubstr("lists.test"));
    auto const bad = sealed("dmarc=fail header.from=example.org");
    EXPECT_THAT(send({.from = list, .content = bad, .source = stranger}), StartsWith("250 "));
    EXPECT_TRUE(envelope().recipients[0].quarantined);
}

TEST_F(ExaminationTest, WhatGoesOnIsSealed) {  // RFC 8617 §5.1
    auto const key =
        std::make_shared<crypto::PrivateKey>(crypto::PrivateKey::generate(crypto::KeyKind::rsa));
    dkim::SigningKey signing;
    signing.domain = "dawk.test";
    signing.selector = "s";
    signing.key = key;
    auto keys = std::make_shared<Signing>();
    keys->add(signing);
    settings.signing = keys;
    settings.auth.arc_seal = "dawk.test";
    start();
    EXPECT_THAT(send({}), StartsWith("250 "));
    EXPECT_THAT(envelope().trace, StartsWith("Received: ")) << "what stays here is not sealed";
    Mail passed_on;
    passed_on.to = {"away@dawk.test"};
    EXPECT_THAT(send(passed_on), StartsWith("250 "));
    EXPECT_THAT(envelope().trace, StartsWith("ARC-Seal: i=1; a=rsa-sha256; cv=none; d=dawk.test"));
    auto const whole = envelope().trace + accepted.contents.back();
    auto const header = mail::HeaderSection::parse(whole).value();
    arc::Verifier verifier(header, {});
    verifier.body(std::string_view(whole).substr(header.body_offset()));
    auto const chain = dns::run(verifier.finish(), [&](dns::Question const&) {
        dns::Answer answer;
        answer.status = dns::Status::ok;
        answer.texts = {dkim::key_record(*key)};
        return answer;
    });
    EXPECT_EQ(chain.result, arc::Result::pass) << chain.reason;
    EXPECT_EQ(mailauth::vouching_sealer({"dawk.test"}, chain), "dawk.test");
}

TEST_F(ExaminationTest, ASignatureIsVerifiedInOneReadingHoweverItArrives) {
    auto const key = std::make_shared<crypto::PrivateKey>(
        crypto::PrivateKey::generate(crypto::KeyKind::ed25519));
    internet.zone().add_txt("s._domainkey.example.org", dkim::key_record(*key));
    dkim::SigningKey signing;
    signing.domain = "example.org";
    signing.selector = "s";
    signing.key = key;
    std::string content = "From: joe@example.org\r\nSubject: x\r\n\r\n";
    for (int i = 0; i < 400; ++i)
        content += "A line of text, " + std::to_string(i) + " of many.\r\n";
    auto const header = mail::HeaderSection::parse(content).value();
    dkim::Signer signer({signing}, header, world.wall());
    signer.body(std::string_view(content).substr(header.body_offset()));
    auto const whole = signer.finish().value() + content;
    start();
    for (std::size_t const piece : {std::size_t{13}, std::size_t{997}, std::size_t{100'000}}) {
        EXPECT_THAT(send({.content = whole, .source = stranger, .piece = piece}),
                    StartsWith("250 "));
        EXPECT_THAT(envelope().trace, HasSubstr("dkim=pass header.d=example.org")) << piece;
        EXPECT_FALSE(envelope().recipients[0].quarantined);
        EXPECT_EQ(accepted.contents.back(), whole);
    }
    auto changed = whole;
    changed[changed.size() - 4] ^= 1;
    EXPECT_THAT(send({.content = changed, .source = stranger}), StartsWith("250 "));
    EXPECT_THAT(envelope().trace, HasSubstr("dkim=fail"));
    EXPECT_TRUE(envelope().recipients[0].quarantined);
}

TEST_F(ExaminationTest, ChoicesOfOneDomainAreForItsOwnUsers) {
    AuthRule rule;
    rule.to = {"strict.test"};
    rule.actions.dmarc_reject = "reject";
    settings.auth_rules = {rule};
    settings.auth.actions.dmarc_reject = "accept";
    start();
    Mail forged{.from = "x@evil.test", .source = stranger};
    forged.to = {"alice@strict.test"};
    EXPECT_THAT(send(forged), StartsWith("550 5.7.26 "));
    forged.to = {"alice@dawk.test"};
    EXPECT_THAT(send(forged), StartsWith("250 "));
    EXPECT_FALSE(envelope().recipients[0].quarantined);
    forged.to = {"alice@dawk.test", "alice@strict.test"};
    EXPECT_THAT(send(forged), StartsWith("250 "));
    EXPECT_FALSE(envelope().recipients[0].quarantined);
    EXPECT_TRUE(envelope().recipients[1].quarantined);
}

TEST_F(ExaminationTest, NoWayAroundTheAuthorDomain) {  // RFC 9989 §11.5
    start();
    for (std::string const from :
         {"From: a@evil.test, joe@example.org\r\n", "Subject: no author\r\n", "From: nobody\r\n",
          "From: \"joe@example.org\"\r\n", "From: joe@[192.0.2.9]\r\n"}) {
        EXPECT_THAT(send({.from = "x@evil.test", .content = from + "\r\nx\r\n"}),
                    StartsWith("250 "))
            << from;
        EXPECT_THAT(envelope().trace, HasSubstr("dmarc=permerror")) << from;
        EXPECT_TRUE(envelope().recipients[0].quarantined) << from;
    }
    EXPECT_THAT(send({.content = "From: a@evil.test\r\nFrom: joe@example.org\r\n\r\nx\r\n"}),
                StartsWith("550 5.6.0 "));
}

TEST_F(ExaminationTest, ExemptNetworksAndAuthOffAreNotExamined) {
    settings.dns.client_names = false;
    settings.auth.exempt = {"198.51.100.0/24"};
    start();
    internet.zone().queries = 0;
    EXPECT_THAT(send({.source = stranger}), StartsWith("250 "));
    EXPECT_THAT(envelope().trace, Not(HasSubstr("Authentication-Results")));
    settings.auth.exempt.clear();
    settings.auth.verify = false;
    ASSERT_TRUE(receiver->configure(std::make_shared<Settings const>(settings), nullptr));
    EXPECT_THAT(send({.source = stranger}), StartsWith("250 "));
    EXPECT_EQ(internet.zone().queries, 0U);
    EXPECT_TRUE(event().authentication.empty());
}

TEST(AuthContext, WhatIsNoNetworkOrActionIsAnError) {
    Settings settings;
    EXPECT_TRUE(make_auth_context(settings));
    settings.auth.exempt = {"nonsense"};
    EXPECT_FALSE(make_auth_context(settings));
    settings.auth.exempt.clear();
    settings.auth.actions.spf_fail = "shrug";
    EXPECT_FALSE(make_auth_context(settings));
    settings.auth.actions = default_auth_actions();
    EXPECT_TRUE(make_auth_context(settings));
    settings.auth.arc_seal = "nokey.test";
    EXPECT_FALSE(make_auth_context(settings));
}

}  // namespace
}  // namespace dawk::mta
