#include "dawk/smtp/client_session_test.hpp"

#include "dawk/base/ascii.hpp"

namespace dawk::smtp {
namespace {

using namespace testing;

DAWK_TEST_AT_EVERY_CUT(ClientSession,
                       SendsOneMessageWithPipeliningInThreeWrites) {  // RFC 2920 §3.1
    auto const e = make_envelope(2);
    FakeServer server;
    Talk talk(plain_config(), server);
    talk.waiting.push_back(make_transaction(e, mail, 7));
    talk.run();
    ASSERT_EQ(talk.results.size(), 1U);
    EXPECT_EQ(talk.results[0].tag, 7U);
    EXPECT_TRUE(talk.results[0].dsn_passed);
    for (auto const& r : talk.results[0].recipients) EXPECT_EQ(r.kind, Kind::accepted);
    ASSERT_EQ(server.contents.size(), 1U);
    EXPECT_EQ(server.contents[0], e.trace + std::string(mail));
    ASSERT_EQ(talk.writes.size(), 4U) << "EHLO, the group, the content, QUIT";
    EXPECT_EQ(talk.writes[1],
              "MAIL FROM:<from@example.org> SIZE=45\r\nRCPT TO:<to0@example.net>\r\n"
              "RCPT TO:<to1@example.net>\r\nDATA\r\n");
    EXPECT_EQ(talk.writes[2], e.trace + "Subject: x\r\n\r\n..dot\r\nbody\r\n.\r\n");
    EXPECT_TRUE(server.quit);
    EXPECT_FALSE(talk.session.failure());
}

TEST(ClientSession, EverythingHoldsWhereverTheRepliesAreCut) {
    auto const e = make_envelope(3);
    for (std::size_t piece = 1; piece < 200; ++piece) {
        FakeServer server;
        server.replies["RCPT TO:<to1"] = "550-5.1.1 no\r\n550 5.1.1 such user\r\n";
        Talk talk(plain_config(), server);
        talk.piece = piece;
        for (std::uint64_t tag = 0; tag < 3; ++tag)
            talk.waiting.push_back(make_transaction(e, mail, tag));
        talk.run();
        ASSERT_EQ(talk.results.size(), 3U) << piece;
        for (auto const& result : talk.results) {
            EXPECT_EQ(result.recipients[0].kind, Kind::accepted);
            EXPECT_EQ(result.recipients[1].kind, Kind::permanent);
            EXPECT_EQ(result.recipients[1].reply.status, "5.1.1");
            EXPECT_EQ(result.recipients[1].stage, "rcpt");
            EXPECT_EQ(result.recipients[2].kind, Kind::accepted);
        }
        EXPECT_EQ(server.contents.size(), 3U);
    }
}

TEST(ClientSession, ABusyConnectionCostsOneWriteAndOneReadAMessage) {
    auto const e = make_envelope(1);
    FakeServer server;
    Talk talk(plain_config(), server);
    for (std::uint64_t tag = 0; tag < 100; ++tag)
        talk.waiting.push_back(make_transaction(e, mail, tag));
    talk.run();
    ASSERT_EQ(talk.results.size(), 100U);
    EXPECT_EQ(talk.writes.size(), 100U + 3U) << "EHLO, first group, QUIT beside";
    EXPECT_EQ(talk.reads, 104);
    EXPECT_TRUE(
        talk.writes[2].ends_with("\r\n.\r\nMAIL FROM:<from@example.org> SIZE=45\r\n"
                                 "RCPT TO:<to0@example.net>\r\nDATA\r\n"));
    EXPECT_EQ(server.contents.size(), 100U);
}

DAWK_TEST_AT_EVERY_CUT(ClientSession, WithChunkingAMessageIsOneWrite) {  // RFC 3030 §4.2
    auto const e = make_envelope(1);
    FakeServer server;
    server.ehlo = "250-mx\r\n250-CHUNKING\r\n250 PIPELINING\r\n";
    Talk talk(plain_config(), server);
    for (std::uint64_t tag = 0; tag < 3; ++tag)
        talk.waiting.push_back(make_transaction(e, mail, tag));
    talk.run();
    ASSERT_EQ(talk.results.size(), 3U);
    EXPECT_EQ(talk.writes.size(), 5U);
    EXPECT_EQ(talk.writes[1],
              "MAIL FROM:<from@example.org>\r\nRCPT TO:<to0@example.net>\r\nBDAT 45 LAST\r\n" +
                  e.trace + std::string(mail))
        << "no dots are doubled";
    EXPECT_EQ(server.contents[2], e.trace + std::string(mail));
}

DAWK_TEST_AT_EVERY_CUT(ClientSession, AfterARefusedChunkComesRset) {  // RFC 3030 §2
    auto const e = make_envelope(1);
    FakeServer server;
    server.ehlo = "250-mx\r\n250-CHUNKING\r\n250 PIPELINING\r\n";
    server.replies["."] = "554 5.6.0 do not like it\r\n";
    Talk talk(plain_config(), server);
    talk.waiting.push_back(make_transaction(e, mail, 1));
    talk.waiting.push_back(make_transaction(e, mail, 2));
    talk.run();
    ASSERT_EQ(talk.results.size(), 2U);
    EXPECT_EQ(talk.results[0].recipients[0].kind, Kind::permanent);
    EXPECT_EQ(talk.results[0].recipients[0].stage, "content");
    EXPECT_TRUE(talk.writes[2].starts_with("RSET\r\nMAIL"));
}

DAWK_TEST_AT_EVERY_CUT(ClientSession, WithoutPipeliningEachCommandWaits) {
    auto const e = make_envelope(2);
    FakeServer server;
    server.ehlo = "250 mx\r\n";
    Talk talk(plain_config(), server);
    talk.waiting.push_back(make_transaction(e, mail));
    talk.waiting.push_back(make_transaction(e, mail));
    talk.run();
    ASSERT_EQ(talk.results.size(), 2U);
    EXPECT_EQ(talk.results[1].recipients[1].kind, Kind::accepted);
    EXPECT_EQ(talk.writes.size(), 2U + 2 * 5U);
    EXPECT_EQ(talk.writes[1], "MAIL FROM:<from@example.org>\r\n");
}

DAWK_TEST_AT_EVERY_CUT(ClientSession, FallsBackToHelo) {  // RFC 5321 §3.2
    auto const e = make_envelope(1);
    FakeServer server;
    server.replies["EHLO"] = "502 5.5.1 what\r\n";
    Talk talk(plain_config(), server);
    talk.waiting.push_back(make_transaction(e, mail));
    talk.run();
    EXPECT_EQ(server.commands[1], "HELO client.example");
    ASSERT_EQ(talk.results.size(), 1U);
    EXPECT_EQ(talk.results[0].recipients[0].kind, Kind::accepted);
}

DAWK_TEST_AT_EVERY_CUT(ClientSession, A354ForNobodyIsAnsweredByALoneDot) {  // RFC 2920 §3.1
    auto const e = make_envelope(2);
    for (auto const* refused : {"MAIL", "RCPT"}) {
        FakeServer server;
        server.replies[refused] = "450 4.2.0 later\r\n";
        Talk talk(plain_config(), server);
        talk.waiting.push_back(make_transaction(e, mail));
        talk.run();
        ASSERT_EQ(talk.results.size(), 1U);
        EXPECT_EQ(talk.results[0].recipients[1].kind, Kind::transient);
        EXPECT_EQ(talk.results[0].recipients[1].reply.code, 450);
        EXPECT_EQ(talk.results[0].recipients[1].stage, ascii::to_lower(refused));
        EXPECT_EQ(talk.writes[2], ".\r\n");
        EXPECT_EQ(server.contents.at(0), "") << "nothing of the message went out";
    }
}

DAWK_TEST_AT_EVERY_CUT(ClientSession, RefusalsOfEachStageReachTheRecipients) {
    auto const e = make_envelope(2);
    struct Case {
        char const *command, *reply;
        Kind kind;
        char const *stage, *status;
    };
    Case const cases[] = {
        {"MAIL", "550 5.7.1 no\r\n", Kind::permanent, "mail", "5.7.1"},
        {"MAIL", "452 full\r\n", Kind::transient, "mail", "4.0.0"},
        {"RCPT", "550 5.1.1 no\r\n", Kind::permanent, "rcpt", "5.1.1"},
        {"RCPT", "552 too many recipients\r\n", Kind::transient, "rcpt", "5.0.0"},
        {"RCPT", "552 5.2.2 mailbox full\r\n", Kind::permanent, "rcpt", "5.2.2"},
        {"DATA", "451 4.3.0 no\r\n", Kind::transient, "data", "4.3.0"},
        {"DATA", "554 no valid recipients\r\n", Kind::permanent, "data", "5.0.0"},
        {".", "452 4.3.1 full\r\n", Kind::transient, "content", "4.3.1"},
        {".", "554 5.6.0 spam\r\n", Kind::permanent, "content", "5.6.0"},
    };
    for (auto const* ehlo : {"250-mx\r\n250 PIPELINING\r\n", "250 mx\r\n"}) {
        for (auto const& c : cases) {
            FakeServer server;
            server.ehlo = ehlo;
            server.replies[c.command] = c.reply;
            Talk talk(plain_config(), server);
            talk.waiting.push_back(make_transaction(e, mail, 1));
            talk.waiting.push_back(make_transaction(e, mail, 2));
            talk.run();
            ASSERT_EQ(talk.results.size(), 2U) << c.reply;
            for (auto const& result : talk.results) {
                for (auto const& r : result.recipients) {
                    EXPECT_EQ(r.kind, c.kind) << c.reply;
                    EXPECT_EQ(r.stage, c.stage) << c.reply;
                    EXPECT_EQ(r.reply.status_or_class(), c.status) << c.reply;
                }
            }
            EXPECT_FALSE(talk.session.failure());
            EXPECT_TRUE(server.quit);
        }
    }
}

DAWK_TEST_AT_EVERY_CUT(ClientSession, TooManyRecipientsMayFollowAtOnce) {  // RFC 5321 §4.5.3.1.10
    auto const e = make_envelope(3);
    for (auto const* reply : {"452 4.5.3 too many\r\n", "552 too many\r\n"}) {
        FakeServer server;
        server.replies["RCPT TO:<to2"] = reply;
        Talk talk(plain_config(), server);
        talk.waiting.push_back(make_transaction(e, mail));
        talk.run();
        EXPECT_EQ(talk.results.at(0).recipients[1].kind, Kind::accepted);
        EXPECT_EQ(talk.results.at(0).recipients[2].kind, Kind::again);
    }
}

DAWK_TEST_AT_EVERY_CUT(ClientSession, A421EndsEverythingAtAnyTime) {  // RFC 5321 §3.8
    auto const e = make_envelope(2);
    for (auto const* at : {"EHLO", "MAIL", "RCPT", "DATA", "."}) {
        FakeServer server;
        server.replies[at] = "421 4.3.2 going down\r\n";
        Talk talk(plain_config(), server);
        talk.waiting.push_back(make_transaction(e, mail, 1));
        talk.waiting.push_back(make_transaction(e, mail, 2));
        talk.run();
        ASSERT_TRUE(talk.session.failure()) << at;
        EXPECT_EQ(talk.session.failure()->kind, ClientFailure::Kind::refused);
        EXPECT_EQ(talk.session.failure()->reply.code, 421);
        if (std::string_view(at) == "EHLO") {
            EXPECT_TRUE(talk.results.empty());
            continue;
        }
        ASSERT_GE(talk.results.size(), 1U) << at;
        EXPECT_EQ(talk.results[0].untouched, std::string_view(at) == "MAIL") << at;
        for (auto const& r : talk.results[0].recipients) {
            EXPECT_EQ(r.kind, Kind::transient) << at;
            EXPECT_EQ(r.reply.code, 421);
        }
        for (std::size_t i = 1; i < talk.results.size(); ++i)
            EXPECT_TRUE(talk.results[i].untouched);
    }
}

DAWK_TEST_AT_EVERY_CUT(ClientSession, ALostConnectionLeavesWhatWasAnsweredAlone) {
    auto const e = make_envelope(2);
    FakeServer server;
    server.replies["RCPT TO:<to0"] = "550 5.1.1 no\r\n";
    Talk talk(plain_config(), server);
    talk.lose_after_writes = 2;  // the content
    talk.waiting.push_back(make_transaction(e, mail));
    talk.run();
    ASSERT_EQ(talk.results.size(), 1U);
    EXPECT_EQ(talk.results[0].recipients[0].kind, Kind::permanent);
    EXPECT_EQ(talk.results[0].recipients[1].kind, Kind::transient);
    EXPECT_EQ(talk.results[0].recipients[1].reply.status, "4.4.2");
    EXPECT_EQ(talk.results[0].recipients[1].stage, "content");
    EXPECT_FALSE(talk.results[0].untouched);
}

DAWK_TEST_AT_EVERY_CUT(ClientSession, AConnectionLostAtEachWriteAlwaysSettlesEachRecipient) {
    auto const e = make_envelope(2);
    for (std::size_t lose = 0; lose < 8; ++lose) {
        FakeServer server;
        Talk talk(plain_config(), server);
        talk.lose_after_writes = lose;
        for (std::uint64_t tag = 0; tag < 4; ++tag)
            talk.waiting.push_back(make_transaction(e, mail, tag));
        talk.run();
        std::size_t accepted = 0;
        for (auto const& result : talk.results) {
            for (auto const& r : result.recipients) {
                EXPECT_NE(r.kind, Kind::open);
                if (r.kind == Kind::accepted) ++accepted;
            }
        }
        EXPECT_EQ(accepted, 2 * server.contents.size()) << "a reply that came is not lost";
    }
}

DAWK_TEST_AT_EVERY_CUT(ClientSession, BannersThatRefuse) {
    for (auto const* banner :
         {"554 5.7.1 go away\r\n", "421 busy\r\n", "450 later\r\n", "521 no mail\r\n"}) {
        FakeServer server;
        server.banner = banner;
        Talk talk(plain_config(), server);
        talk.run();
        ASSERT_TRUE(talk.session.failure());
        EXPECT_EQ(talk.session.failure()->kind, ClientFailure::Kind::refused);
        EXPECT_EQ(talk.session.failure()->stage, "banner");
        EXPECT_EQ(server.quit, !std::string_view(banner).starts_with("421"));
    }
}

DAWK_TEST_AT_EVERY_CUT(ClientSession, NonsenseEndsTheConnection) {
    auto const e = make_envelope(1);
    struct Case {
        char const *command, *reply;
    };
    Case const cases[] = {
        {"EHLO", "354 go\r\n"},
        {"MAIL", "354 go\r\n"},
        {"RCPT", "334 \r\n"},
        {"DATA", "250 ok\r\n"},
        {".", "354 more\r\n"},
        {"MAIL", "hello\r\n"},
        {"RCPT", "999 what\r\n"},
        {"MAIL", "250 ok\r\n250 ok\r\n250 ok\r\n354 x\r\n250 ok\r\n250 z\r\n"},
    };
    for (auto const& c : cases) {
        FakeServer server;
        server.replies[c.command] = c.reply;
        Talk talk(plain_config(), server);
        talk.waiting.push_back(make_transaction(e, mail));
        talk.run();
        ASSERT_TRUE(talk.session.failure()) << c.reply;
        EXPECT_EQ(talk.session.failure()->kind, ClientFailure::Kind::nonsense) << c.reply;
        EXPECT_EQ(talk.session.failure()->reply.status, "4.5.0");
    }
    FakeServer endless;
    endless.banner = "220-" + std::string(5000, 'x') + "\r\n220 b\r\n";
    Talk talk(plain_config(), endless);
    talk.run();
    EXPECT_EQ(talk.session.failure()->kind, ClientFailure::Kind::nonsense);
}

DAWK_TEST_AT_EVERY_CUT(ClientSession, StartTlsForgetsWhatWasSaidBefore) {  // RFC 3207 §4.2
    auto const e = make_envelope(1);
    FakeServer server;
    server.ehlo = "250-mx\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 STARTTLS\r\n";
    Talk talk(plain_config(), server);
    talk.waiting.push_back(make_transaction(e, mail));
    talk.run();
    std::vector<std::string> const expected = {"EHLO client.example", "STARTTLS",
                                               "EHLO client.example"};
    EXPECT_EQ(std::vector(server.commands.begin(), server.commands.begin() + 3), expected);
    EXPECT_FALSE(talk.session.extensions().pipelining);
    EXPECT_EQ(talk.writes[3], "MAIL FROM:<from@example.org>\r\n") << "nothing offered after TLS";
    EXPECT_EQ(talk.results.at(0).recipients[0].kind, Kind::accepted);
}

// Those that come with the reply; what comes later is no TLS, and fails the handshake.
TEST(ClientSession, RepliesInjectedBehindStartTlsAreRefused) {  // RFC 3207 §5, CVE-2011-0411
    FakeServer server;
    server.ehlo = "250-mx\r\n250 STARTTLS\r\n";
    server.replies["STARTTLS"] = "220 go\r\n250-evil\r\n250 AUTH PLAIN\r\n";
    Talk talk(plain_config(), server);
    talk.run();
    ASSERT_TRUE(talk.session.failure());
    EXPECT_EQ(talk.session.failure()->kind, ClientFailure::Kind::nonsense);
    EXPECT_FALSE(server.tls);
}

DAWK_TEST_AT_EVERY_CUT(ClientSession, RequiredTlsIsRequired) {
    auto config = plain_config();
    config.starttls = ClientConfig::StartTls::required;
    FakeServer silent;
    Talk without(config, silent);
    without.run();
    ASSERT_TRUE(without.session.failure());
    EXPECT_EQ(without.session.failure()->kind, ClientFailure::Kind::tls);
    EXPECT_EQ(without.session.failure()->reply.status, "4.7.4");
    EXPECT_TRUE(silent.quit);

    FakeServer unable;
    unable.ehlo = "250-mx\r\n250 STARTTLS\r\n";
    unable.replies["STARTTLS"] = "454 4.7.0 not now\r\n";
    Talk refused(config, unable);
    refused.run();
    EXPECT_EQ(refused.session.failure()->reply.code, 454);

    FakeServer again;
    again.ehlo = unable.ehlo;
    again.replies = unable.replies;
    auto const e = make_envelope(1);
    Talk opportunistic(plain_config(), again);
    opportunistic.waiting.push_back(make_transaction(e, mail));
    opportunistic.run();
    EXPECT_EQ(opportunistic.results.at(0).recipients[0].kind, Kind::accepted)
        << "goes on in the clear";
}

DAWK_TEST_AT_EVERY_CUT(ClientSession,
                       CredentialsGoOverVerifiedTlsOnly) {  // FIELD: AUTH over unverified TLS
    auto config = plain_config();
    config.user = "u";
    config.password = "secret";
    auto const run = [&](bool verified, bool loopback, char const* mechanisms) {
        FakeServer server;
        server.ehlo = std::string("250-mx\r\n250-STARTTLS\r\n250 AUTH ") + mechanisms + "\r\n";
        if (loopback) server.ehlo = std::string("250-mx\r\n250 AUTH ") + mechanisms + "\r\n";
        server.after_tls_ehlo = std::string("250-mx\r\n250 AUTH ") + mechanisms + "\r\n";
        server.special = [](std::string const& line) -> std::string {
            if (line == "AUTH LOGIN") return "334 VXNlcm5hbWU6\r\n";
            if (line == "dQ==") return "334 UGFzc3dvcmQ6\r\n";
            if (line == "c2VjcmV0") return "235 2.7.0 ok\r\n";
            return "";
        };
        auto with = config;
        with.is_loopback = loopback;
        auto talk = std::make_unique<Talk>(with, server);
        talk->verified = verified;
        talk->run();
        EXPECT_TRUE(talk->secrets_were_marked);
        return std::pair(server.commands, talk->session.failure());
    };
    auto const [plain, plain_failure] = run(true, false, "PLAIN LOGIN");
    EXPECT_FALSE(plain_failure);
    EXPECT_EQ(plain.at(3), "AUTH PLAIN AHUAc2VjcmV0");
    auto const [login, login_failure] = run(true, false, "LOGIN");
    EXPECT_FALSE(login_failure);
    EXPECT_EQ(login.at(5), "c2VjcmV0");
    auto const [local, local_failure] = run(false, true, "PLAIN");
    EXPECT_FALSE(local_failure);
    EXPECT_EQ(local.at(1), "AUTH PLAIN AHUAc2VjcmV0");
    for (auto const* mechanisms : {"PLAIN LOGIN", "CRAM-MD5", ""}) {
        bool const verified = std::string_view(mechanisms) != "PLAIN LOGIN";
        auto const [commands, failure] = run(verified, false, mechanisms);
        ASSERT_TRUE(failure) << mechanisms;
        EXPECT_EQ(failure->kind, ClientFailure::Kind::auth);
        EXPECT_EQ(failure->reply.status, "4.7.0");
        for (auto const& line : commands) EXPECT_FALSE(line.starts_with("AUTH")) << line;
    }
}

DAWK_TEST_AT_EVERY_CUT(ClientSession, RefusedCredentialsAreTheHostsAnswer) {
    auto config = plain_config();
    config.user = "u";
    config.password = "p";
    config.is_loopback = true;
    FakeServer server;
    server.ehlo = "250-mx\r\n250 AUTH PLAIN\r\n";
    server.replies["AUTH"] = "535 5.7.8 wrong\r\n";
    server.special = [](std::string const& line) -> std::string {
        return line.starts_with("AUTH") ? "535 5.7.8 wrong\r\n" : "";
    };
    Talk talk(config, server);
    talk.run();
    ASSERT_TRUE(talk.session.failure());
    EXPECT_EQ(talk.session.failure()->kind, ClientFailure::Kind::auth);
    EXPECT_EQ(talk.session.failure()->reply.code, 535);
}

}  // namespace
}  // namespace dawk::smtp
