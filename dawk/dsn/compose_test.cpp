#include "dawk/dsn/compose.hpp"

#include <gtest/gtest.h>

#include "dawk/base/ascii.hpp"
#include "dawk/dsn/unitext.hpp"
#include "dawk/dsn/words.hpp"
#include "dawk/mail/content.hpp"
#include "dawk/mail/header.hpp"

namespace dawk::dsn {
namespace {

auto const now = from_millis(1'700'000'000'000);
auto const id = MessageId::make(now, 1, 2);
Settings const settings{.hostname = "mx.example"};

mail::Address address(std::string_view text) {
    return *mail::parse_mailbox(text, {.utf8 = true});
}

envelope::Envelope subject() {
    envelope::Envelope e;
    e.id = MessageId::make(now, 3, 4);
    e.reverse_path = address("sender@a.example");
    e.arrived = now - std::chrono::hours{1};
    e.expires = now + std::chrono::hours{24};
    e.trace = "Received: by mx.example id x;\r\n Tue, 14 Nov 2023 22:13:20 +0000\r\n";
    e.header_subject = " =?utf-8?Q?Gr=C3=BC=C3=9Fe?=";
    e.header_message_id = "<m1@a.example>";
    envelope::Recipient r;
    r.address = address("target@inside.example");
    r.original = address("user@b.example");
    r.state = envelope::State::failed;
    r.attempts = 1;
    r.last.kind = envelope::Outcome::Kind::failed;
    r.last.code = 550;
    r.last.status = "5.1.1";
    r.last.text = "No such user\nTry <http://b.example>";
    r.last.remote_host = "mx.b.example";
    r.last.at = now;
    e.recipients = {r};
    return e;
}

std::string_view const original = "From: sender@a.example\r\nSubject: x\r\n\r\nbody\r\n";

// The parts of a multipart, by its boundary.
std::vector<std::string> parts(std::string const& content) {
    auto const header = *mail::HeaderSection::parse(content);
    auto const type = mail::parse_content_type(header.value("Content-Type"));
    auto const delimiter = "\r\n--" + std::string{type.param("boundary")};
    std::vector<std::string> out;
    for (auto at = content.find(delimiter); at != std::string::npos;) {
        auto const begin = at + delimiter.size() + 2;
        auto const end = content.find(delimiter, begin);
        if (end == std::string::npos) break;
        out.push_back(content.substr(begin, end - begin));
        at = end;
    }
    return out;
}

void expect_lines(std::string_view text) {
    while (!text.empty()) {
        auto const end = text.find("\r\n");
        ASSERT_NE(end, std::string_view::npos);
        EXPECT_LE(end, 998U);
        EXPECT_EQ(text.substr(0, end).find_first_of("\r\n"), std::string_view::npos);
        text.remove_prefix(end + 2);
    }
}

Message make(envelope::Envelope const& e, std::vector<Reported> recipients,
             Original o = {original, true}, Settings const& s = settings) {
    auto const message = compose(s, {&e, std::move(recipients), e.reverse_path, id, now}, o);
    expect_lines(message.content);
    EXPECT_EQ(parts(message.content).size(), 3U);
    return message;
}

TEST(Compose, FailureReport) {
    auto const e = subject();
    auto const m = make(e, {{0, Kind::failed}});
    auto const header = *mail::HeaderSection::parse(m.content);
    EXPECT_EQ(header.value("From"), "Mail Delivery System <mailer-daemon@mx.example>");
    EXPECT_EQ(header.value("To"), "sender@a.example");
    EXPECT_EQ(header.value("Auto-Submitted"), "auto-replied");
    EXPECT_EQ(header.value("In-Reply-To"), "<m1@a.example>");
    EXPECT_EQ(header.value("Message-ID"), "<" + id.text() + "@mx.example>");
    EXPECT_EQ(header.value("Date"), "Tue, 14 Nov 2023 22:13:20 +0000");
    auto const type = mail::parse_content_type(header.value("Content-Type"));
    EXPECT_TRUE(type.is("multipart", "report"));
    EXPECT_EQ(type.param("report-type"), "delivery-status");
    auto const p = parts(m.content);
    EXPECT_NE(p[0].find("does not exist"), std::string::npos);
    EXPECT_NE(p[0].find("Subject: Gr=C3=BC=C3=9Fe"), std::string::npos) << p[0];
    EXPECT_EQ(
        p[1],
        "Content-Type: message/delivery-status\r\n\r\n"
        "Reporting-MTA: dns; mx.example\r\nArrival-Date: Tue, 14 Nov 2023 21:13:20 +0000\r\n\r\n"
        "Final-Recipient: rfc822; user@b.example\r\nAction: failed\r\nStatus: 5.1.1\r\n"
        "Remote-MTA: dns; mx.b.example\r\n"
        "Diagnostic-Code: smtp; 550 5.1.1 No such user Try <http://b.example>\r\n"
        "Last-Attempt-Date: Tue, 14 Nov 2023 22:13:20 +0000\r\nFinal-Log-ID: " +
            e.id.text() + "\r\n");
    EXPECT_EQ(p[2], "Content-Type: message/rfc822\r\n\r\n" + e.trace + std::string{original});
    EXPECT_EQ(m.body, envelope::Body::seven_bit);
    EXPECT_FALSE(m.smtputf8 || m.require_tls);
    EXPECT_EQ(m.content.find("inside.example"), std::string::npos)
        << "an alias of ours is not told";
}

TEST(Compose, AHostWithoutANameIsALiteral) {  // RFC 3464 §2.3.5
    auto const remote = [](std::string host) {
        auto e = subject();
        e.recipients[0].last.remote_host = std::move(host);
        auto const report = make(e, {{0, Kind::failed}}).content;
        auto const at = report.find("Remote-MTA: dns; ");
        return report.substr(at + 17, report.find('\r', at) - at - 17);
    };
    EXPECT_EQ(remote("192.0.2.7"), "[192.0.2.7]");
    EXPECT_EQ(remote("2001:db8::7"), "[IPv6:2001:db8::7]");
    EXPECT_EQ(remote("mx.b.example"), "mx.b.example");
    EXPECT_EQ(remote("[192.0.2.7]"), "[192.0.2.7]");
}

TEST(Compose, HeaderOnlyWhereContentMayNotGoBack) {  // RFC 3461 §6.2, RFC 8689 §5
    auto const expect_header = [](envelope::Envelope const& e, Kind kind, Original o,
                                  Settings const& s = settings) {
        auto const m = make(e, {{0, kind}}, o, s);
        auto const p = parts(m.content);
        EXPECT_TRUE(p[2].starts_with("Content-Type: text/rfc822-headers\r\n")) << p[2];
        EXPECT_EQ(m.content.find("body"), std::string::npos);
        return m;
    };
    auto e = subject();
    e.ret = envelope::Ret::headers;
    expect_header(e, Kind::failed, {original, true});
    e.ret = envelope::Ret::full;
    expect_header(e, Kind::delayed, {original, true});
    expect_header(e, Kind::delivered, {original, true});
    expect_header(e, Kind::failed, {original, false});
    expect_header(e, Kind::failed, {original, true},
                  {.hostname = "mx.example", .content_size_max = original.size() - 1});
    e.require_tls = true;
    EXPECT_TRUE(expect_header(e, Kind::failed, {original, true}).require_tls);
    e.require_tls = false;
    auto const bare = std::string{original} + "a\nb\r\n";
    auto const p = parts(make(e, {{0, Kind::failed}}, {bare, true}).content);
    EXPECT_NE(p[2].find("text/rfc822-headers"), std::string::npos)
        << "what was binary cannot go back whole";
}

TEST(Compose, EightBitContent) {
    auto const e = subject();
    auto m = make(e, {{0, Kind::failed}}, {"Subject: x\r\n\r\n\xC3\xBC\r\n", true});
    EXPECT_EQ(m.body, envelope::Body::eight_bit);
    EXPECT_FALSE(m.smtputf8);
    EXPECT_NE(parts(m.content)[2].find("Content-Transfer-Encoding: 8bit"), std::string::npos);
    m = make(e, {{0, Kind::failed}}, {"Subject: \xFC\r\n\r\n", false});
    EXPECT_EQ(m.body, envelope::Body::seven_bit);
    EXPECT_NE(m.content.find("Subject: =FC"), std::string::npos);
}

TEST(Compose, DelayReport) {
    auto e = subject();
    e.recipients[0].last.kind = envelope::Outcome::Kind::deferred;
    e.recipients[0].last.code = 0;
    e.recipients[0].last.status = "4.4.1";
    e.recipients[0].last.text = "no answer";
    e.recipients[0].last.remote_host = "";
    auto const p = parts(make(e, {{0, Kind::delayed}}).content);
    EXPECT_NE(p[0].find("need not"), std::string::npos);
    EXPECT_NE(
        p[1].find(
            "Action: delayed\r\nStatus: 4.4.1\r\nDiagnostic-Code: x-dawk; 4.4.1 no answer\r\n"),
        std::string::npos)
        << p[1];
    EXPECT_NE(p[1].find("Will-Retry-Until: Wed, 15 Nov 2023 22:13:20 +0000"), std::string::npos);
    EXPECT_EQ(p[1].find("Remote-MTA"), std::string::npos);
}

TEST(Compose, ThePostmasterIsToldWhatBounced) {
    auto e = subject();
    e.reverse_path = {};
    auto const message = compose(
        settings, {&e, {{0, Kind::failed}}, address("postmaster@mx.example"), id, now, true},
        {original, true});
    auto const p = parts(message.content);
    EXPECT_NE(p[0].find("without a return address"), std::string::npos);
    EXPECT_EQ(p[0].find("Check the address"), std::string::npos) << "advice is for senders";
    EXPECT_NE(p[2].find("body"), std::string::npos);
}

TEST(Compose, StatusFitsTheAction) {
    auto const status = [](std::string_view given, Kind kind) {
        auto e = subject();
        e.recipients[0].last.status = given;
        auto const part = parts(make(e, {{0, kind}}).content)[1];
        auto const at = part.find("Status: ") + 8;
        return part.substr(at, part.find('\r', at) - at);
    };
    EXPECT_EQ(status("5.1.1", Kind::failed), "5.1.1");
    EXPECT_EQ(status("4.4.1", Kind::failed), "4.4.1") << "expired";
    EXPECT_EQ(status("2.1.5", Kind::failed), "5.1.5");
    EXPECT_EQ(status("", Kind::failed), "5.0.0");
    EXPECT_EQ(status("", Kind::delivered), "2.0.0");
    EXPECT_EQ(status("2.1.5", Kind::relayed), "2.1.5");
}

TEST(Compose, WordsOfOthersCannotForgeAnything) {
    auto e = subject();
    e.envid = "QQ\r\nX-Forged: 1";
    e.recipients[0].orcpt = "rfc822;a\r\n\r\nFinal-Recipient: rfc822; forged";
    e.recipients[0].last.text = "x\r\n\r\nFinal-Recipient: rfc822; forged@x\r\n--=_" + id.text() +
                                "--\r\n\x1B[0m" + std::string(5000, 'y');
    e.recipients[0].last.remote_host = "h\r\nX: y";
    e.header_message_id = "<a\r\nBcc: x@y.example>";
    auto const m = make(e, {{0, Kind::failed}});
    EXPECT_FALSE(mail::HeaderSection::parse(m.content)->has("Bcc"));
    auto status = parts(m.content)[1];
    status.erase(0, status.find("\r\n\r\n") + 4);
    auto const first = *mail::HeaderSection::parse(status);
    EXPECT_FALSE(first.has("X-Forged"));
    auto const second =
        *mail::HeaderSection::parse(std::string_view{status}.substr(first.body_offset()));
    EXPECT_EQ(second.ended_by(), mail::HeaderEnd::end_of_content) << "one recipient only";
    EXPECT_EQ(second.count("Final-Recipient"), 1U);
    EXPECT_EQ(second.value("Original-Recipient"), "rfc822;a????Final-Recipient: rfc822; forged");
    EXPECT_LT(m.content.size(), 8000U);
}

TEST(Compose, BoundaryIsNotInTheContent) {
    auto const e = subject();
    auto const evil = "S: x\r\n\r\n--=_" + id.text() + "\r\n--=_" + id.text() + "--\r\n";
    EXPECT_NE(parts(make(e, {{0, Kind::failed}}, {evil, true}).content)[2].find(evil),
              std::string::npos);
}

TEST(Compose, International) {  // RFC 6533
    auto e = subject();
    e.smtputf8 = true;
    e.recipients[0].original = address("\xC3\xBC@b.example");
    e.recipients[0].orcpt = "utf-8;\\x{FC}@b.example";
    auto m = make(e, {{0, Kind::failed}}, {"Subject: \xC3\xBC\r\n\r\n\r\n", true});
    auto p = parts(m.content);
    EXPECT_TRUE(p[1].starts_with(
        "Content-Type: message/global-delivery-status\r\nContent-Transfer-Encoding: 8bit\r\n"));
    EXPECT_NE(p[1].find("Original-Recipient: utf-8;\xC3\xBC@b.example\r\nFinal-Recipient: utf-8; "
                        "\xC3\xBC@b.example\r\n"),
              std::string::npos)
        << p[1];
    EXPECT_TRUE(p[2].starts_with("Content-Type: message/global\r\n"));
    EXPECT_FALSE(m.smtputf8) << "its own header is ASCII";
    EXPECT_EQ(m.body, envelope::Body::eight_bit);
    e.reverse_path = address("\xC3\xBC@a.example");
    m = make(e, {{0, Kind::failed}}, {"Subject: \xC3\xBC\r\n\r\n\r\n", false});
    EXPECT_TRUE(m.smtputf8);
    EXPECT_NE(m.content.find("To: \xC3\xBC@a.example\r\n"), std::string::npos);
    EXPECT_TRUE(parts(m.content)[2].starts_with("Content-Type: message/global-headers\r\n"));
}

TEST(Compose, LargeHeadersAreCut) {
    auto const e = subject();
    std::string header;
    for (int i = 0; i < 10'000; ++i) header += "X-Field: " + std::to_string(i) + "\r\n";
    auto const m = make(e, {{0, Kind::delayed}}, {header + "\r\n", false});
    EXPECT_LT(m.content.size(), settings.header_size_max + 4000);
    EXPECT_GT(m.content.size(), settings.header_size_max - 100);
}

TEST(Words, FindTheClosest) {
    EXPECT_NE(words_for("5.1.1", Kind::failed).what.find("does not exist"), std::string_view::npos);
    EXPECT_NE(words_for("5.7.509", Kind::failed).what.find("rules"), std::string_view::npos);
    EXPECT_NE(words_for("4.4.1", Kind::delayed).what.find("did not answer"),
              std::string_view::npos);
    EXPECT_EQ(words_for("4.4.1", Kind::delayed).advice, "");
    EXPECT_FALSE(words_for("", Kind::failed).what.empty());
    EXPECT_FALSE(words_for("5.9.9", Kind::failed).what.empty());
}

TEST(Unitext, BothWays) {
    EXPECT_EQ(unitext_decode("a\\x{E9}\\x{1F609}b"),
              "a\xC3\xA9\xF0\x9F\x98\x89"
              "b");
    EXPECT_EQ(unitext_decode("\\x{}\\x{D800}\\x{110000}\\x{E9\\x"),
              "\\x{}\\x{D800}\\x{110000}\\x{E9\\x");
    EXPECT_EQ(unitext_encode("a \xC3\xA9+"), "a\\x{20}\\x{E9}\\x{2B}");
    EXPECT_EQ(unitext_decode(unitext_encode("\\x{41}\xE3\x81\x93 =")), "\\x{41}\xE3\x81\x93 =");
}

}  // namespace
}  // namespace dawk::dsn
