#include "dawk/mta/receiver_test.hpp"

#include "dawk/base/base64.hpp"
#include "dawk/crypto/hash.hpp"

namespace dawk::mta {
namespace {

using namespace receiver_testing;
using namespace std::string_literals;

Step const ehlo{"EHLO client.test\r\n"};
std::string const message = "From: <a@far.test>\r\nSubject: hi\r\n\r\nbody\r\n";

TEST_F(ReceiverTest, TakesAMessageAndMakesItDurableFirst) {
    start();
    auto const r = run(25, {ehlo,
                            {"MAIL FROM:<a@far.test>\r\nRCPT TO:<alice@dawk.test>\r\nDATA\r\n", 3},
                            {message + ".\r\n"},
                            {"QUIT\r\n"}});
    EXPECT_EQ(r.codes, "220 250 250/2.1.0 250/2.1.5 354 250/2.0.0 221/2.0.0");
    ASSERT_EQ(sink.envelopes.size(), 1U);
    auto const& e = *sink.envelopes[0];
    EXPECT_EQ(sink.contents[0], message);
    EXPECT_EQ(e.reverse_path.text(), "a@far.test");
    ASSERT_EQ(e.recipients.size(), 1U);
    EXPECT_EQ(e.recipients[0].address.text(), "alice@dawk.test");
    EXPECT_EQ(e.recipients[0].destination, "maildir:dawk.test");
    EXPECT_EQ(e.recipients[0].next_attempt, e.arrived);
    EXPECT_EQ(e.header_subject, "hi");
    EXPECT_EQ(e.header_from, "<a@far.test>");
    EXPECT_EQ(e.content_size, message.size());
    EXPECT_EQ(e.origin.protocol, "ESMTP");
    EXPECT_EQ(e.origin.client_address, "192.0.2.9");
    EXPECT_EQ(e.origin.helo, "client.test");
    EXPECT_TRUE(e.trace.starts_with("Received: from client.test"));
    EXPECT_NE(e.trace.find(e.id.text()), e.trace.npos);
    EXPECT_NE(e.trace.find("<alice@dawk.test>"), e.trace.npos);
    EXPECT_EQ(e.expires - e.arrived, 5 * 24h);
    auto const& disk = *spool.disk();
    EXPECT_EQ(disk.envelopes.size(), 1U);
    EXPECT_EQ(disk.due.size(), 1U);
    EXPECT_EQ(disk.events.size(), 1U);
    EXPECT_EQ(log.count(envelope::Event::Kind::received), 1U);
}

TEST_F(ReceiverTest, NamesTheIdInTheReply) {
    start();
    auto const r =
        run(25, {ehlo, {"MAIL FROM:<>\r\nRCPT TO:<alice@dawk.test>\r\nDATA\r\n", 3}, {".\r\n"}});
    ASSERT_EQ(sink.envelopes.size(), 1U);
    EXPECT_EQ(r.last, "Ok: queued as " + sink.envelopes[0]->id.text());
    EXPECT_TRUE(sink.envelopes[0]->reverse_path.is_null());
    EXPECT_EQ(sink.envelopes[0]->expires - sink.envelopes[0]->arrived, 2 * 24h);
}

TEST_F(ReceiverTest, ForeignersMayNotRelayAndUnknownUsersAreRefused) {
    start();
    EXPECT_EQ(
        codes(25, {ehlo,
                   {"MAIL FROM:<a@far.test>\r\n"},
                   {"RCPT TO:<x@far.test>\r\n"},
                   {"RCPT TO:<nobody@dawk.test>\r\n"},
                   {"RCPT TO:<off@dawk.test>\r\n"},
                   {"RCPT TO:<alice%far.test@dawk.test>\r\n"},
                   {"RCPT TO:<\"alice@far.test\"@dawk.test>\r\n"},
                   {"RCPT TO:<@dawk.test:x@far.test>\r\n"},
                   {"RCPT TO:<x@[192.0.2.1]>\r\n"},
                   {"RCPT TO:<" + std::string(100, 'x') + "@dawk.test>\r\n"},
                   {"DATA\r\n"}}),
        "220 250 250/2.1.0 550/5.7.1 550/5.1.1 550/5.2.1 550/5.1.1 550/5.1.1 550/5.7.1 550/5.7.1 "
        "550/5.1.1 503/5.5.1");
    EXPECT_EQ(log.count(envelope::Event::Kind::refused), 8U);
    EXPECT_EQ(log.events.front().recipient, "x@far.test");
    EXPECT_EQ(log.events.front().outcome.status, "5.7.1");
}

TEST_F(ReceiverTest, ResolvesAliasesAndKeepsWhatWasMeant) {  // RFC 3461 §5.2.7
    start();
    run(25, {{"EHLO c\r\n"},
             {"MAIL FROM:<a@far.test> RET=HDRS ENVID=e1\r\n"},
             {"RCPT TO:<team@dawk.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;t@x\r\n"},
             {"RCPT TO:<sales@dawk.test> NOTIFY=SUCCESS\r\n"},
             {"RCPT TO:<bob+list@dawk.test> NOTIFY=NEVER\r\n"},  // he gets it already
             {"RCPT TO:<PostMaster>\r\n"},
             {"DATA\r\n"},
             {".\r\n"}});
    ASSERT_EQ(sink.envelopes.size(), 2U) << "the message, and that an alias was expanded";
    auto const& e = *sink.envelopes[0];
    EXPECT_EQ(e.ret, envelope::Ret::headers);
    EXPECT_EQ(e.envid, "e1");
    std::string all;
    for (auto const& r : e.recipients) {
        all += r.address.text() + "(" + r.original.text() + ")" + r.destination +
               (r.notify.success ? " S" : "") + (r.notify.delay ? " D" : "") +
               (r.notify.never ? " N" : "") + (r.orcpt.empty() ? "" : " O") + "\n";
    }
    EXPECT_EQ(all,
              "alice@dawk.test(team@dawk.test)maildir:dawk.test D O\n"
              "bob@dawk.test(team@dawk.test)maildir:dawk.test D O\n"
              "x@far.test(team@dawk.test)mx:far.test D O\n"
              "root@dawk.test(root@dawk.test)maildir:dawk.test\n");
    EXPECT_EQ(e.trace.find("for <"), e.trace.npos) << "blind copies would be told";
    EXPECT_EQ(spool.disk()->due.size(), 3U);
    auto const& report = *sink.envelopes[1];  // RFC 3461 §5.2.7.3 (c)
    EXPECT_TRUE(report.reverse_path.is_null());
    ASSERT_EQ(report.recipients.size(), 1U);
    EXPECT_EQ(report.recipients[0].address.text(), "a@far.test");
    EXPECT_TRUE(report.recipients[0].notify.never);
    auto const& told = sink.contents[1];
    EXPECT_NE(told.find("Original-Envelope-Id: e1\r\n"), told.npos);
    EXPECT_NE(told.find("\r\nFinal-Recipient: rfc822; team@dawk.test\r\nAction: expanded\r\n"
                        "Status: 2."),
              told.npos)
        << told;
    EXPECT_NE(told.find("\r\nOriginal-Recipient: rfc822;t@x\r\n"), told.npos);
    for (char const* secret : {"alice", "bob", "x@far", "sales"})
        EXPECT_EQ(told.find(secret), told.npos) << secret;
}

TEST_F(ReceiverTest, WhoIsNamedTwiceGetsOneAndTheReportsOfBoth) {
    start();
    auto const notify = [&](std::string first, std::string second) {
        sink.envelopes.clear();
        run(25, {{"EHLO c\r\n"},
                 {"MAIL FROM:<a@far.test>\r\n"},
                 {"RCPT TO:<bob@dawk.test>" + first + "\r\n"},
                 {"RCPT TO:<bob@dawk.test>" + second + "\r\n"},
                 {"DATA\r\n"},
                 {".\r\n"}});
        EXPECT_EQ(sink.envelopes.at(0)->recipients.size(), 1U);
        return sink.envelopes.at(0)->recipients.at(0).notify;
    };
    EXPECT_TRUE(notify(" NOTIFY=NEVER", "").wants_failure());
    EXPECT_TRUE(notify("", " NOTIFY=NEVER").wants_failure());
    EXPECT_TRUE(notify(" NOTIFY=NEVER", " NOTIFY=NEVER").never);
    EXPECT_TRUE(notify("", "").is_unset());
    auto const both = notify(" NOTIFY=SUCCESS", " NOTIFY=FAILURE");
    EXPECT_TRUE(both.wants_success() && both.wants_failure() && !both.wants_delay());
}

TEST_F(ReceiverTest, OnlyWhoAskedHearsOfAnExpansion) {  // RFC 3461 §5.2.7.3
    start();
    auto const taken = [&](std::string from, std::string parameters) {
        sink.envelopes.clear();
        run(25, {{"EHLO c\r\n"},
                 {"MAIL FROM:<" + from + ">\r\n"},
                 {"RCPT TO:<team@dawk.test>" + parameters + "\r\n"},
                 {"DATA\r\n"},
                 {"Subject: x\r\n\r\n.\r\n"}});
        return sink.envelopes.size();
    };
    EXPECT_EQ(taken("a@far.test", ""), 1U);
    EXPECT_EQ(taken("a@far.test", " NOTIFY=FAILURE,DELAY"), 1U);
    EXPECT_EQ(taken("", " NOTIFY=SUCCESS"), 1U);
    EXPECT_EQ(taken("nobody@dawk.test", " NOTIFY=SUCCESS"), 1U) << "nobody is there to be told";
    EXPECT_EQ(taken("bob@dawk.test", " NOTIFY=SUCCESS"), 2U);
    EXPECT_EQ(log.count(envelope::Event::Kind::dsn_made), 1U);
}

TEST_F(ReceiverTest, SubmissionWantsTlsThenAPasswordThenYourOwnAddress) {
    start();
    auto const r = run(587, {ehlo,
                             {"MAIL FROM:<alice@dawk.test>\r\n"},
                             {"AUTH PLAIN AGFsaWNlQGRhd2sudGVzdABzZWNyZXQ=\r\n"},
                             {"STARTTLS\r\n"},
                             {"EHLO client.test\r\n", 1, true},
                             {"MAIL FROM:<alice@dawk.test>\r\n"},
                             {"AUTH PLAIN AGFsaWNlQGRhd2sudGVzdAB3cm9uZw==\r\n"},
                             {"AUTH PLAIN AGFsaWNlQGRhd2sudGVzdABzZWNyZXQ=\r\n"},
                             {"MAIL FROM:<bob@dawk.test>\r\n"},
                             {"MAIL FROM:<team@dawk.test>\r\nRSET\r\n", 2},
                             {"MAIL FROM:<alice+x@dawk.test>\r\nRSET\r\n", 2},
                             {"MAIL FROM:<Alice@DAWK.test>\r\n"},
                             {"RCPT TO:<x@far.test>\r\nRCPT TO:<bob@dawk.test>\r\nDATA\r\n", 3},
                             {"Bcc: hidden@far.test\r\nSubject: s\r\n\r\nx\r\n.\r\n"}});
    EXPECT_EQ(
        r.codes,
        "220 250 530/5.7.0 538/5.7.11 220/2.0.0 250 530/5.7.0 535/5.7.8 235/2.7.0 553/5.7.1 "
        "250/2.1.0 250/2.0.0 250/2.1.0 250/2.0.0 250/2.1.0 250/2.1.5 250/2.1.5 354 250/2.0.0");
    ASSERT_EQ(sink.envelopes.size(), 1U);
    auto const& e = *sink.envelopes[0];
    EXPECT_EQ(e.origin.identity, "alice@dawk.test");
    EXPECT_EQ(e.origin.protocol, "ESMTPSA");
    EXPECT_FALSE(e.origin.tls.empty());
    EXPECT_EQ(e.recipients[0].destination, "mx:far.test");
    std::string const& content = sink.contents[0];
    EXPECT_TRUE(content.starts_with("Subject: s\r\nFrom: <")) << content;
    EXPECT_NE(content.find("\r\nDate: "), content.npos);
    EXPECT_NE(content.find("\r\nMessage-ID: <" + e.id.text() + "@mx.dawk.test>\r\n\r\nx\r\n"),
              content.npos);
    EXPECT_EQ(content.find("hidden"), content.npos);
    EXPECT_EQ(e.content_size, content.size());
    EXPECT_EQ(log.count(envelope::Event::Kind::auth_failed), 1U);
    EXPECT_EQ(log.count(envelope::Event::Kind::auth_ok), 1U);
}

// Whose mail has a signature of ours: by listener, and by who logged in.
TEST_F(ReceiverTest, SignsForThoseWhoMay) {
    dkim::SigningKey key;
    key.domain = "dawk.test";
    key.selector = "s";
    key.key = std::make_shared<crypto::PrivateKey const>(
        crypto::PrivateKey::generate(crypto::KeyKind::ed25519));
    auto signing = std::make_shared<Signing>();
    signing->add(key);
    key.domain = "other.test";
    signing->add(key);
    settings.signing = signing;
    start();
    std::string const from_us = "From: alice@dawk.test\r\n\r\nx\r\n.\r\n";
    std::string const from_other = "From: x@other.test\r\n\r\nx\r\n.\r\n";
    Step const mail{"MAIL FROM:<alice@dawk.test>\r\nRCPT TO:<bob@dawk.test>\r\nDATA\r\n", 3};
    run(25, {ehlo, mail, {from_us}});
    run(2525, {ehlo, mail, {from_us}, mail, {from_other}});
    auto out = std::make_shared<Transcript>();
    group.spawn(talk(465,
                     {{"", 1, true},
                      ehlo,
                      {"AUTH PLAIN AGFsaWNlQGRhd2sudGVzdABzZWNyZXQ=\r\n"},
                      mail,
                      {from_us},
                      mail,
                      {from_other}},
                     out, "192.0.2.9"));
    world.run_for(1h);
    std::string all;
    for (auto const& envelope : sink.envelopes) {
        auto const trace = mail::HeaderSection::parse(envelope->trace).value();
        auto const signature = trace.value("DKIM-Signature");
        auto const d = signature.find("d=");
        all += d == signature.npos ? "-" : signature.substr(d, signature.find(';', d) - d);
        all += ' ';
    }
    EXPECT_EQ(all, "- d=dawk.test d=other.test d=dawk.test - ");
}

TEST_F(ReceiverTest, ImplicitTlsSpeaksFirstWithinTls) {  // RFC 8314 §3.3
    start();
    auto out = std::make_shared<Transcript>();
    group.spawn(talk(465,
                     {{"", 1, true},
                      {"EHLO c\r\n"},
                      {"AUTH LOGIN\r\n"},
                      {"YWxpY2VAZGF3ay50ZXN0\r\n"},
                      {"c2VjcmV0\r\n"},
                      {"MAIL FROM:<>\r\n"}},
                     out, "192.0.2.9"));
    world.run_for(1h);
    EXPECT_EQ(out->codes, "220 250 334 334 235/2.7.0 250/2.1.0");
}

// The client's side of RFC 5802 over the wire.
struct ScramLogin {
    std::string user, password;
    std::string first_bare() const { return "n=" + user + ",r=abc"; }
    std::string final(std::string const& server_first) const {
        std::string const nonce = server_first.substr(0, server_first.find(','));
        std::size_t const salt_at = server_first.find(",s=") + 3;
        std::size_t const count_at = server_first.find(",i=");
        auto const salt = base64::decode(server_first.substr(salt_at, count_at - salt_at)).value();
        auto const count =
            static_cast<std::uint32_t>(std::stoul(server_first.substr(count_at + 3)));
        auto const salted = crypto::pbkdf2(crypto::Hash::sha256, password, salt, count, 32);
        auto const key = crypto::hmac(crypto::Hash::sha256, salted, "Client Key");
        auto const stored = crypto::digest(crypto::Hash::sha256, key);
        std::string const without_proof = "c=biws," + nonce;
        auto proof = crypto::hmac(crypto::Hash::sha256, stored,
                                  first_bare() + "," + server_first + "," + without_proof);
        for (std::size_t i = 0; i < proof.size(); ++i)
            proof[i] = static_cast<char>(proof[i] ^ key[i]);
        return without_proof + ",p=" + base64::encode(proof);
    }
};

TEST_F(ReceiverTest, LogsInByScram) {  // RFC 7677
    start();
    auto const attempt = [&](ScramLogin login) {
        auto out = std::make_shared<Transcript>();
        Step final{"", 1};
        final.answer = [login, out] {
            return base64::encode(login.final(base64::decode(out->last).value())) + "\r\n";
        };
        std::vector<Step> steps{{"", 1, true}, {"EHLO c\r\n"}};
        steps.push_back(
            {"AUTH SCRAM-SHA-256 " + base64::encode("n,," + login.first_bare()) + "\r\n"});
        steps.push_back(final);
        steps.push_back({"\r\n"});
        group.spawn(talk(465, steps, out, "192.0.2.9"));
        world.run_for(1h);
        return out->codes;
    };
    EXPECT_EQ(attempt({"alice@dawk.test", "secret"}), "220 250 334 334 235/2.7.0");
    EXPECT_EQ(attempt({"off@dawk.test", "secret"}), "220 250 334 334 525/5.7.13");
    EXPECT_EQ(attempt({"alice@dawk.test", "wrong"}), "220 250 334 535/5.7.8 500/5.5.1");
    EXPECT_EQ(attempt({"nobody@dawk.test", "secret"}), "220 250 334 535/5.7.8 500/5.5.1");
}

TEST_F(ReceiverTest, SubmissionKeepsWhatIsThere) {
    start();
    std::string const header =
        "From: <alice@dawk.test>\r\nDate: Sun, 22 Nov 2026 06:33:00 +0000\r\nmessage-id: "
        "<1@c>\r\n";
    // Cut so that the header's end falls between two reads.
    run(465, {});
    auto out = std::make_shared<Transcript>();
    group.spawn(talk(465,
                     {{"", 1, true},
                      {"EHLO c\r\n"},
                      {"AUTH PLAIN AGFsaWNlQGRhd2sudGVzdABzZWNyZXQ=\r\n"},
                      {"MAIL FROM:<alice@dawk.test>\r\nRCPT TO:<bob@dawk.test>\r\nDATA\r\n", 3},
                      {header + "\r", 0},
                      {"\nbody\r\n.", 0, false, 1s},
                      {"\r\n", 1, false, 1s}},
                     out, "192.0.2.9"));
    world.run_for(1h);
    ASSERT_EQ(sink.contents.size(), 1U) << out->codes;
    EXPECT_EQ(sink.contents[0], header + "\r\nbody\r\n");
}

TEST_F(ReceiverTest, RelayServesItsNetworksOnly) {
    start();
    EXPECT_EQ(run(2525, {}, "192.0.2.10").codes, "554/5.7.1");
    EXPECT_EQ(codes(2525, {ehlo,
                           {"MAIL FROM:<a@any.test>\r\n"},
                           {"RCPT TO:<x@far.test>\r\n"},
                           {"RCPT TO:<nobody@dawk.test>\r\n"}}),
              "220 250 250/2.1.0 250/2.1.5 550/5.1.1");
}

TEST_F(ReceiverTest, SpoolTroubleIsTemporaryAndLosesNothing) {
    start();
    Step const group1{"MAIL FROM:<>\r\nRCPT TO:<alice@dawk.test>\r\nDATA\r\n", 3};
    spool.fail_next(spool::MemSpool::Op::commit, Errc::io_error);
    EXPECT_EQ(codes(25, {ehlo, group1, {"a: b\r\n\r\nx\r\n.\r\n"}}),
              "220 250 250/2.1.0 250/2.1.5 354 451/4.3.0");
    spool.fail_next(spool::MemSpool::Op::write, Errc::no_space);
    EXPECT_EQ(codes(25, {ehlo, group1, {"a: b\r\n\r\nx\r\n.\r\n"}, {"NOOP\r\n"}}),
              "220 250 250/2.1.0 250/2.1.5 354 452/4.3.1 250/2.0.0");
    spool.fail_next(spool::MemSpool::Op::finish, Errc::io_error);
    EXPECT_EQ(codes(25, {ehlo, group1, {"a: b\r\n\r\nx\r\n.\r\n"}}),
              "220 250 250/2.1.0 250/2.1.5 354 451/4.3.0");
    EXPECT_EQ(log.count(envelope::Event::Kind::spool_trouble), 3U);
    EXPECT_TRUE(sink.envelopes.empty());
    EXPECT_TRUE(spool.disk()->envelopes.empty());
    spool.set_trouble(Errc::no_space);
    EXPECT_EQ(codes(25, {ehlo, {"MAIL FROM:<>\r\n"}}), "220 250 452/4.3.1");
    spool.set_trouble({});
    EXPECT_EQ(codes(25, {ehlo, group1, {".\r\n"}}), "220 250 250/2.1.0 250/2.1.5 354 250/2.0.0");
}

TEST_F(ReceiverTest, DurabilityMemoryAnswersBeforeTheCommitAndStillCommits) {
    settings.listeners[0].durability = Durability::memory;
    start();
    spool.fail_next(spool::MemSpool::Op::commit, Errc::io_error, 2);
    EXPECT_EQ(
        codes(25, {ehlo, {"MAIL FROM:<>\r\nRCPT TO:<alice@dawk.test>\r\nDATA\r\n", 3}, {".\r\n"}}),
        "220 250 250/2.1.0 250/2.1.5 354 250/2.0.0");
    EXPECT_EQ(sink.envelopes.size(), 1U);
    EXPECT_EQ(spool.disk()->envelopes.size(), 1U);
}

// The disk refuses when the server is told to stop, and recovers some seconds later.
TEST_F(ReceiverTest, WhatWasAcknowledgedTooEarlyIsCommittedBeforeTheEnd) {
    settings.listeners[0].durability = Durability::memory;
    start();
    spool.fail_next(spool::MemSpool::Op::commit, Errc::io_error, 5);
    std::vector<Step> const steps{
        {"EHLO c\r\n"}, {"MAIL FROM:<a@far.test>\r\n"}, {"RCPT TO:<alice@dawk.test>\r\n"},
        {"DATA\r\n"},   {"Subject: x\r\n\r\n.\r\n"},    {"QUIT\r\n"}};
    auto const out = begin(25, steps);
    world.run_for(500ms);
    ASSERT_TRUE(out->done) << out->codes;
    ASSERT_TRUE(spool.disk()->envelopes.empty());
    stop();
    EXPECT_EQ(spool.disk()->envelopes.size(), 1U);
    EXPECT_EQ(sink.envelopes.size(), 1U);
}

TEST_F(ReceiverTest, WhatCannotBeCommittedAtTheEndIsSaid) {
    settings.listeners[0].durability = Durability::memory;
    start();
    std::vector<Step> const steps{
        {"EHLO c\r\n"}, {"MAIL FROM:<a@far.test>\r\n"}, {"RCPT TO:<alice@dawk.test>\r\n"},
        {"DATA\r\n"},   {"Subject: x\r\n\r\n.\r\n"},    {"QUIT\r\n"}};
    spool.fail_next(spool::MemSpool::Op::commit, Errc::io_error, 1'000'000);
    run(25, steps);
    stop();
    EXPECT_TRUE(spool.disk()->envelopes.empty());
    ASSERT_EQ(log.count(envelope::Event::Kind::spool_trouble), 1U);
    EXPECT_FALSE(log.events.back().id.is_null());
}

TEST_F(ReceiverTest, ManyRecipientsAreEachKeptOnce) {
    start();
    std::vector<Step> steps{ehlo, {"MAIL FROM:<>\r\n"}};
    for (int i = 0; i < 200; ++i) {
        steps.push_back({"RCPT TO:<x" + std::to_string(i % 100) + "@far.test>\r\n"});
    }
    steps.push_back({"RCPT TO:<alice@dawk.test>\r\nRCPT TO:<sales@dawk.test>\r\n", 2});
    steps.push_back({"DATA\r\n"});
    steps.push_back({".\r\n"});
    run(2525, steps);
    ASSERT_EQ(sink.envelopes.size(), 1U);
    EXPECT_EQ(sink.envelopes[0]->recipients.size(), 101U);
}

TEST_F(ReceiverTest, ARefusedOrBrokenOffContentIsToldOnce) {
    start();
    Step const open{"MAIL FROM:<a@far.test>\r\nRCPT TO:<alice@dawk.test>\r\nDATA\r\n", 3};
    run(25, {ehlo, open, {"a\nb\r\n.\r\n"}});
    ASSERT_EQ(log.count(envelope::Event::Kind::refused), 1U);
    EXPECT_EQ(log.events.back().outcome.code, 550);
    EXPECT_EQ(log.events.back().sender, "a@far.test");
    run(25, {ehlo, open, {"a", 0}});
    EXPECT_EQ(log.count(envelope::Event::Kind::refused), 1U);
    EXPECT_EQ(log.count(envelope::Event::Kind::session_error), 1U);
}

TEST_F(ReceiverTest, JudgesTheHeader) {
    settings.limits.smtp.hops = 3;
    settings.limits.smtp.header_bytes = 2000;
    start();
    auto const send = [&](std::string const& content) {
        auto const r = codes(25, {ehlo,
                                  {"MAIL FROM:<>\r\nRCPT TO:<alice@dawk.test>\r\nDATA\r\n", 3},
                                  {content + "\r\n.\r\n"}});
        return r.substr(r.rfind(' ') + 1);
    };
    EXPECT_EQ(send("Received: 1\r\nReceived: 2\r\n\r\nx"), "250/2.0.0");
    EXPECT_EQ(sink.envelopes[0]->hops, 2U);
    EXPECT_EQ(send("Received: 1\r\nReceived: 2\r\nReceived: 3\r\n\r\nx"), "554/5.4.6");
    EXPECT_EQ(send("From: a@b\r\nFrom: c@d\r\n\r\nx"), "550/5.6.0");
    EXPECT_EQ(send("From: a@b\r\nBad header\r\n\r\nx"), "550/5.6.0");
    EXPECT_EQ(send("X: " + std::string(1900, 'x') + "\r\n\r\nx"), "250/2.0.0");
    EXPECT_EQ(send("X: " + std::string(2100, 'x') + "\r\n\r\nx"), "552/5.3.4");
    EXPECT_EQ(send("no header at all"), "250/2.0.0");
    EXPECT_TRUE(sink.envelopes.back()->trace.ends_with("\r\n\r\n"));
}

TEST_F(ReceiverTest, SizeLimitWhileReading) {
    settings.limits.smtp.message_size_bytes = 100'000;
    start();
    EXPECT_EQ(codes(25, {ehlo,
                         {"MAIL FROM:<>\r\nRCPT TO:<alice@dawk.test>\r\nDATA\r\n", 3},
                         {"\r\n" + std::string(100'000, 'x') + "\r\n.\r\n"},
                         {"MAIL FROM:<>\r\nRCPT TO:<alice@dawk.test>\r\nDATA\r\n", 3},
                         {"\r\n" + std::string(99'996, 'x') + "\r\n.\r\n"}}),
              "220 250 250/2.1.0 250/2.1.5 354 552/5.3.4 250/2.1.0 250/2.1.5 354 250/2.0.0");
    EXPECT_EQ(sink.envelopes[0]->content_size, 100'000U);
}

TEST_F(ReceiverTest, IdleClientsAreSentAway) {  // RFC 5321 §4.5.3.2.7
    start();
    auto const r = run(25, {ehlo, {"", 1}});
    EXPECT_EQ(r.codes, "220 250 421/4.4.2");
    auto const trickle =
        run(25, {ehlo, {"N", 0}, {"O", 0, false, 4min}, {"O", 0, false, 2min}, {"P", 1}});
    EXPECT_EQ(trickle.codes, "220 250 421/4.4.2");
    auto const content = run(25, {ehlo,
                                  {"MAIL FROM:<>\r\nRCPT TO:<alice@dawk.test>\r\nDATA\r\n", 3},
                                  {"x", 0},
                                  {"y", 1, false, 170s}});
    EXPECT_EQ(content.codes, "220 250 250/2.1.0 250/2.1.5 354 421/4.4.2");
    EXPECT_EQ(receiver->counts().open, 0U);
}

TEST_F(ReceiverTest, TheHandshakeOfTlsDoesNotShortenTheTimeForTheNextCommand) {
    start();
    Step const starttls{"STARTTLS\r\n"}, handshake{"", 0, true};
    auto const late = run(25, {ehlo, starttls, handshake, {"EHLO c\r\n", 1, false, 290s}});
    EXPECT_EQ(late.codes, "220 250 220/2.0.0 250");
    auto const silent = run(25, {ehlo, starttls, handshake, {"", 1}});
    EXPECT_EQ(silent.codes, "220 250 220/2.0.0 421/4.4.2");
}

TEST_F(ReceiverTest, ATransactionHasAnEnd) {
    settings.server_timeouts.transaction = 600s;
    start();
    std::vector<Step> steps{ehlo, {"MAIL FROM:<>\r\nRCPT TO:<alice@dawk.test>\r\nDATA\r\n", 3}};
    for (int i = 0; i < 20; ++i) steps.push_back({"x\r\n", 0, false, 60s});
    steps.push_back({"", 1});
    auto const begun = world.steady();
    auto const out = begin(25, steps);
    world.run_until_true([&] { return !receiver->counts().open && receiver->counts().connections; },
                         3h);
    EXPECT_LT(world.steady() - begun, 700s);
    EXPECT_GT(world.steady() - begun, 590s);
    EXPECT_TRUE(sink.envelopes.empty());
}

TEST_F(ReceiverTest, LimitsOfConnections) {
    settings.limits.connections = 3;
    settings.limits.connections_per_address = 2;
    start();
    auto const a = begin(25, {ehlo, {"", 1}});
    auto const b = begin(25, {ehlo, {"", 1}});
    world.run_for(10s);
    auto const c = begin(25, {ehlo, {"", 1}});
    auto const d = begin(25, {ehlo, {"", 1}}, "192.0.2.10");
    world.run_for(10s);
    EXPECT_EQ(c->codes, "421/4.7.0");
    EXPECT_EQ(d->codes, "220 250");
    auto const e = begin(25, {ehlo, {"", 1}}, "192.0.2.10");
    world.run_for(10s);
    EXPECT_EQ(e->codes, "421/4.7.0");
    EXPECT_EQ(receiver->counts().open, 3U);
    EXPECT_EQ(receiver->counts().turned_away, 2U);
    world.run_for(1h);
    EXPECT_EQ(receiver->counts().open, 0U);
    EXPECT_EQ(codes(25, {ehlo}), "220 250");
}

TEST_F(ReceiverTest, StopFinishesTransactionsAndSends421ToTheRest) {  // RFC 5321 §3.8
    start();
    auto const idle = begin(25, {ehlo, {"", 1}});
    auto const busy = begin(25, {ehlo,
                                 {"MAIL FROM:<>\r\nRCPT TO:<alice@dawk.test>\r\nDATA\r\n", 3},
                                 {"a: b\r\n\r\n.\r\n", 2, false, 20s}});
    auto const slow = begin(25, {ehlo, {"MAIL FROM:<>\r\n"}, {"", 1}});
    world.run_for(10s);
    group.spawn(stopping());
    world.run_for(5s);
    EXPECT_EQ(idle->codes, "220 250 421/4.3.2");
    world.run_for(20s);
    EXPECT_EQ(busy->codes, "220 250 250/2.1.0 250/2.1.5 354 250/2.0.0 421/4.3.2");
    world.run_for(1min);
    EXPECT_EQ(slow->codes, "220 250 250/2.1.0 421/4.3.2");
    EXPECT_EQ(sink.envelopes.size(), 1U);
    EXPECT_EQ(group.size(), 0U);
}

TEST_F(ReceiverTest, AReloadIsForNewSessions) {
    start();
    auto const old = begin(25, {ehlo, {"MAIL FROM:<> SIZE=1000\r\n", 1, false, 10s}});
    world.run_for(5s);
    settings.limits.smtp.message_size_bytes = 10;
    settings.listeners.erase(settings.listeners.begin() + 1, settings.listeners.end());
    settings.listeners.push_back({.address = "192.0.2.1:26"});
    ASSERT_TRUE(receiver->configure(std::make_shared<Settings const>(settings), nullptr));
    ASSERT_TRUE(receiver->open(false));
    world.run_for(10s);
    EXPECT_EQ(old->codes, "220 250 250/2.1.0");
    EXPECT_EQ(codes(25, {ehlo, {"MAIL FROM:<> SIZE=1000\r\n"}}), "220 250 552/5.3.4");
    EXPECT_EQ(codes(26, {ehlo, {"STARTTLS\r\n"}}), "220 250 502/5.5.1");
    EXPECT_EQ(run(587, {}).ended, "Connection refused");
    EXPECT_EQ(receiver->endpoints().size(), 2U);
}

TEST_F(ReceiverTest, ABadReloadChangesNothing) {
    start();
    Settings bad = settings;
    bad.listeners[0].allow = {"not a network"};
    EXPECT_FALSE(receiver->configure(std::make_shared<Settings const>(bad), nullptr));
    EXPECT_EQ(codes(25, {ehlo, {"STARTTLS\r\n"}}), "220 250 220/2.0.0");
}

TEST_F(ReceiverTest, ManyClientsOnABadNetworkLoseNothing) {
    start();
    internet.faults().read_max = 3;
    internet.faults().reset = 0.01;
    std::vector<std::shared_ptr<Transcript>> all;
    for (int i = 0; i < 100; ++i) {
        all.push_back(begin(
            25, {ehlo,
                 {"MAIL FROM:<>\r\nRCPT TO:<alice@dawk.test>\r\nDATA\r\n", 3},
                 {"n: " + std::to_string(i) + "\r\n\r\n" + std::string(500, 'x') + "\r\n.\r\n"},
                 {"QUIT\r\n"}}));
    }
    world.run_for(3h);
    std::size_t confirmed = 0;
    for (auto const& t : all) confirmed += t->codes.find("354 250") != t->codes.npos ? 1 : 0;
    EXPECT_GT(confirmed, 50U);
    EXPECT_LT(confirmed, 100U);
    EXPECT_GE(spool.disk()->envelopes.size(), confirmed);
    EXPECT_EQ(spool.disk()->envelopes.size(), sink.envelopes.size());
    EXPECT_EQ(receiver->counts().open, 0U);
}

}  // namespace
}  // namespace dawk::mta
