#include "dawk/smtp/server_session.hpp"

#include <gtest/gtest.h>

#include "dawk/base/base64.hpp"
#include "dawk/smtp/session_peer.hpp"

namespace dawk::smtp {
namespace {

using namespace std::string_literals;

ServerConfig const& config() {
    static ServerConfig const shared = [] {
        ServerConfig c;
        c.hostname = "mx.example.org";
        c.starttls = true;
        c.auth = true;
        return c;
    }();
    return shared;
}

// The codes of all replies in wire: "220 250 250"; the status too where asked.
std::string codes(std::string_view wire, bool with_status = false) {
    std::string out;
    while (!wire.empty()) {
        ReplyParser parser;
        wire.remove_prefix(parser.feed(wire));
        if (parser.state() != ReplyParser::State::complete) return out + " BAD";
        Reply const reply = parser.take();
        if (!out.empty()) out += ' ';
        out += std::to_string(reply.code);
        if (with_status && !reply.status.empty()) out += '/' + reply.status;
    }
    return out;
}

struct Run {
    std::string output;
    std::vector<std::string> messages, notes;
    bool closed;
    bool operator==(Run const&) const = default;
};

// A dialog of groups: each group is one read; between groups the client has waited for replies.
Run run(ServerConfig const& c, bool tls, std::string_view greeting, std::string_view rest,
        std::size_t cut, std::size_t step) {
    SessionPeer peer(c, tls);
    peer.feed(greeting);
    peer.feed(rest.substr(0, cut));
    peer.feed(rest.substr(std::min(cut, rest.size())), step);
    return {peer.take(), peer.messages, peer.notes, peer.closed()};
}

// Whole, at every cut, octet by octet: the same.
Run run_all_ways(ServerConfig c, bool tls, std::string_view greeting, std::string_view rest) {
    c.strict_pipelining = false;
    Run const whole = run(c, tls, greeting, rest, rest.size(), 1);
    for (std::size_t cut = 1; cut < rest.size(); ++cut) {
        EXPECT_TRUE(run(c, tls, greeting, rest, cut, rest.size()) == whole) << "cut at " << cut;
    }
    EXPECT_TRUE(run(c, tls, greeting, rest, 0, 1) == whole);
    return whole;
}

std::string dialog(std::string_view rest, ServerConfig const& c = config(), bool tls = false) {
    return codes(run_all_ways(c, tls, "EHLO client.example\r\n", rest)
                     .output.substr(("220 mx.example.org ESMTP Dawk\r\n"s).size()));
}

constexpr std::string_view envelope = "MAIL FROM:<a@b.org>\r\nRCPT TO:<c@d.org>\r\n";

TEST(ServerSession, GreetsAndListsExtensions) {
    SessionPeer peer(config(), false);
    EXPECT_EQ(peer.take(), "220 mx.example.org ESMTP Dawk\r\n");
    peer.feed("EHLO client.example\r\n");
    EXPECT_EQ(
        peer.take(),
        "250-mx.example.org\r\n250-PIPELINING\r\n250-SIZE 104857600\r\n250-8BITMIME\r\n"
        "250-ENHANCEDSTATUSCODES\r\n250-DSN\r\n250-SMTPUTF8\r\n250-CHUNKING\r\n250-STARTTLS\r\n"
        "250-LIMITS RCPTMAX=1000\r\n250 HELP\r\n");
    peer.feed("HELO client.example\r\n");
    EXPECT_EQ(peer.take(), "250 mx.example.org\r\n");
}

TEST(ServerSession, OffersAuthOnlyWithinTls) {  // RFC 4954 §4, RFC 3207 §4.2
    SessionPeer peer(config(), true);
    peer.feed("EHLO c\r\n");
    std::string const out = peer.take();
    EXPECT_NE(out.find("250-AUTH SCRAM-SHA-256 PLAIN LOGIN\r\n"), out.npos);
    EXPECT_EQ(out.find("STARTTLS"), out.npos);
}

TEST(ServerSession, TakesAMessageInOneGroup) {  // RFC 2920
    auto const r =
        run_all_ways(config(), false, "EHLO c\r\n",
                     "MAIL FROM:<a@b.org>\r\nRCPT TO:<c@d.org>\r\nRCPT TO:<unknown@d.org>\r\n"
                     "DATA\r\nSubject: x\r\n\r\n..dot\r\n.\r\nQUIT\r\n");
    EXPECT_EQ(codes(r.output, true),
              "220 250 250/2.1.0 250/2.1.5 550/5.1.1 354 250/2.0.0 221/2.0.0");
    EXPECT_EQ(r.messages, std::vector<std::string>{"Subject: x\r\n\r\n.dot\r\n"});
    EXPECT_TRUE(r.closed);
}

TEST(ServerSession, RefusesWrongOrder) {  // RFC 5321 §4.1.4
    SessionPeer fresh(config(), false);
    fresh.take();
    for (std::string_view early : {"MAIL FROM:<>\r\n", "RCPT TO:<a@b.org>\r\n", "DATA\r\n",
                                   "STARTTLS\r\n", "AUTH PLAIN\r\n"}) {
        fresh.feed(early);
        EXPECT_EQ(codes(fresh.take(), true), "503/5.5.1") << early;
    }
    fresh.feed("NOOP\r\n");
    fresh.feed("RSET\r\n");
    fresh.feed("HELP\r\n");
    fresh.feed("VRFY a\r\n");
    fresh.feed("EXPN a\r\n");
    EXPECT_EQ(codes(fresh.take()), "250 250 214 252 550");
    EXPECT_EQ(dialog("RCPT TO:<a@b.org>\r\nDATA\r\n"), "250 503 503");
    EXPECT_EQ(dialog("MAIL FROM:<>\r\nDATA\r\nMAIL FROM:<>\r\n"), "250 250 503 503");
    EXPECT_EQ(dialog("MAIL FROM:<>\r\nRCPT TO:<unknown@d.org>\r\nDATA\r\nRSET\r\n"),
              "250 250 550 503 250");
}

TEST(ServerSession, HelloResetsOnlyWhenAccepted) {  // RFC 5321 §4.1.4
    EXPECT_EQ(dialog(std::string(envelope) + "EHLO\r\nRCPT TO:<x@y.org>\r\n"),
              "250 250 250 501 250");
    EXPECT_EQ(dialog(std::string(envelope) + "EHLO again\r\nRCPT TO:<x@y.org>\r\n"),
              "250 250 250 250 503");
    EXPECT_EQ(dialog(std::string(envelope) + "RSET\r\nRCPT TO:<x@y.org>\r\n"),
              "250 250 250 250 503");
}

TEST(ServerSession, AnswersTheSmallCommands) {
    auto const r =
        run_all_ways(config(), false, "EHLO c\r\n",
                     "NOOP what ever\r\nVRFY a@b\r\nVRFY\r\nEXPN list\r\nHELP\r\nRSET x\r\n"
                     "QUIT now\r\nWHATISTHIS\r\nMAIL LALA:<>\r\n\x01NOOP\r\n\r\n");
    EXPECT_EQ(
        codes(r.output, true),
        "220 250 250/2.0.0 252/2.5.0 501/5.5.4 550/5.7.2 214/2.0.0 501/5.5.4 501/5.5.4 500/5.5.1 "
        "501/5.5.4 500/5.5.2 500/5.5.1");
}

TEST(ServerSession, HeloKnowsNoParameters) {
    auto const r = run_all_ways(config(), false, "HELO c\r\n",
                                "MAIL FROM:<> SIZE=1\r\nMAIL FROM:<>\r\nBDAT 1\r\n");
    EXPECT_EQ(codes(r.output), "220 250 555 250 502");
    EXPECT_TRUE(r.closed);
}

TEST(ServerSession, BareLineEndInCommandCloses) {  // CVE-2023-51764 and kin
    for (std::string_view bad : {"NOOP\n", "NOOP\rQUIT\r\n", "NOOP\r\r\n", "\n", "\r\r\n"}) {
        auto const r = run_all_ways(config(), false, "EHLO c\r\n", std::string(bad) + "NOOP\r\n");
        EXPECT_EQ(codes(r.output, true), "220 250 550/5.5.2") << bad;
        EXPECT_TRUE(r.closed);
    }
}

TEST(ServerSession, BareLineEndInContentRefusesItAndCloses) {
    for (std::string_view bad :
         {"a\n.\nMAIL FROM:<x@y.org>\r\n", "a\r\n.\r\r\n", "a\rb\r\n", "\r.\r\n"}) {
        auto const r = run_all_ways(config(), false, "EHLO c\r\n",
                                    std::string(envelope) + "DATA\r\n" + std::string(bad) +
                                        "\r\n.\r\nMAIL FROM:<smuggled@y.org>\r\n");
        EXPECT_EQ(codes(r.output, true), "220 250 250/2.1.0 250/2.1.5 354 550/5.5.2") << bad;
        EXPECT_TRUE(r.messages.empty());
        EXPECT_TRUE(r.closed);
        EXPECT_EQ(r.notes.back(), "drop");
    }
}

TEST(ServerSession, LineLimitIsExact) {
    ServerConfig c = config();
    c.limits.command_line_bytes = 32;
    EXPECT_EQ(dialog("NOOP " + std::string(25, 'x') + "\r\n", c), "250 250");
    EXPECT_EQ(dialog("NOOP " + std::string(26, 'x') + "\r\nNOOP\r\n", c), "250 500 250");
    EXPECT_EQ(dialog("NOOP " + std::string(99, 'x') + "\nNOOP\r\n", c), "250 550");
    EXPECT_EQ(dialog("NOOP x\ry" + std::string(99, 'x') + "\r\nNOOP\r\n", c), "250 500 250");
}

TEST(ServerSession, EndlessLineHangsUp) {
    SessionPeer peer(config(), false);
    for (int i = 0; i < 40 && !peer.closed(); ++i) peer.feed(std::string(1U << 16U, 'x'));
    EXPECT_TRUE(peer.closed());
    EXPECT_EQ(codes(peer.take()), "220 421");
}

TEST(ServerSession, SizeLimitAtMailAndWhileReading) {  // RFC 1870 §6.1, §6.3
    ServerConfig c = config();
    c.limits.message_size_bytes = 20;
    EXPECT_EQ(dialog("MAIL FROM:<> SIZE=21\r\nMAIL FROM:<> SIZE=20\r\n", c), "250 552 250");
    auto const send = [&](std::string_view text) {
        return dialog(std::string(envelope) + "DATA\r\n" + std::string(text) + ".\r\nNOOP\r\n", c);
    };
    EXPECT_EQ(send("..2345678901234567\r\n"),
              "250 250 250 354 250 250");  // the stuffed dot is free
    EXPECT_EQ(send("1234567890123456789\r\n"), "250 250 250 354 552 250");
}

TEST(ServerSession, RecipientLimit) {  // RFC 5321 §4.5.3.1.10
    ServerConfig c = config();
    c.limits.recipients = 2;
    EXPECT_EQ(
        dialog("MAIL FROM:<>\r\nRCPT TO:<a@b.org>\r\nRCPT TO:<a@b.org>\r\nRCPT TO:<a@b.org>\r\n"
               "RSET\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.org>\r\n",
               c),
        "250 250 250 250 452 250 250 250");
}

TEST(ServerSession, ErrorsEndTheSession) {
    ServerConfig c = config();
    c.limits.errors = 3;
    EXPECT_EQ(dialog("X\r\nX\r\nX\r\nX\r\n", c), "250 500 500 421");
    c.limits.unknown_recipients = 2;
    EXPECT_EQ(dialog("MAIL FROM:<>\r\nRCPT TO:<unknown@x.org>\r\nRCPT TO:<later@x.org>\r\n"
                     "RCPT TO:<unknown@x.org>\r\nNOOP\r\n",
                     c),
              "250 250 550 450 421");
    c.limits.transactions = 1;
    EXPECT_EQ(dialog("MAIL FROM:<>\r\nRSET\r\nMAIL FROM:<>\r\n", c), "250 250 250 421");
}

TEST(ServerSession, RefusedSenderAndContentLeaveAUsableSession) {
    EXPECT_EQ(
        dialog(
            "MAIL FROM:<refused@b.org>\r\nMAIL FROM:<full@b.org>\r\nRCPT TO:<a@b.org>\r\nDATA\r\n"
            "NOOP\r\n"),
        "250 550 250 250 452 250");
    EXPECT_EQ(dialog(std::string(envelope) + "DATA\r\ndisk-full\r\nmore\r\n.\r\nNOOP\r\n"),
              "250 250 250 354 452 250");
}

TEST(ServerSession, ForeignProtocolIsCutOff) {  // ALPACA
    SessionPeer peer(config(), true);
    peer.feed("POST / HTTP/1.1\r\nHost: x\r\n\r\nMAIL FROM:<a@b.org>\r\n");
    EXPECT_EQ(codes(peer.take(), true), "220 554/5.5.0");
    EXPECT_TRUE(peer.closed());
    EXPECT_TRUE(peer.notes.empty());
}

TEST(ServerSession, PipeliningWithoutLeaveIsCutOff) {  // RFC 2920 §3.1
    auto const first = [](std::vector<std::string_view> reads) {
        SessionPeer peer(config(), false);
        for (auto const r : reads) peer.feed(r);
        return codes(peer.take());
    };
    EXPECT_EQ(first({"EHLO c\r\nMAIL FROM:<>\r\n"}), "220 554");
    EXPECT_EQ(first({"EHLO c\r\n", "EHLO c\r\nMAIL FROM:<>\r\n"}), "220 250 554");
    EXPECT_EQ(first({"EHLO c\r\n", "HELO c\r\nMAIL FROM:<>\r\n"}), "220 250 554");
    EXPECT_EQ(first({"HELO c\r\n", "MAIL FROM:<>\r\nRCPT TO:<a@b.org>\r\n"}), "220 250 554");
    EXPECT_EQ(first({"EHLO c\r\n", envelope, "DATA\r\nSubject: x\r\n"}), "220 250 250 250 554");
    EXPECT_EQ(first({"EHLO c\r\n", envelope, "DATA\r\n", "x\r\n.\r\nNOOP\r\n"}),
              "220 250 250 250 354 250 250");
}

TEST(ServerSession, NothingSurvivesStarttls) {  // RFC 3207 §4.2, CVE-2011-0411
    SessionPeer injected(config(), false);
    injected.feed("EHLO c\r\n");
    injected.feed("STARTTLS\r\nMAIL FROM:<evil@b.org>\r\n");
    EXPECT_EQ(codes(injected.take()), "220 250 554");
    EXPECT_TRUE(injected.closed());
    EXPECT_TRUE(injected.notes.empty());

    SessionPeer peer(config(), false);
    peer.feed("EHLO c\r\n");
    peer.feed("MAIL FROM:<a@b.org>\r\n");
    peer.take();
    peer.feed("STARTTLS\r\n");
    peer.feed("RCPT TO:<c@d.org>\r\n");
    peer.feed("MAIL FROM:<a@b.org>\r\n");
    EXPECT_EQ(codes(peer.take()), "220 503 503");
    EXPECT_EQ(peer.session.client_name(), "");
    peer.feed("EHLO c\r\n");
    std::string const out = peer.take();
    EXPECT_EQ(out.find("STARTTLS"), out.npos);
    peer.feed("STARTTLS\r\n");
    EXPECT_EQ(codes(peer.take()), "503");
}

TEST(ServerSession, StarttlsRefusals) {
    EXPECT_EQ(dialog("STARTTLS now\r\n"), "250 501");
    ServerConfig c = config();
    c.starttls = false;
    EXPECT_EQ(dialog("STARTTLS\r\n", c), "250 502");
}

TEST(ServerSession, RequiredTlsAndAuth) {  // RFC 3207 §4, RFC 4954 §6
    ServerConfig c = config();
    c.require_tls = c.require_auth = true;
    EXPECT_EQ(dialog("MAIL FROM:<>\r\nVRFY x\r\nDATA\r\nNOOP\r\nRSET\r\nAUTH PLAIN\r\n", c),
              "250 530 530 530 250 250 538");
    EXPECT_EQ(dialog("MAIL FROM:<>\r\nAUTH PLAIN AGEAc2VjcmV0\r\nMAIL FROM:<>\r\n", c, true),
              "250 530 235 250");
}

TEST(ServerSession, AuthPlain) {
    auto const r = run_all_ways(config(), true, "EHLO c\r\n",
                                "AUTH PLAIN\r\nAGEAc2VjcmV0\r\nAUTH PLAIN\r\nMAIL FROM:<>\r\n");
    EXPECT_EQ(codes(r.output, true), "220 250 334 235/2.7.0 503/5.5.1 250/2.1.0");
    EXPECT_EQ(r.notes.front(), "AUTH a");
    SessionPeer peer(config(), true);
    peer.feed("EHLO c\r\n");
    peer.feed("AUTH PLAIN AGEAc2VjcmV0\r\n");
    EXPECT_EQ(peer.session.identity(), "a");
    peer.feed("MAIL FROM:<a@b.org> SMTPUTF8 AUTH=e+3D@x\r\n");
    EXPECT_EQ(peer.session.protocol(), "UTF8SMTPSA");
    EXPECT_EQ(codes(peer.take()), "220 250 235 250");
}

TEST(ServerSession, AuthLogin) {
    auto const r = run_all_ways(config(), true, "EHLO c\r\n",
                                "AUTH LOGIN\r\nYQ==\r\nc2VjcmV0\r\nRSET\r\nMAIL FROM:<>\r\n");
    EXPECT_NE(r.output.find("334 VXNlcm5hbWU6\r\n334 UGFzc3dvcmQ6\r\n235 "), r.output.npos);
    EXPECT_EQ(dialog("AUTH LOGIN YQ==\r\nc2VjcmV0\r\n", config(), true), "250 334 235");
}

TEST(ServerSession, AuthScramAsksForKeysAndRefusesAFalseProof) {  // RFC 5802
    std::string const first = base64::encode("n,,n=a,r=x");
    SessionPeer peer(config(), true);
    peer.feed("EHLO c\r\n");
    peer.feed("AUTH SCRAM-SHA-256 " + first + "\r\n");
    EXPECT_EQ(peer.notes.back(), "KEYS a");
    std::string const out = peer.take();
    std::size_t const at = out.rfind("334 ") + 4;
    std::string const challenge = base64::decode(out.substr(at, out.size() - at - 2)).value();
    ASSERT_TRUE(challenge.starts_with("r=x"));
    std::string const nonce = challenge.substr(0, challenge.find(','));
    std::string const proof = base64::encode(std::string(32, 'p'));
    peer.feed(base64::encode("c=biws," + nonce + ",p=" + proof) + "\r\n");
    EXPECT_EQ(codes(peer.take(), true), "535/5.7.8");
    EXPECT_EQ(peer.session.identity(), "");
    EXPECT_EQ(dialog("AUTH SCRAM-SHA-256\r\n!\r\n", config(), true), "250 334 501");
}

TEST(ServerSession, AuthErrors) {  // RFC 4954 §4, §6
    auto const auth = [](std::string_view lines) { return dialog(lines, config(), true); };
    EXPECT_EQ(auth("AUTH\r\n"), "250 501");
    EXPECT_EQ(auth("AUTH NTLM\r\n"), "250 504");
    EXPECT_EQ(auth("AUTH PLAIN =\r\n"), "250 501");
    EXPECT_EQ(auth("AUTH PLAIN =AAA\r\n"), "250 501");
    EXPECT_EQ(auth("AUTH PLAIN a b\r\n"), "250 501");
    EXPECT_EQ(auth("AUTH PLAIN\r\n*\r\nNOOP\r\n"), "250 334 501 250");
    EXPECT_EQ(auth("AUTH PLAIN\r\n!!!!\r\nNOOP\r\n"), "250 334 501 250");
    EXPECT_EQ(auth("AUTH PLAIN\r\nQUIT\r\nNOOP\r\n"), "250 334 501 250");
    EXPECT_EQ(auth("AUTH PLAIN AGEAb2Zm\r\nAUTH PLAIN AGEAYnVzeQ==\r\n"), "250 525 454");
    EXPECT_EQ(auth("AUTH PLAIN AGEAeA==\r\nAUTH PLAIN YgBhAHNlY3JldA==\r\nAUTH PLAIN "
                   "AGEAeA==\r\nNOOP\r\n"),
              "250 535 535 421");
    EXPECT_EQ(auth("MAIL FROM:<>\r\nAUTH PLAIN\r\n"), "250 250 503");
    ServerConfig c = config();
    c.auth = false;
    EXPECT_EQ(dialog("AUTH PLAIN\r\nMAIL FROM:<> AUTH=<>\r\n", c, true), "250 502 555");
}

TEST(ServerSession, AuthLinesMayBeLong) {  // RFC 4954 §4
    ServerConfig c = config();
    c.limits.command_line_bytes = 64;
    c.limits.auth_line_bytes = 128;
    std::string const fits(126, 'A');
    EXPECT_EQ(dialog("AUTH PLAIN\r\n" + fits + "\r\nNOOP\r\n", c, true), "250 334 501 250");
    EXPECT_EQ(dialog("AUTH PLAIN\r\n" + fits + "A\r\nNOOP\r\n", c, true), "250 334 500 250");
    EXPECT_EQ(dialog("AUTH PLAIN " + std::string(100, 'A') + "\r\n", c, true), "250 501");
    EXPECT_EQ(dialog("AUTH PLAIN " + std::string(200, 'A') + "\r\n", c, true), "250 500");
}

std::string chunk(std::string_view text, bool last) {
    return "BDAT " + std::to_string(text.size()) + (last ? " LAST" : "") + "\r\n" +
           std::string(text);
}

TEST(ServerSession, BdatTakesAMessageByCount) {  // RFC 3030 §2
    auto const r =
        run_all_ways(config(), false, "EHLO c\r\n",
                     std::string(envelope) + chunk("Subject: x\r", false) + chunk("", false) +
                         chunk("\n\r\n.\r\n..b\r\n", true) + "NOOP\r\n");
    EXPECT_EQ(codes(r.output), "220 250 250 250 250 250 250 250");
    EXPECT_EQ(r.messages, std::vector<std::string>{"Subject: x\r\n\r\n.\r\n..b\r\n"});
    EXPECT_FALSE(r.closed);
}

TEST(ServerSession, BdatEndsTheLastLine) {
    auto const r = run_all_ways(config(), false, "EHLO c\r\n",
                                std::string(envelope) + chunk("a", false) + chunk("", true) +
                                    std::string(envelope) + chunk("b", true) +
                                    std::string(envelope) + chunk("", true));
    EXPECT_EQ(codes(r.output), "220 250 250 250 250 250 250 250 250 250 250 250");
    EXPECT_EQ(r.messages, (std::vector<std::string>{"a\r\n", "b\r\n", ""}));
}

TEST(ServerSession, BdatRefusedIsReadAndForgotten) {  // no octet of a chunk is taken for a command
    EXPECT_EQ(dialog(chunk("MAIL FROM:<x@y.org>\r\n", false) + "NOOP\r\n"), "250 503 250");
    EXPECT_EQ(dialog("MAIL FROM:<>\r\n" + chunk("NOOP\r\n", true) + "NOOP\r\n"), "250 250 503 250");
    EXPECT_EQ(
        dialog(std::string(envelope) + chunk("a\nb", false) + chunk("c\r\n", true) + "NOOP\r\n"),
        "250 250 250 550 503 250");
    EXPECT_EQ(dialog(std::string(envelope) + chunk("a\r", true) + "NOOP\r\n"),
              "250 250 250 550 250");
    EXPECT_EQ(dialog("MAIL FROM:<full@b.org>\r\nRCPT TO:<a@b.org>\r\n" + chunk("NOOP\r\n", false) +
                     chunk("", true) + "NOOP\r\n"),
              "250 250 250 452 503 250");
    EXPECT_EQ(dialog(std::string(envelope) + chunk("disk-full", false) + "NOOP\r\n"),
              "250 250 250 452 250");
    EXPECT_EQ(dialog("BDAT x\r\nNOOP\r\n"), "250 501");
}

TEST(ServerSession, BdatAndDataDoNotMix) {  // RFC 3030 §2
    auto const r = run_all_ways(
        config(), false, "EHLO c\r\n",
        std::string(envelope) + chunk("a\r\n", false) +
            "DATA\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.org>\r\nRSET\r\nNOOP\r\n" + chunk("b\r\n", true));
    EXPECT_EQ(codes(r.output), "220 250 250 250 250 503 503 503 250 250 503");
    EXPECT_TRUE(r.messages.empty());
    EXPECT_EQ(r.notes.back(), "drop");
}

TEST(ServerSession, BdatSizeLimit) {
    ServerConfig c = config();
    c.limits.message_size_bytes = 10;
    EXPECT_EQ(dialog(std::string(envelope) + chunk("12345678\r\n", true) + "NOOP\r\n", c),
              "250 250 250 250 250");
    EXPECT_EQ(dialog(std::string(envelope) + chunk("12345678\r\n", false) + chunk("1\r\n", true) +
                         "NOOP\r\n",
                     c),
              "250 250 250 250 552 250");
    EXPECT_EQ(dialog(std::string(envelope) + "BDAT 99999999999999999999 LAST\r\nNOOP\r\n", c),
              "250 250 250 552");
}

TEST(ServerSession, OverrunOfTheSizeLimitHangsUpInTheEnd) {
    ServerConfig c = config();
    c.limits.message_size_bytes = 10;
    SessionPeer peer(c, false);
    peer.feed("EHLO c\r\n");
    peer.feed(envelope);
    peer.feed("DATA\r\n");
    std::string const line = std::string(65'534, 'x') + "\r\n";
    int sent = 0;
    for (; sent < 2000 && !peer.closed(); ++sent) peer.feed(line);
    EXPECT_TRUE(peer.closed());
    EXPECT_GT(sent, 1000);
    EXPECT_EQ(codes(peer.take()), "220 250 250 250 354 552");
    EXPECT_TRUE(peer.content.empty());
}

TEST(ServerSession, GoodbyesOfTheDriver) {
    SessionPeer slow(config(), false);
    slow.session.time_out();
    EXPECT_EQ(codes(slow.take(), true), "220 421/4.4.2");
    SessionPeer stopped(config(), false);
    stopped.session.shut_down();
    EXPECT_EQ(codes(stopped.take(), true), "220 421/4.3.2");
    EXPECT_TRUE(stopped.closed());
}

}  // namespace
}  // namespace dawk::smtp
