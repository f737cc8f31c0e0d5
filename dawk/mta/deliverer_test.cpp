#include "dawk/mta/deliverer_test.hpp"

namespace dawk::mta {
namespace {

using namespace testing;
using ::testing::HasSubstr;
using Kind = Outcome::Kind;

struct SmtpCarrierTest : CarrierTest {
    ScriptedHost mx1{internet, group, "mx1.test", {"192.0.2.11"}, "192.0.2.11:25"};
    ScriptedHost mx2{internet, group, "mx2.test", {"192.0.2.12"}, "192.0.2.12:25"};
    ScriptedHost smart{internet, group, "smart.test", {"192.0.2.13"}, "192.0.2.13:587"};

    SmtpCarrierTest() {
        auto& zone = internet.zone();
        zone.add_mx("example.test", 10, "mx1.test");
        zone.add_mx("example.test", 20, "mx2.test");
        zone.add_address("mx1.test", "192.0.2.11");
        zone.add_address("mx2.test", "192.0.2.12");
        zone.add_address("smart.test", "192.0.2.13");
        use_mx();
    }
    ~SmtpCarrierTest() override { stop(); }
    static FakeServer with(std::string command, std::string reply) {
        FakeServer server;
        server.replies[std::move(command)] = std::move(reply);
        return server;
    }
};

TEST_F(SmtpCarrierTest, DeliversToTheBestHost) {
    auto const ticket = add_mail();
    carry();
    auto const& o = feed->outcome(ticket);
    EXPECT_EQ(o.kind, Kind::delivered);
    EXPECT_EQ(o.code, 250);
    EXPECT_EQ(o.status, "2.0.0");
    EXPECT_EQ(o.text, "taken");
    EXPECT_EQ(o.remote_host, "mx1.test");
    EXPECT_EQ(o.remote_address, "192.0.2.11:25");
    EXPECT_EQ(o.stage, "content");
    EXPECT_TRUE(o.remote_has_dsn);
    EXPECT_GT(to_millis(o.at), 0);
    EXPECT_EQ(feed->ready, 1);
    ASSERT_EQ(mx1.servers.size(), 1U);
    EXPECT_EQ(mx1.servers[0]->contents.at(0), "Received: by test\r\nSubject: x\r\n\r\n.hi\r\n");
    EXPECT_TRUE(mx1.servers[0]->quit) << "says goodbye when idle";
    EXPECT_TRUE(mx2.servers.empty());
}

TEST_F(SmtpCarrierTest, KeepsTheConnectionForTheNextJobs) {
    for (int i = 0; i < 50; ++i) add_mail();
    start();
    world.run_for(1s);
    EXPECT_EQ(feed->results.size(), 50U);
    add_mail();  // while the carrier waits idle
    world.run_for(1min);
    EXPECT_EQ(feed->results.size(), 51U);
    EXPECT_EQ(mx1.servers.size(), 1U);
    EXPECT_EQ(mx1.contents().size(), 51U);
}

TEST_F(SmtpCarrierTest, AConnectionIsRenewedAfterItsShareOfMessages) {
    settings.queue.messages_per_connection = 10;
    for (int i = 0; i < 25; ++i) add_mail();
    carry();
    EXPECT_EQ(feed->results.size(), 25U);
    EXPECT_EQ(mx1.servers.size(), 3U);
    for (auto const& server : mx1.servers) EXPECT_TRUE(server->quit);
}

TEST_F(SmtpCarrierTest, TriesEachHostBeforeItGivesUp) {  // RFC 5321 §5.1
    mx1.host.set_down(true);
    auto const ticket = add_mail();
    carry();
    EXPECT_EQ(feed->outcome(ticket).kind, Kind::delivered);
    EXPECT_EQ(feed->outcome(ticket).remote_host, "mx2.test");
    EXPECT_TRUE(feed->host_failures.empty());

    mx2.host.set_down(true);
    auto const second = add_mail();
    carry();
    EXPECT_EQ(feed->outcome(second).kind, Kind::deferred);
    EXPECT_EQ(feed->outcome(second).status, "4.4.1");
    EXPECT_EQ(feed->outcome(second).stage, "connect");
    EXPECT_TRUE(feed->outcome(second).whole_host);
    ASSERT_EQ(feed->host_failures.size(), 1U);
    EXPECT_EQ(feed->host_failures[0].status, "4.4.1");
}

TEST_F(SmtpCarrierTest, AHostThatDoesNotAnswerComesLastForAWhile) {
    mx1.host.set_silent(true);
    add_mail();
    auto const before = world.steady();
    carry();
    EXPECT_GE(world.steady() - before, settings.client_timeouts.connect);
    add_mail();
    auto const again = world.steady();
    carry();
    EXPECT_LT(world.steady() - again, settings.client_timeouts.connect);
    EXPECT_EQ(mx2.contents().size(), 2U);
}

TEST_F(SmtpCarrierTest, ABannerThatRefusesSendsUsToTheNextHost) {
    for (auto const* banner : {"554 5.7.1 no\r\n", "421 4.3.2 busy\r\n", "521 no mail\r\n"}) {
        mx1.make = [banner] {
            FakeServer server;
            server.banner = banner;
            return server;
        };
        auto const ticket = add_mail();
        carry();
        EXPECT_EQ(feed->outcome(ticket).remote_host, "mx2.test") << banner;
        EXPECT_EQ(feed->outcome(ticket).kind, Kind::delivered);
    }
}

TEST_F(SmtpCarrierTest, RefusalOfTheConnectionDefersUnlessTheHostTakesNoMail) {  // RFC 7504 §4
    struct Case {
        char const* banner;
        Kind kind;
        char const* status;
    };
    for (auto const& c : {Case{"554 5.7.1 no\r\n", Kind::deferred, "4.3.2"},
                          Case{"450 4.7.0 later\r\n", Kind::deferred, "4.7.0"},
                          Case{"521 5.3.2 no mail\r\n", Kind::failed, "5.3.2"}}) {
        mx1.make = mx2.make = [&c] {
            FakeServer server;
            server.banner = c.banner;
            return server;
        };
        auto const first = add_mail();
        auto const second = add_mail();
        carry();
        EXPECT_EQ(feed->outcome(first).kind, c.kind) << c.banner;
        EXPECT_EQ(feed->outcome(first).status, c.status);
        EXPECT_EQ(feed->outcome(first).stage, "banner");
        if (c.kind == Kind::failed) {
            EXPECT_EQ(feed->outcome(second).kind, c.kind) << "all of the destination";
        } else {
            EXPECT_FALSE(feed->results.contains(second)) << "left to the queue's back-off";
            feed->waiting.clear();
        }
    }
}

TEST_F(SmtpCarrierTest, WhatDnsSaysDecidesOfTheWholeDomain) {  // RFC 5321 §5.1, RFC 7505
    auto& zone = internet.zone();
    zone.add_mx("null.test", 0, "");
    zone.add_mx("loop.test", 10, "us.test");
    zone.add_mx("lost.test", 10, "nowhere.test");
    zone.add_mx("shaky.test", 10, "shaky-host.test");
    zone.fail("shaky-host.test", dns::Status::servfail);
    zone.fail("bogus.test", dns::Status::bogus);
    zone.fail("slow.test", dns::Status::timeout);
    zone.add_txt("bare.test", "only text");
    struct Case {
        char const* domain;
        Kind kind;
        char const* status;
    };
    Case const cases[] = {
        {"null.test", Kind::failed, "5.1.10"},   {"missing.test", Kind::failed, "5.1.2"},
        {"loop.test", Kind::failed, "5.4.6"},    {"lost.test", Kind::failed, "5.4.4"},
        {"shaky.test", Kind::deferred, "4.4.3"}, {"bogus.test", Kind::deferred, "4.4.3"},
        {"slow.test", Kind::deferred, "4.4.3"},  {"bare.test", Kind::failed, "5.1.2"},
        {"[192.0.2.x]", Kind::failed, "5.1.2"},
    };
    for (auto const& c : cases) {
        feed->host_failures.clear();
        use_mx(c.domain);
        auto const ticket = add_mail();
        carry();
        auto const& o = feed->outcome(ticket);
        EXPECT_EQ(o.kind, c.kind) << c.domain << ": " << o.text;
        EXPECT_EQ(o.status, c.status) << c.domain << ": " << o.text;
        EXPECT_EQ(o.stage, "dns");
        EXPECT_EQ(feed->host_failures.size(), c.kind == Kind::deferred ? 1U : 0U);
    }
}

TEST_F(SmtpCarrierTest, WithoutMxTheAddressOfTheDomainIsUsed) {  // RFC 5321 §5.1
    auto& zone = internet.zone();
    zone.add_address("direct.test", "192.0.2.11");
    zone.add_cname("alias.test", "direct.test");
    for (auto const* domain : {"direct.test", "alias.test", "[192.0.2.11]"}) {
        use_mx(domain);
        auto const ticket = add_mail();
        carry();
        EXPECT_EQ(feed->outcome(ticket).kind, Kind::delivered) << domain;
    }
}

TEST_F(SmtpCarrierTest, RefusalsReachEachRecipient) {
    mx1.make = [] {
        FakeServer server;
        server.replies["RCPT TO:<b@"] = "550-5.1.1 no\r\n550 5.1.1 such user\r\n";
        server.replies["RCPT TO:<c@"] = "450 4.2.1 later\r\n";
        return server;
    };
    feed->add(make_job(make_envelope({"a", "b", "c"}), "Subject: x\r\n\r\n"));
    carry();
    auto const& outcomes = feed->results[1].at(0);
    EXPECT_EQ(outcomes[0].kind, Kind::delivered);
    EXPECT_EQ(outcomes[1].kind, Kind::failed);
    EXPECT_EQ(outcomes[1].status, "5.1.1");
    EXPECT_EQ(outcomes[1].text, "no such user");
    EXPECT_EQ(outcomes[1].stage, "rcpt");
    EXPECT_FALSE(outcomes[1].remote_has_dsn);
    EXPECT_EQ(outcomes[2].kind, Kind::deferred);
    EXPECT_TRUE(feed->host_failures.empty());
}

TEST_F(SmtpCarrierTest, MoreRecipientsThanTheHostTakesGoInSeveralTransactions) {
    mx1.make = [] {
        FakeServer server;
        auto count = std::make_shared<int>(0);
        server.special = [count](std::string const& line) -> std::string {
            if (line.starts_with("MAIL")) *count = 0;
            if (line.starts_with("RCPT") && ++*count > 2) return "452 4.5.3 too many\r\n";
            return "";
        };
        return server;
    };
    feed->add(make_job(make_envelope({"a", "b", "c", "d", "e"}), "Subject: x\r\n\r\n"));
    carry();
    for (auto const& o : feed->results[1].at(0)) EXPECT_EQ(o.kind, Kind::delivered);
    EXPECT_EQ(mx1.contents().size(), 3U);

    mx1.make = [] {
        FakeServer server;
        server.ehlo = "250-x\r\n250-PIPELINING\r\n250 LIMITS RCPTMAX=3\r\n";  // RFC 9422
        return server;
    };
    feed->add(make_job(make_envelope({"a", "b", "c", "d", "e"}), "Subject: x\r\n\r\n"));
    carry();
    EXPECT_EQ(feed->results[2].at(0).size(), 5U);
    EXPECT_EQ(mx1.servers.back()->contents.size(), 2U);
}

TEST_F(SmtpCarrierTest, AnIdleConnectionTheHostClosedCostsNoAttempt) {
    settings.queue.connection_idle = 1h;
    mx1.idle_limit = 1min;
    add_mail();
    start();
    world.run_for(5min);  // the host has closed by now
    auto const ticket = add_mail();
    world.run_for(1min);
    EXPECT_EQ(feed->outcome(ticket).kind, Kind::delivered);
    EXPECT_EQ(mx1.servers.size(), 2U);
}

TEST_F(SmtpCarrierTest, ALostConnectionDefersOnlyWhatWasUnderWay) {
    mx1.closes_after = [](FakeServer const& server) { return server.contents.size() == 1; };
    auto const first = add_mail();
    auto const second = add_mail();
    auto const third = add_mail();
    carry();
    EXPECT_EQ(feed->outcome(first).kind, Kind::delivered);
    EXPECT_EQ(feed->outcome(second).kind, Kind::deferred) << "its content was under way";
    EXPECT_EQ(feed->outcome(second).status, "4.4.2");
    EXPECT_EQ(feed->outcome(third).kind, Kind::delivered);
    EXPECT_EQ(mx1.servers.size(), 2U);
}

TEST_F(SmtpCarrierTest, AHostThatDropsUsEachTimeIsLeftAlone) {
    mx1.make = mx2.make = [] { return with("MAIL", "421 4.7.0 too fast\r\n"); };
    auto const first = add_mail();
    auto const second = add_mail();
    carry();
    EXPECT_EQ(feed->outcome(first).kind, Kind::deferred);
    EXPECT_EQ(feed->outcome(first).code, 421);
    EXPECT_TRUE(feed->outcome(first).whole_host);
    EXPECT_FALSE(feed->results.contains(second));
    EXPECT_EQ(mx1.servers.size(), 1U);
    EXPECT_EQ(feed->host_failures.size(), 1U);
    feed->waiting.clear();
}

TEST_F(SmtpCarrierTest, ASilentHostIsGivenTheTimeOfTheStandard) {  // RFC 5321 §4.5.3.2
    mx1.make = mx2.make = [] {
        FakeServer server;
        server.ehlo = "250 mx\r\n";
        server.special = [](std::string const& line) -> std::string {
            return line.starts_with("MAIL") ? "250-" : "";  // never finishes its reply
        };
        return server;
    };
    auto const ticket = add_mail();
    auto const before = world.steady();
    carry();
    EXPECT_EQ(feed->outcome(ticket).kind, Kind::deferred);
    EXPECT_EQ(feed->outcome(ticket).status, "4.4.2");
    EXPECT_EQ(feed->outcome(ticket).stage, "mail");
    EXPECT_GE(world.steady() - before, 5min);
}

TEST_F(SmtpCarrierTest, EverySilenceHasTheTimeOfTheStandard) {  // RFC 5321 §4.5.3.2.1 to .6
    struct Case {
        char const *at, *stage;
        Duration time;
    };
    Case const cases[] = {{"banner", "banner", 5min}, {"EHLO", "ehlo", 5min},
                          {"MAIL", "mail", 5min},     {"RCPT", "rcpt", 5min},
                          {"DATA", "data", 2min},     {".", "content", 10min}};
    use_smart_host("smart.test");
    for (auto const& c : cases) {
        smart.make = [&c] {
            FakeServer server;
            server.ehlo = "250 mx\r\n";
            if (std::string_view(c.at) == "banner") server.banner.clear();
            server.replies[c.at] = "";
            return server;
        };
        auto const ticket = add_mail();
        auto const before = world.steady();
        carry();
        auto const& outcome = feed->outcome(ticket);
        EXPECT_EQ(outcome.kind, Kind::deferred) << c.at;
        EXPECT_EQ(outcome.stage, c.stage);
        EXPECT_GE(world.steady() - before, c.time) << c.at;
        EXPECT_LT(world.steady() - before, c.time + 1min) << c.at;
    }
}

TEST_F(SmtpCarrierTest, AHostThatStopsReadingHasTheTimeOfTheStandard) {  // RFC 5321 §4.5.3.2.5
    use_smart_host("smart.test");
    smart.stalls = [](FakeServer const& server) {
        return !server.commands.empty() && server.commands.back() == "DATA";
    };
    auto const ticket = add_mail("Subject: x\r\n\r\n" + std::string(800'000, 'x'), true);
    auto const before = world.steady();
    carry();
    EXPECT_EQ(feed->outcome(ticket).kind, Kind::deferred);
    EXPECT_EQ(feed->outcome(ticket).stage, "content");
    EXPECT_GE(world.steady() - before, 3min);
    EXPECT_LT(world.steady() - before, 4min);
}

TEST_F(SmtpCarrierTest, ShutdownHandsEveryJobBack) {
    for (std::uint64_t ms : {0, 1, 3, 5, 8, 12, 20, 40}) {
        auto const first = add_mail();
        auto const second = add_mail();
        start();
        world.run_for(Millis(ms));
        auto const taken = feed->taken;
        carriers.cancel();
        world.run_for(1min);
        EXPECT_EQ(feed->results.size(), taken);
        for (auto const ticket : {first, second}) {
            if (feed->results.contains(ticket)) (void)feed->outcome(ticket);
        }
        feed->waiting.clear();
        feed->results.clear();
        feed->taken = 0;
    }
}

TEST_F(SmtpCarrierTest, LargeContentIsStreamed) {
    std::string content = "Subject: large\r\n\r\n";
    for (int i = 0; i < 20'000; ++i) content += ".a line of forty octets and a dot\r\n";
    auto const ticket = add_mail(content, true);
    auto const small = add_mail();
    carry();
    EXPECT_EQ(feed->outcome(ticket).kind, Kind::delivered) << feed->outcome(ticket).text;
    EXPECT_EQ(feed->outcome(small).kind, Kind::delivered);
    EXPECT_EQ(mx1.contents().at(0), "Received: by test\r\n" + content);
}

FakeServer without_eight_bit_mime() {
    FakeServer server;
    server.ehlo = "250-mx\r\n250 PIPELINING\r\n";
    return server;
}

TEST_F(SmtpCarrierTest, AHostWithoutEightBitMimeGetsItConverted) {  // RFC 6152 §3
    mx1.make = without_eight_bit_mime;
    auto e = make_envelope({"to"});
    e->body = envelope::Body::eight_bit;
    feed->add(make_job(e,
                       "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
                       "Content-Transfer-Encoding: 8bit\r\n\r\ngr\xC3\xBC\xC3\x9F\r\n"));
    feed->add(make_job(e, "Subject: gr\xC3\xBC\xC3\x9F\r\n\r\n"));
    carry();
    EXPECT_EQ(feed->outcome(1).kind, Kind::delivered) << feed->outcome(1).text;
    EXPECT_THAT(mx1.contents().at(0), HasSubstr("gr=C3=BC=C3=9F\r\n"));
    EXPECT_EQ(feed->outcome(2).kind, Kind::failed);
    EXPECT_EQ(feed->outcome(2).status, "5.6.3");
}

TEST_F(SmtpCarrierTest, LargeContentIsConvertedWhileItIsSent) {  // RFC 6152 §3
    mx1.make = [] {
        FakeServer server;
        server.ehlo = "250-mx\r\n250-SIZE\r\n250 PIPELINING\r\n";
        return server;
    };
    auto e = make_envelope({"to"});
    e->body = envelope::Body::eight_bit;
    std::string const header =
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
        "Content-Transfer-Encoding: 8bit\r\n\r\n";
    std::string body, encoded;
    for (int i = 0; i < 20'000; ++i) {
        body += ".gr\xC3\xBC\xC3\x9F aus einer langen Zeile\r\n";
        encoded += ".gr=C3=BC=C3=9F aus einer langen Zeile\r\n";
    }
    feed->add(make_job(e, header + body, true));
    feed->add(make_job(make_envelope({"to"}), header + "plain after all\r\n", true));
    feed->add(make_job(e, "Subject: gr\xC3\xBC\xC3\x9F\r\n\r\n" + body, true));
    carry();
    ASSERT_EQ(feed->outcome(1).kind, Kind::delivered) << feed->outcome(1).text;
    auto const got = mx1.contents().at(0);
    EXPECT_TRUE(got.ends_with("\r\n\r\n" + encoded));
    EXPECT_THAT(got.substr(0, 300), HasSubstr("Content-Transfer-Encoding: quoted-printable\r\n"));
    auto const& commands = mx1.servers.front()->commands;
    auto const size = " SIZE=" + std::to_string(got.size());
    EXPECT_TRUE(std::any_of(commands.begin(), commands.end(), [&](std::string const& command) {
        return command.ends_with(size);
    })) << size;
    EXPECT_EQ(feed->outcome(2).kind, Kind::delivered);
    EXPECT_EQ(mx1.contents().at(1), "Received: by test\r\n" + header + "plain after all\r\n");
    EXPECT_EQ(feed->outcome(3).kind, Kind::failed);
    EXPECT_EQ(feed->outcome(3).status, "5.6.3");
}

TEST_F(SmtpCarrierTest, AConvertedContentTooLargeToSignAgainGoesWithoutOurSignature) {
    mx1.make = without_eight_bit_mime;
    auto e = make_envelope({"to"});
    e->body = envelope::Body::eight_bit;
    e->trace = "Received: by test\r\nDKIM-Signature: v=1; d=example.org;\r\n b=x\r\n";
    std::string const header =
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
        "DKIM-Signature: v=1; d=of-others.test; b=y\r\n"
        "Content-Transfer-Encoding: 8bit\r\n\r\n";
    feed->add(make_job(e, header + "gr\xC3\xBC\xC3\x9F\r\n", true));
    feed->add(make_job(e, header + "plain after all\r\n", true));
    carry();
    ASSERT_EQ(feed->outcome(1).kind, Kind::delivered) << feed->outcome(1).text;
    auto const converted = mx1.contents().at(0), plain = mx1.contents().at(1);
    EXPECT_TRUE(converted.starts_with("Received: by test\r\nMIME-Version")) << converted;
    EXPECT_THAT(converted, HasSubstr("d=of-others.test")) << "not ours to take out";
    EXPECT_TRUE(plain.starts_with(e->trace)) << "what goes as it is keeps its signature";
}

TEST_F(SmtpCarrierTest, OfALargeContentOnlyTheHeaderDecidesOnSmtputf8) {  // RFC 6531 §3.3
    mx1.make = [] {
        FakeServer server;
        server.ehlo = "250-mx\r\n250-8BITMIME\r\n250 PIPELINING\r\n";
        return server;
    };
    auto e = make_envelope({"to"});
    e->smtputf8 = true;
    e->body = envelope::Body::eight_bit;
    std::string filler;
    for (int i = 0; i < 3000; ++i) filler += "X-Filler: a long header\r\n";
    std::string const body = "\r\ngr\xC3\xBC\xC3\x9F\r\n";
    feed->add(make_job(e, filler + "Subject: plain\r\n" + body, true));
    feed->add(make_job(e, filler + "Subject: gr\xC3\xBC\xC3\x9F\r\n" + body, true));
    carry();
    EXPECT_EQ(feed->outcome(1).kind, Kind::delivered) << feed->outcome(1).text;
    EXPECT_EQ(mx1.contents().size(), 1U);
    EXPECT_EQ(feed->outcome(2).kind, Kind::failed);
    EXPECT_EQ(feed->outcome(2).status, "5.6.7");
    EXPECT_EQ(feed->outcome(2).text, "the header is not ASCII and the host lacks SMTPUTF8");
}

TEST_F(SmtpCarrierTest, AHostThatIsOurselvesIsNotSpokenTo) {  // RFC 5321 §5.1
    internet.zone().add_mx("loop.test", 10, "we.loop.test");
    internet.zone().add_address("we.loop.test", "192.0.2.1");
    use_mx("loop.test");
    for (std::string const listening : {"0.0.0.0:25", "systemd:smtp", "192.0.2.1:25"}) {
        settings.listeners = {{.address = listening}};
        auto const ticket = add_mail();
        carry();
        EXPECT_EQ(feed->outcome(ticket).kind, Kind::failed) << listening;
        EXPECT_EQ(feed->outcome(ticket).status, "5.4.6") << listening;
    }
}

TEST_F(SmtpCarrierTest, OpportunisticTlsFallsBackToPlain) {  // RFC 7435 §3
    mx1.make = [] {
        FakeServer server;
        server.ehlo = "250-mx1\r\n250 STARTTLS\r\n";
        return server;
    };
    auto const encrypted = add_mail();
    carry();
    EXPECT_EQ(feed->outcome(encrypted).kind, Kind::delivered);
    EXPECT_THAT(feed->outcome(encrypted).tls, HasSubstr("TLS"));

    mx1.make = [] {
        FakeServer server;
        server.ehlo = "250-mx1\r\n250 STARTTLS\r\n";
        server.replies["STARTTLS"] = "220 go\r\n";
        server.special = [](std::string const& line) -> std::string {
            return line == "STARTTLS" ? "220 go\r\n550 broken\r\n" : "";
        };
        return server;
    };
    auto const injected = add_mail();
    carry();
    EXPECT_EQ(feed->outcome(injected).remote_host, "mx2.test") << "injected replies end it";
}

TEST_F(SmtpCarrierTest, CredentialsNeedAVerifiedSmartHost) {
    us.files().put("/etc/password", "secret\n");
    feed->the_route.user = "user";
    feed->the_route.password_file = "/etc/password";
    smart.make = [] {
        FakeServer server;
        server.ehlo = "250-smart\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n";
        server.after_tls_ehlo = "250-smart\r\n250 AUTH PLAIN\r\n";
        return server;
    };
    use_smart_host("smart.test", routing::TlsMode::verified);
    auto const good = add_mail();
    carry();
    EXPECT_EQ(feed->outcome(good).kind, Kind::delivered) << feed->outcome(good).text;
    EXPECT_THAT(smart.servers.back()->commands, ::testing::Contains("AUTH PLAIN AHVzZXIAc2VjcmV0"));

    for (auto const tls : {routing::TlsMode::verified, routing::TlsMode::required,
                           routing::TlsMode::opportunistic, routing::TlsMode::none}) {
        smart.identity = smart.host.load_identity("!smart.test", "").value();
        use_smart_host("smart.test", tls);
        auto const bad = add_mail();
        carry();
        EXPECT_EQ(feed->outcome(bad).kind, Kind::deferred);
        for (auto const& server : smart.servers) {
            if (server == smart.servers.front()) continue;
            for (auto const& line : server->commands)
                EXPECT_FALSE(line.starts_with("AUTH")) << line;
        }
    }
    feed->the_route.password_file = "/etc/missing";
    auto const missing = add_mail();
    carry();
    EXPECT_EQ(feed->outcome(missing).status, "4.3.5");
}

TEST_F(SmtpCarrierTest, ImplicitTlsComesFirst) {  // RFC 8314 §3
    smart.tls_from_start = true;
    use_smart_host("smart.test", routing::TlsMode::implicit);
    auto const ticket = add_mail();
    carry();
    EXPECT_EQ(feed->outcome(ticket).kind, Kind::delivered) << feed->outcome(ticket).text;
    EXPECT_FALSE(feed->outcome(ticket).tls.empty());
    smart.identity = smart.host.load_identity("other.test", "").value();
    auto const bad = add_mail();
    carry();
    EXPECT_EQ(feed->outcome(bad).kind, Kind::deferred);
    EXPECT_EQ(feed->outcome(bad).status, "4.7.5");
}

TEST_F(SmtpCarrierTest, RequiredTlsIsNotGivenUp) {
    use_smart_host("smart.test", routing::TlsMode::required);
    auto const ticket = add_mail();
    carry();
    EXPECT_EQ(feed->outcome(ticket).kind, Kind::deferred);
    EXPECT_EQ(feed->outcome(ticket).status, "4.7.4");
    EXPECT_TRUE(smart.contents().empty());
}

TEST_F(SmtpCarrierTest, LmtpGivesEachRecipientItsReply) {  // RFC 2033 §4.2
    ScriptedHost store(internet, group, "store.test", {"192.0.2.14"}, "192.0.2.14:24");
    store.make = [] {
        FakeServer server;
        server.lmtp = true;
        server.replies[".1"] = "452 4.2.2 full\r\n";
        return server;
    };
    feed->the_route.kind = routing::Route::Kind::lmtp;
    feed->the_route.host = "192.0.2.14";
    feed->the_route.port = 24;
    feed->the_route.tls = routing::TlsMode::none;
    feed->add(make_job(make_envelope({"a", "b", "c"}), "Subject: x\r\n\r\n"));
    carry();
    auto const& outcomes = feed->results[1].at(0);
    EXPECT_EQ(outcomes[0].kind, Kind::delivered);
    EXPECT_EQ(outcomes[1].kind, Kind::deferred);
    EXPECT_EQ(outcomes[1].status, "4.2.2");
    EXPECT_EQ(outcomes[2].kind, Kind::delivered);
    EXPECT_EQ(store.servers[0]->commands[0], "LHLO us.test");
    stop();
}

// Whatever the network does, each job comes back once, and what the host took is never reported
// lost without the connection having broken in between.
TEST(SmtpCarrierFaults, EachJobIsHandedBackOnceUnderFaults) {
    struct Run : CarrierTest {
        void TestBody() override {}
    };
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
        Run run;
        for (std::uint64_t i = 0; i < seed; ++i) (void)run.world.rng().next();
        ScriptedHost mx{run.internet, run.group, "mx.test", {"192.0.2.11"}, "192.0.2.11:25"};
        run.internet.zone().add_mx("example.test", 10, "mx.test");
        run.internet.zone().add_address("mx.test", "192.0.2.11");
        run.use_mx();
        run.internet.faults().reset = 0.05;
        run.internet.faults().connect_refused = 0.1;
        run.internet.faults().read_max = 1 + seed % 7 * 50;
        if (seed % 3 == 0) {
            mx.make = [] {
                FakeServer server;
                server.ehlo = "250-mx\r\n250-PIPELINING\r\n250 CHUNKING\r\n";
                return server;
            };
        }
        for (int i = 0; i < 40; ++i) run.add_mail();
        for (int i = 0; i < 40 && !run.feed->waiting.empty(); ++i) run.carry(24h);
        std::size_t delivered = 0;
        for (std::uint64_t ticket = 1; ticket <= 40; ++ticket) {
            if (run.feed->outcome(ticket).kind == Kind::delivered) ++delivered;
        }
        EXPECT_LE(delivered, mx.contents().size()) << "delivered means that the host has it";
        EXPECT_GT(delivered, 20U) << seed;
        run.stop();
    }
}

}  // namespace
}  // namespace dawk::mta
