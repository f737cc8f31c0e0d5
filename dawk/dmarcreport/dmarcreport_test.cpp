#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dawk/dmarcreport/compose.hpp"
#include "dawk/dmarcreport/read.hpp"
#include "dawk/mail/mime.hpp"

namespace dawk::dmarcreport {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

Report sample() {
    Report r;
    r.version = "1.0";
    r.has_namespace = true;
    r.org_name = "Example & Sons";
    r.email = "dmarc@mx.example";
    r.report_id = "20231114.example.org@mx.example";
    r.generator = "Dawk 0.1";
    r.begin = 1'699'920'000;
    r.end = 1'700'006'399;
    r.policy = {.domain = "example.org",
                .p = "reject",
                .sp = "quarantine",
                .np = "reject",
                .adkim = "r",
                .aspf = "s",
                .fo = "1",
                .testing = "n",
                .discovery_method = "treewalk",
                .version_published = {}};
    Record record;
    record.source_ip = "192.0.2.1";
    record.disposition = "quarantine";
    record.dkim = "fail";
    record.spf = "fail";
    record.reasons = {{"local_policy", "p=reject alone is <no> reason"}};
    record.header_from = "news.example.org";
    record.envelope_from = "bounce.example.net";
    record.dkim_results = {{"example.net", "s1", "pass", ""}, {"example.org", "s2", "fail", "x"}};
    record.spf_results = {{"bounce.example.net", "mfrom", "softfail", ""}};
    r.rows = {{record, 7}};
    record.source_ip = "2001:db8::1";
    record.disposition = "pass";
    record.dkim = "pass";
    record.reasons.clear();
    record.envelope_from = "";
    r.rows.push_back({record, 1});
    return r;
}

TEST(DmarcReport, WhatIsWrittenReadsTheSame) {
    auto const xml = to_xml(sample());
    EXPECT_THAT(xml, HasSubstr("<feedback xmlns=\"urn:ietf:params:xml:ns:dmarc-2.0\">"));
    EXPECT_THAT(xml, HasSubstr("Example &amp; Sons"));
    auto const again = parse_xml(xml);
    ASSERT_TRUE(again) << again.error().reason;
    EXPECT_EQ(*again, sample());
    auto const packed = read(gzip(xml));
    ASSERT_TRUE(packed) << packed.error().reason;
    EXPECT_EQ(*packed, sample());
}

TEST(DmarcReport, TheMessageFollowsTheStandard) {  // RFC 9990 §3.5.2
    Mail mail;
    mail.report = sample();
    mail.submitter = "mx.example";
    mail.from = {"dmarc", "mx.example"};
    mail.to = {"rua", "example.org"};
    mail.message_id = "1@mx.example";
    mail.date = from_millis(1'700'010'000'000);
    mail.unique = "u";
    auto const message = compose_mail(mail);
    ASSERT_TRUE(message);
    auto const header = mail::HeaderSection::parse(*message).value();
    EXPECT_EQ(header.value("Subject"),
              "Report Domain: example.org Submitter: mx.example Report-ID: "
              "<20231114.example.org@mx.example>");
    EXPECT_EQ(header.value("Auto-Submitted"), "auto-generated");
    auto const parts = mail::parse_mime(*message).value();
    bool found = false;
    for (auto const& part : parts) {
        if (!part.type.is("application", "gzip")) continue;
        found = true;
        EXPECT_EQ(mail::file_name(part),
                  "mx.example!example.org!1699920000!1700006399!20231114exampleorg.xml.gz");
        EXPECT_EQ(part.disposition.kind, "attachment");
    }
    EXPECT_TRUE(found);
    auto const back = read(*message);
    ASSERT_TRUE(back) << back.error().reason;
    EXPECT_EQ(*back, sample());
    EXPECT_EQ(compose_mail(mail).value(), *message) << "the same each time";
}

std::string old_report(std::string const& inside = "") {
    return "<?xml version=\"1.0\"?><feedback><report_metadata><org_name>Old</org_name>"
           "<report_id>1</report_id><date_range><begin>100.5</begin><end>200</end></date_range>"
           "</report_metadata><policy_published><domain>Example.ORG</domain><p>NONE</p><pct>100"
           "</pct></policy_published>" +
           inside + "</feedback>";
}
std::string const row =
    "<record><row><source_ip>192.0.2.1</source_ip><count>2</count><policy_evaluated>"
    "<disposition>none</disposition><dkim>pass</dkim><spf>Fail</spf><reason><type>sampled_out"
    "</type></reason></policy_evaluated></row><identities><header_from>EXAMPLE.org"
    "</header_from></identities><auth_results><spf><domain>x.example</domain><result>hardfail"
    "</result></spf></auth_results></record>";

TEST(DmarcReport, TheOldSchemaInItsVariations) {
    auto const report = parse_xml("\r\n  " + old_report(row));
    ASSERT_TRUE(report) << report.error().reason;
    EXPECT_FALSE(report->has_namespace);
    EXPECT_EQ(report->begin, 100);
    EXPECT_EQ(report->policy.domain, "example.org");
    EXPECT_EQ(report->policy.p, "none");
    ASSERT_EQ(report->rows.size(), 1U);
    auto const& record = report->rows[0].record;
    EXPECT_EQ(record.header_from, "example.org");
    EXPECT_EQ(record.spf, "fail");
    EXPECT_EQ(record.spf_results[0].result, "fail");
    EXPECT_EQ(record.reasons[0].type, "sampled_out");
    auto const prefixed = parse_xml(
        "<?xml version=\"1.0\" encoding=\"windows-1252\"?><n:feedback "
        "xmlns:n='http://dmarc.org/dmarc-xml/0.1'><report_metadata><org_name>caf\xE9</org_name>"
        "<date_range><begin>1</begin><end>2</end></date_range></report_metadata>"
        "<policy_published><domain>a.example</domain></policy_published></n:feedback>");
    ASSERT_TRUE(prefixed) << prefixed.error().reason;
    EXPECT_EQ(prefixed->org_name, "caf\xC3\xA9");
}

TEST(DmarcReport, RecordsThatSayNothingArePassedOver) {
    auto bad = row;
    bad.replace(bad.find("192.0.2.1"), 9, "192r.0.2.1");
    auto no_count = row;
    no_count.replace(no_count.find(">2<"), 3, ">-2<");
    auto const report = parse_xml(old_report(bad + row + no_count));
    ASSERT_TRUE(report);
    EXPECT_EQ(report->rows.size(), 1U);
    EXPECT_EQ(report->skipped, 2U);
}

TEST(DmarcReport, WhatIsNoReportIsRefusedWithAReason) {
    auto const why = [](std::string_view xml, ParseLimits limits = {}) {
        auto const report = parse_xml(xml, limits);
        return report ? std::string("read") : report.error().reason;
    };
    EXPECT_THAT(why("<html/>"), HasSubstr("<html>, not <feedback>"));
    EXPECT_THAT(why("<feedback/>"), HasSubstr("no domain"));
    EXPECT_THAT(why("<feedback><policy_published><domain>a</domain></policy_published></feedback>"),
                HasSubstr("period"));
    EXPECT_THAT(why(""), HasSubstr("XML: no element found"));
    EXPECT_THAT(why(old_report("<a>")), HasSubstr("XML: mismatched tag"));
    EXPECT_THAT(why("<!DOCTYPE feedback [<!ENTITY a \"b\">]><feedback>&a;</feedback>"),
                HasSubstr("document type"));
    EXPECT_THAT(why(old_report(row + row), {.rows = 1}), HasSubstr("more than 1 records"));
    EXPECT_EQ(why(old_report(row), {.rows = 1}), "read");
    EXPECT_EQ(why(old_report(), {.xml_bytes = old_report().size()}), "read");
    EXPECT_THAT(why(old_report(), {.xml_bytes = old_report().size() - 1}), HasSubstr("more than"));
    EXPECT_EQ(why(old_report("<a><a><a/></a></a>"), {.depth = 4}), "read");
    EXPECT_THAT(why(old_report("<a><a><a><a/></a></a></a>"), {.depth = 4}), HasSubstr("deeply"));
    EXPECT_THAT(why("<?xml version=\"1.0\" encoding=\"x-none\"?><feedback/>"),
                HasSubstr("unknown encoding"));
}

TEST(DmarcReport, LongValuesAreCut) {
    auto const report = parse_xml(old_report("<version>" + std::string(5000, 'v') + "</version>"));
    ASSERT_TRUE(report);
    EXPECT_EQ(report->version.size(), 1000U);
}

TEST(DmarcReport, AMessageWithoutAReportIsNotFound) {
    auto const refused = read("Subject: hi\r\n\r\ntext\r\n");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::not_found);
    EXPECT_FALSE(read(""));
}

}  // namespace
}  // namespace dawk::dmarcreport
