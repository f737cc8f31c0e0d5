#include "dawk/smtp/client_session_test.hpp"

namespace dawk::smtp {
namespace {

using namespace testing;

DAWK_TEST_AT_EVERY_CUT(ClientSession, LmtpHasOneReplyForEachRecipient) {  // RFC 2033 §4.2
    auto const e = make_envelope(4);
    auto config = plain_config();
    config.protocol = ClientConfig::Protocol::lmtp;
    for (std::size_t piece : {1UL, 1000UL}) {
        FakeServer server;
        server.lmtp = true;
        server.replies["RCPT TO:<to1"] = "550 5.1.1 no\r\n";
        server.replies[".1"] = "452 4.2.2 full\r\n";
        Talk talk(config, server);
        talk.piece = piece;
        talk.waiting.push_back(make_transaction(e, mail, 1));
        talk.waiting.push_back(make_transaction(e, mail, 2));
        talk.run();
        EXPECT_EQ(server.commands[0], "LHLO client.example");
        ASSERT_EQ(talk.results.size(), 2U);
        for (auto const& result : talk.results) {
            EXPECT_FALSE(result.dsn_passed);  // reports of delivery are ours to make
            EXPECT_EQ(result.recipients[0].kind, Kind::accepted);
            EXPECT_EQ(result.recipients[1].stage, "rcpt");
            EXPECT_EQ(result.recipients[2].kind, Kind::transient);
            EXPECT_EQ(result.recipients[2].reply.status, "4.2.2");
            EXPECT_EQ(result.recipients[3].kind, Kind::accepted);
        }
    }
}

TEST(ClientSession, LargeContentIsStreamedCutAnywhere) {
    auto const e = make_envelope(1);
    std::string const content = "Subject: x\r\n\r\n.a\r\n..\r\n.\r\nend";
    for (std::size_t cut = 1; cut < content.size(); ++cut) {
        FakeServer server;
        Talk talk(plain_config(), server);
        auto t = make_transaction(e, content, 1);
        t.content.reset();
        for (std::size_t at = 0; at < content.size(); at += cut)
            talk.stream.push_back(content.substr(at, cut));
        talk.waiting.push_back(std::move(t));
        talk.waiting.push_back(make_transaction(e, mail, 2));
        talk.run();
        ASSERT_EQ(talk.results.size(), 2U);
        EXPECT_EQ(talk.results[1].recipients[0].kind, Kind::accepted);
        EXPECT_EQ(server.contents.at(0), e.trace + content + "\r\n") << cut;
        EXPECT_TRUE(talk.writes[talk.writes.size() - 3].starts_with("\r\n.\r\nMAIL"));
    }
}

DAWK_TEST_AT_EVERY_CUT(ClientSession, StreamedContentOfAnotherSizeIsNeverEnded) {
    auto const e = make_envelope(1);
    for (std::uint64_t size : {5U, 100U}) {
        FakeServer server;
        Talk talk(plain_config(), server);
        auto t = make_transaction(e, "", 1);
        t.content.reset();
        t.content_size = size;
        talk.stream = {"Subject: x\r\n", "\r\n"};
        talk.waiting.push_back(std::move(t));
        talk.run();
        EXPECT_EQ(talk.results.at(0).recipients[0].kind, Kind::transient);
        EXPECT_EQ(talk.results.at(0).recipients[0].reply.status, "4.3.0");
        EXPECT_TRUE(server.contents.empty());
    }
}

DAWK_TEST_AT_EVERY_CUT(ClientSession, NeverSendsABareLineEnd) {  // SMTP smuggling
    auto const e = make_envelope(1);
    for (std::string const bad :
         {"a\n.\r\nb\r\n", "a\r\n.\rb\r\n", "a\n", "a\r", "\r\r\n", "a\r\n\n.\n"}) {
        FakeServer server;
        Talk talk(plain_config(), server);
        talk.waiting.push_back(make_transaction(e, bad, 1));
        talk.waiting.push_back(make_transaction(e, mail, 2));
        talk.run();
        EXPECT_EQ(talk.results.at(0).recipients[0].reply.status, "5.6.0");
        EXPECT_EQ(talk.results.at(0).recipients[0].kind, Kind::permanent);
        EXPECT_EQ(talk.results.at(1).recipients[0].kind, Kind::accepted)
            << "the next is not harmed";

        FakeServer other;
        Talk streamed(plain_config(), other);
        auto t = make_transaction(e, bad, 1);
        t.content.reset();
        for (char const c : bad) streamed.stream.push_back(std::string(1, c));
        streamed.waiting.push_back(std::move(t));
        streamed.run();
        EXPECT_EQ(streamed.results.at(0).recipients[0].kind, Kind::permanent);
        EXPECT_TRUE(other.contents.empty()) << "no end of data was sent";
    }
}

DAWK_TEST_AT_EVERY_CUT(ClientSession, WhatTheServerCannotTakeIsNotTried) {
    auto e = make_envelope(1);
    auto const status = [&](std::string_view content, std::string ehlo) {
        FakeServer server;
        server.ehlo = std::move(ehlo);
        Talk talk(plain_config(), server);
        talk.waiting.push_back(make_transaction(e, content));
        talk.run();
        bool const tried = server.commands.at(1).starts_with("MAIL");
        auto const& r = talk.results.at(0).recipients[0];
        EXPECT_EQ(tried, r.kind == Kind::accepted);
        return r.kind == Kind::accepted ? server.commands.at(1) : r.reply.status;
    };
    EXPECT_EQ(status(mail, "250-x\r\n250 SIZE 20\r\n"), "5.3.4");  // RFC 1870 §5
    EXPECT_EQ(status(mail, "250-x\r\n250 SIZE 45\r\n"), "MAIL FROM:<from@example.org> SIZE=45");
    EXPECT_EQ(status(mail, "250-x\r\n250 SIZE 99999999999999999999\r\n"),
              "MAIL FROM:<from@example.org> SIZE=45");
    EXPECT_EQ(status("a: \xC3\xA9\r\n\r\n", "250 x\r\n"), "5.6.3");
    e.body = envelope::Body::eight_bit;
    EXPECT_EQ(status("a: \xC3\xA9\r\n\r\n", "250-x\r\n250 8BITMIME\r\n"),
              "MAIL FROM:<from@example.org> BODY=8BITMIME");
    EXPECT_EQ(status(mail, "250 x\r\n"), "MAIL FROM:<from@example.org>")
        << "declared, but is 7-bit";
    e.body = envelope::Body::binary;
    EXPECT_EQ(status(mail, "250 x\r\n"), "5.6.3");
    e.body = envelope::Body::eight_bit;
    e.smtputf8 = true;
    EXPECT_EQ(status("a: \xC3\xA9\r\n\r\n", "250-x\r\n250 8BITMIME\r\n"), "5.6.7");
    EXPECT_EQ(status("a: b\r\n\r\n\xC3\xA9\r\n", "250-x\r\n250 8BITMIME\r\n"),
              "MAIL FROM:<from@example.org> BODY=8BITMIME");
    e.recipients[0].address.domain =
        "b\xC3\xBC"
        "cher.example";
    EXPECT_EQ(status("a: b\r\n\r\n", "250-x\r\n250 8BITMIME\r\n"),
              "MAIL FROM:<from@example.org> BODY=8BITMIME");
    e.recipients[0].address.local = "\xC3\xA9";
    EXPECT_EQ(status("a: b\r\n\r\n", "250-x\r\n250 8BITMIME\r\n"), "5.6.7");
    EXPECT_EQ(status("a: b\r\n\r\n", "250-x\r\n250-SMTPUTF8\r\n250 8BITMIME\r\n"),
              "MAIL FROM:<from@example.org> BODY=8BITMIME SMTPUTF8");
    e = make_envelope(1);
    e.require_tls = true;
    EXPECT_EQ(status(mail, "250-x\r\n250 REQUIRETLS\r\n"), "5.7.10");
}

DAWK_TEST_AT_EVERY_CUT(ClientSession, PassesOnDeliveryStatusParameters) {  // RFC 3461 §4
    auto e = make_envelope(2);
    e.ret = envelope::Ret::headers;
    e.envid = "a+b c";
    e.recipients[0].notify = {.never = false, .success = true, .failure = true, .delay = false};
    e.recipients[0].orcpt = "rfc822;x+y@z";
    e.recipients[1].notify.never = true;
    FakeServer server;
    server.ehlo = "250-x\r\n250 DSN\r\n";
    Talk talk(plain_config(), server);
    talk.waiting.push_back(make_transaction(e, mail));
    talk.run();
    EXPECT_EQ(server.commands.at(1), "MAIL FROM:<from@example.org> RET=HDRS ENVID=a+2Bb+20c");
    EXPECT_EQ(server.commands.at(2),
              "RCPT TO:<to0@example.net> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;x+2By@z");
    EXPECT_EQ(server.commands.at(3), "RCPT TO:<to1@example.net> NOTIFY=NEVER");
}

DAWK_TEST_AT_EVERY_CUT(ClientSession, ObeysTheNumberOfTransactionsALimitAllows) {  // RFC 9422
    auto const e = make_envelope(1);
    FakeServer server;
    server.ehlo = "250-x\r\n250 LIMITS MAILMAX=2 OTHER=7\r\n";
    Talk talk(plain_config(), server);
    for (std::uint64_t tag = 0; tag < 3; ++tag)
        talk.waiting.push_back(make_transaction(e, mail, tag));
    talk.run();
    EXPECT_EQ(talk.results.size(), 2U);
    EXPECT_TRUE(talk.session.is_used_up());
    EXPECT_TRUE(server.quit);
}

DAWK_TEST_AT_EVERY_CUT(ClientSession, AHostThatGreetsWithOurNameIsALoop) {
    auto config = plain_config();
    config.refuse_own_name = true;
    FakeServer server;
    server.banner = "220 CLIENT.example ESMTP\r\n";
    Talk talk(config, server);
    talk.run();
    EXPECT_EQ(talk.session.failure()->kind, ClientFailure::Kind::loop);
    EXPECT_EQ(talk.session.failure()->reply.status, "5.4.6");
}

}  // namespace
}  // namespace dawk::smtp
