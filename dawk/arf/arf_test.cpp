#include "dawk/arf/arf.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dawk/mail/mime.hpp"

namespace dawk::arf {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::string message_with(std::string const& fields, std::string const& last_part) {
    return "From: fbl@isp.example\r\nMIME-Version: 1.0\r\n"
           "Content-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n"
           "--b\r\nContent-Type: text/plain\r\n\r\nA person clicked on spam.\r\n"
           "--b\r\nContent-Type: message/feedback-report\r\n\r\n" +
           fields + "\r\n--b\r\n" + last_part + "\r\n--b--\r\n";
}

std::string const full_fields =
    "Feedback-Type: ABUSE (clicked)\r\nUser-Agent: Feeder/1\r\nVersion: 1\r\n"
    "Original-Mail-From: <news@shop.example>\r\nOriginal-Rcpt-To: <a@isp.example>\r\n"
    "Original-Rcpt-To: b@isp.example\r\nArrival-Date: Thu, 8 Mar 2005 14:00:00 EDT\r\n"
    "Reporting-MTA: dns; mx.isp.example\r\nSource-IP: 192.0.2.1 (a comment)\r\n"
    "Source-Port: 1234\r\nIncidents: 3\r\nReported-Domain: shop.example\r\n"
    "Reported-URI: http://shop.example/\r\nSomething-New: ignored\r\n";

TEST(Arf, ReadsAnAbuseReport) {  // RFC 5965 §3
    auto const parsed = parse(message_with(
        full_fields,
        "Content-Type: message/rfc822\r\n\r\nSubject: News\r\nFrom: news@shop.example\r\n\r\nHi"));
    ASSERT_TRUE(parsed);
    auto const& r = parsed->report;
    EXPECT_EQ(r.feedback_type, "abuse");
    EXPECT_EQ(r.original_mail_from, "news@shop.example");
    EXPECT_THAT(r.original_rcpt_to, ElementsAre("a@isp.example", "b@isp.example"));
    EXPECT_EQ(to_millis(*r.arrival) / 1000, 1110304800);
    EXPECT_EQ(r.reporting_mta, "mx.isp.example");
    EXPECT_EQ(r.source_ip, "192.0.2.1");
    EXPECT_EQ(r.source_port, 1234);
    EXPECT_EQ(r.incidents, 3U);
    EXPECT_TRUE(parsed->has_body);
    EXPECT_EQ(parsed->original.value("Subject"), "News");
}

TEST(Arf, AHeaderAloneIsGivenBackToo) {
    auto const parsed = parse(message_with(
        full_fields, "Content-Type: text/rfc822-headers\r\n\r\nSubject: News\r\nX-Id: 7\r\n"));
    ASSERT_TRUE(parsed);
    EXPECT_FALSE(parsed->has_body);
    EXPECT_EQ(parsed->original.value("X-Id"), "7");
}

TEST(Arf, WhatIsNoReportIsNotFound) {
    EXPECT_EQ(parse("Subject: hi\r\n\r\nbody\r\n").error(), Errc::not_found);
    EXPECT_EQ(parse(message_with("User-Agent: x\r\n", "\r\n")).error(), Errc::not_found);
    EXPECT_EQ(parse("").error(), Errc::not_found);
}

TEST(Arf, LimitsHoldAtTheLimitAndOneMore) {
    std::string fields = "Feedback-Type: abuse\r\n";
    for (int i = 0; i < 3; ++i) fields += "Reported-Domain: d.example\r\n";
    EXPECT_TRUE(parse_fields(fields, {.values = 3}));
    EXPECT_EQ(parse_fields(fields, {.values = 2}).error(), Errc::too_many);
    EXPECT_TRUE(parse_fields(fields, {.report_bytes = fields.size()}));
    EXPECT_EQ(parse_fields(fields, {.report_bytes = fields.size() - 1}).error(), Errc::too_long);
}

Draft draft_of(Report report) {
    Draft draft;
    draft.report = std::move(report);
    draft.from = {"dmarc", "mx.example"};
    draft.to = {"ruf", "author.example"};
    draft.from_name = "DMARC Reporter";
    draft.subject = "FW: a message";
    draft.message_id = "1@mx.example";
    draft.date = from_millis(1'700'000'000'000);
    draft.text = "A message failed DMARC: d\xC3\xA9j\xC3\xA0 vu.\n";
    draft.unique = "abc";
    return draft;
}

TEST(Arf, WhatIsWrittenReadsBack) {  // RFC 6591 §3
    Report r;
    r.feedback_type = "auth-failure";
    r.user_agent = "Dawk/0.1";
    r.auth_failure = "dmarc";
    r.identity_alignment = "none";
    r.delivery_result = "reject";
    r.arrival = from_millis(1'700'000'000'000);
    r.original_envelope_id = "01abc";
    r.original_mail_from = "a@b.example";
    r.original_rcpt_to = {"x@y.example"};
    r.reporting_mta = "mx.example";
    r.source_ip = "2001:db8::1";
    r.source_port = 25;
    r.incidents = 7;
    r.authentication_results = {"mx.example; dmarc=fail header.from=author.example"};
    r.reported_domain = {"author.example"};
    r.dkim_domain = "author.example";
    r.dkim_identity = "@author.example";
    r.dkim_selector = "s1";
    r.dkim_canonicalized_header = "from:x\r\n";
    r.dkim_canonicalized_body = std::string(5000, 'b') + "\r\n";
    r.spf_dns = "txt : author.example : \"v=spf1 -all\"";
    auto draft = draft_of(r);
    draft.original = "Subject: caf\xC3\xA9\r\nFrom: a@author.example\r\n\r\nsecret body\r\n";
    auto const message = compose(draft);
    ASSERT_TRUE(message);
    EXPECT_THAT(*message, Not(HasSubstr("secret body")));
    EXPECT_THAT(*message, HasSubstr("Auto-Submitted: auto-generated\r\n"));
    auto const parsed = parse(*message);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->report, r);
    EXPECT_EQ(parsed->original.value("Subject"), "caf\xC3\xA9");
    EXPECT_FALSE(parsed->has_body);
    draft.headers_only = false;
    draft.original = "Subject: plain\r\n\r\nbody\r\n";
    auto const whole = parse(compose(draft).value());
    ASSERT_TRUE(whole);
    EXPECT_TRUE(whole->has_body);
}

TEST(Arf, WordsOfOthersCannotBreakOut) {
    Report r;
    r.feedback_type = "abuse";
    r.user_agent = "x\r\nFeedback-Type: virus\r\n\r\n--=_arf_abc--\r\n";
    r.original_rcpt_to = {"a@b\r\nSource-IP: 192.0.2.9"};
    auto draft = draft_of(r);
    draft.subject = "hi\r\nBcc: victim@example.org";
    draft.text = "--=_arf_abc--";
    draft.original = "Subject: x\r\n\r\n--=_arf_abc--\r\n";
    draft.headers_only = false;
    auto const message = compose(draft);
    ASSERT_TRUE(message);
    auto const header = mail::HeaderSection::parse(*message).value();
    EXPECT_FALSE(header.has("Bcc"));
    auto const parsed = parse(*message);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->report.feedback_type, "abuse");
    EXPECT_EQ(parsed->report.source_ip, "");
    EXPECT_TRUE(parsed->has_body);
}

TEST(Arf, ADraftNeedsATypeAndAddresses) {
    EXPECT_EQ(compose(draft_of({})).error(), Errc::bad_syntax);
    auto draft = draft_of({.feedback_type = "abuse"});
    draft.to = {};
    EXPECT_EQ(compose(draft).error(), Errc::bad_syntax);
    draft.to = {"\xC3\xA4", "b.example"};
    EXPECT_EQ(compose(draft).error(), Errc::unsupported);
}

}  // namespace
}  // namespace dawk::arf
