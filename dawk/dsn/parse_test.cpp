#include "dawk/dsn/parse.hpp"

#include <gtest/gtest.h>

namespace dawk::dsn {
namespace {

Result<ParsedReport> read(std::string_view content, std::size_t cut) {
    ReportReader reader;
    for (; !content.empty(); content.remove_prefix(std::min(cut, content.size())))
        if (auto const error = reader.feed(content.substr(0, cut))) return error;
    return reader.finish();
}

std::string const outer =
    "Content-Type: multipart/report; report-type=delivery-status; "
    "boundary=b\r\n\r\n--b\r\n\r\ntext\r\n";

TEST(ParseReport, Rfc3464Example) {  // RFC 3464 §9.2, in other words
    auto const content =
        outer +
        "--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        "Reporting-MTA: dns; a.example\r\nOriginal-Envelope-Id: Q 1\r\nArrival-Date: Tue, 14 Nov "
        "2023 22:13:20 +0000\r\n\r\n"
        "Original-Recipient: rfc822;one@b.example\r\nFinal-Recipient: rfc822; "
        "<two@b.example>\r\nAction: Failed (really)\r\n"
        "Status: 5.1.1 (no such user)\r\nDiagnostic-Code: smtp; 550 'x' is not\r\n  a user; "
        "here\r\nRemote-MTA: dns; b.example\r\n"
        "Last-Attempt-Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n\r\n"
        "Final-Recipient: rfc822; three@c.example\r\nAction: delayed\r\nStatus: "
        "4.0.0\r\nWill-Retry-Until: Wed, 15 Nov 2023 22:13:20 +0000\r\n\r\n"
        "--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <m@x>\r\n\r\nbody\r\n--b--\r\n";
    for (std::size_t const cut : {1U, 7U, 100'000U}) {
        auto const report = read(content, cut);
        ASSERT_TRUE(report);
        EXPECT_EQ(report->reporting_mta, "a.example");
        EXPECT_EQ(report->envelope_id, "Q 1");
        EXPECT_EQ(to_millis(report->arrival->time), 1'700'000'000'000);
        EXPECT_EQ(report->original.value("Message-ID"), "<m@x>");
        ASSERT_EQ(report->recipients.size(), 2U);
        auto const& one = report->recipients[0];
        EXPECT_EQ(one.recipient(), "one@b.example");
        EXPECT_EQ(one.final_recipient, "two@b.example");
        EXPECT_EQ(one.action, Kind::failed);
        EXPECT_EQ(one.status, "5.1.1");
        EXPECT_EQ(one.diagnostic_type, "smtp");
        EXPECT_EQ(one.diagnostic, "550 'x' is not  a user; here");
        EXPECT_EQ(one.remote_mta, "b.example");
        EXPECT_TRUE(one.last_attempt);
        EXPECT_EQ(report->recipients[1].recipient(), "three@c.example");
        EXPECT_EQ(report->recipients[1].action, Kind::delayed);
        EXPECT_TRUE(report->recipients[1].will_retry_until);
    }
}

TEST(ParseStatus, ForgivesSmallMistakes) {
    auto const report = parse_status(
        "\r\n \r\nFinal-Recipient: a@b.example\nAction: failed\nStatus: 5.1\n"
        "Final-Recipient: RFC822 (c); c@d.example\nAction: exploded\nStatus: 553 too large\n\n\nno "
        "field here\n"
        "Action: failure\nDiagnostic-Code: smtp; 550 5.2.2 full\nOriginal-Recipient: "
        "utf-8;\\x{E9}@e.example\n");
    ASSERT_TRUE(report);
    ASSERT_EQ(report->recipients.size(), 3U);
    EXPECT_EQ(report->recipients[0].recipient(), "a@b.example");
    EXPECT_EQ(report->recipients[0].status, "");
    EXPECT_EQ(report->recipients[1].recipient(), "c@d.example");
    EXPECT_EQ(report->recipients[1].action, std::nullopt);
    EXPECT_EQ(report->recipients[1].status, "5.0.0");
    EXPECT_EQ(report->recipients[2].recipient(), "\xC3\xA9@e.example");
    EXPECT_EQ(report->recipients[2].status, "5.2.2");
}

TEST(ParseReport, SaysWhatIsNone) {
    EXPECT_EQ(parse_report("Subject: x\r\n\r\nFinal-Recipient: rfc822; a@b\r\n").error(),
              Errc::not_found);
    EXPECT_EQ(parse_report("Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n")
                  .error(),
              Errc::not_found);
    EXPECT_TRUE(parse_report(
        "Content-Type: message/delivery-status\r\n\r\nFinal-Recipient: rfc822; a@b\r\n"));
}

TEST(ParseReport, HeadersMayComeBackAlone) {
    auto const report =
        parse_report(outer +
                     "--b\r\nContent-Type: "
                     "message/global-delivery-status\r\nContent-Transfer-Encoding: base64\r\n\r\n"
                     "RmluYWwtUmVjaXBpZW50OiB1dGYtODsgYUBiCg==\r\n"
                     "--b\r\nContent-Type: text/rfc822-headers\r\nContent-Transfer-Encoding: "
                     "quoted-printable\r\n\r\n"
                     "Subject: =41\r\n--b--\r\n");
    ASSERT_TRUE(report);
    EXPECT_EQ(report->recipients[0].final_recipient, "a@b");
    EXPECT_EQ(report->original.value("Subject"), "A");
}

TEST(ParseReport, IsBounded) {
    std::string many = "Content-Type: message/delivery-status\r\n\r\n";
    for (int i = 0; i < 11; ++i) many += "Final-Recipient: rfc822; a@b\r\n\r\n";
    EXPECT_EQ(parse_report(many, {.recipients = 10}).error(), Errc::too_many);
    EXPECT_TRUE(parse_report(many, {.recipients = 11}));
    EXPECT_EQ(parse_report(many, {.status_size_bytes = 100}).error(), Errc::too_long);
}

TEST(ParseReport, WhatIsReturnedMayPassEveryLimit) {
    auto content = outer +
                   "--b\r\nContent-Type: message/delivery-status\r\n\r\nFinal-Recipient: rfc822; "
                   "a@b\r\n\r\n--b\r\n";
    for (int i = 0; i < 100; ++i) content += "Content-Type: message/rfc822\r\n\r\n";
    for (std::size_t const cut : {1U, 100'000U}) {
        auto const report = read(content, cut);
        ASSERT_TRUE(report);
        EXPECT_EQ(report->recipients.size(), 1U);
    }
}

TEST(ParseReport, ReadsOurOwn) {
    envelope::Envelope e;
    e.id = MessageId::make(from_millis(1'700'000'000'000), 3, 4);
    e.reverse_path = *mail::parse_mailbox("sender@a.example");
    e.envid = "id 7";
    e.arrived = from_millis(1'700'000'000'000);
    e.expires = e.arrived + std::chrono::hours{24};
    for (int i = 0; i < 5; ++i) {
        envelope::Recipient r;
        r.address = r.original = *mail::parse_mailbox("r" + std::to_string(i) + "@b.example");
        if (i % 2 == 0) r.orcpt = "rfc822;o" + std::to_string(i) + "@b.example";
        r.attempts = 1;
        r.last.code = 450;
        r.last.status = "4.2.1";
        r.last.text = "line one\nline two";
        r.last.remote_host = "mx.b.example";
        r.last.at = e.arrived;
        e.recipients.push_back(r);
    }
    std::vector<Reported> const news{{0, Kind::failed},
                                     {1, Kind::delayed},
                                     {2, Kind::delivered},
                                     {3, Kind::relayed},
                                     {4, Kind::expanded}};
    auto const message =
        compose({.hostname = "mx.example"}, {&e, news, e.reverse_path, e.id, e.arrived},
                {"Subject: s\r\n\r\nb\r\n", true});
    auto const report = parse_report(message.content);
    ASSERT_TRUE(report);
    EXPECT_EQ(report->reporting_mta, "mx.example");
    EXPECT_EQ(report->envelope_id, "id 7");
    EXPECT_EQ(report->original.value("Subject"), "s");
    ASSERT_EQ(report->recipients.size(), 5U);
    for (std::size_t i = 0; i < 5; ++i) {
        auto const& r = report->recipients[i];
        EXPECT_EQ(r.final_recipient, "r" + std::to_string(i) + "@b.example");
        EXPECT_EQ(r.original_recipient, i % 2 == 0 ? "o" + std::to_string(i) + "@b.example" : "");
        EXPECT_EQ(r.action, news[i].kind);
        EXPECT_EQ(r.diagnostic, "450 4.2.1 line one line two");
        EXPECT_EQ(r.remote_mta, "mx.b.example");
        EXPECT_EQ(r.will_retry_until.has_value(), news[i].kind == Kind::delayed);
    }
}

}  // namespace
}  // namespace dawk::dsn
