// The aggregate reports of the suites reports-mailauth-rs and dmarc-opendmarc (see their
// SOURCE.txt). Where we mean to differ from the expected values, the code says why.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "dawk/base/ascii.hpp"
#include "dawk/dmarcreport/compose.hpp"
#include "dawk/dmarcreport/read.hpp"

namespace dawk::dmarcreport {
namespace {

namespace json = boost::json;

std::filesystem::path data() {
    auto const* const given = std::getenv("DAWK_TESTDATA");
    return given != nullptr ? given : DAWK_SOURCE_DIR "/../shared/testdata";
}

std::string file(std::filesystem::path const& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

// A text, or "" for null, for what is absent, and for their word of it.
std::string text_of(json::object const& object, std::string_view name) {
    auto const* const found = object.if_contains(name);
    if (found == nullptr || !found->is_string()) return {};
    return std::string(found->as_string());
}

std::string word_of(json::object const& object, std::string_view name) {
    static std::map<std::string, std::string> const words{
        {"Unspecified", ""},   {"Relaxed", "r"},         {"Strict", "s"},
        {"MailFrom", "mfrom"}, {"SoftFail", "softfail"}, {"TrustedForwarder", "trusted_forwarder"}};
    auto const text = text_of(object, name);
    auto const found = words.find(text);
    return found == words.end() ? ascii::to_lower(text) : found->second;
}

void compare_policy(Policy const& policy, json::object const& expected) {
    EXPECT_EQ(policy.domain, text_of(expected, "domain"));
    EXPECT_EQ(policy.adkim, word_of(expected, "adkim"));
    EXPECT_EQ(policy.aspf, word_of(expected, "aspf"));
    EXPECT_EQ(policy.p, word_of(expected, "p"));
    EXPECT_EQ(policy.sp, word_of(expected, "sp"));
    EXPECT_EQ(policy.np, word_of(expected, "np"));
    EXPECT_EQ(policy.fo, text_of(expected, "fo"));
    EXPECT_EQ(policy.testing == "y", expected.at("testing").as_bool());
    EXPECT_EQ(policy.discovery_method, word_of(expected, "discovery_method"));
    EXPECT_EQ(policy.version_published, text_of(expected, "version_published"));
}

void compare_reasons(std::vector<Reason> const& reasons, json::array const& expected) {
    ASSERT_EQ(reasons.size(), expected.size());
    for (std::size_t i = 0; i < reasons.size(); ++i) {
        auto const& one = expected[i].as_object();
        // Exception: a word of the old schema that the new one dropped stays what it was said;
        // they turn it into "other".
        if (reasons[i].type != "sampled_out") {
            EXPECT_EQ(reasons[i].type, word_of(one, "type_"));
        }
        EXPECT_EQ(reasons[i].comment, text_of(one, "comment"));
    }
}

void compare_row(Row const& row, json::object const& expected) {
    auto const& facts = expected.at("row").as_object();
    auto const& evaluated = facts.at("policy_evaluated").as_object();
    auto const& record = row.record;
    EXPECT_EQ(record.source_ip, text_of(facts, "source_ip"));
    EXPECT_EQ(row.count, facts.at("count").to_number<std::uint64_t>());
    EXPECT_EQ(record.disposition, word_of(evaluated, "disposition"));
    EXPECT_EQ(record.dkim, word_of(evaluated, "dkim"));
    EXPECT_EQ(record.spf, word_of(evaluated, "spf"));
    compare_reasons(record.reasons, evaluated.at("reason").as_array());
    auto const& identifiers = expected.at("identifiers").as_object();
    EXPECT_EQ(record.header_from, text_of(identifiers, "header_from"));
    EXPECT_EQ(record.envelope_from, text_of(identifiers, "envelope_from"));
    EXPECT_EQ(record.envelope_to, text_of(identifiers, "envelope_to"));
    auto const& auth = expected.at("auth_results").as_object();
    auto const& dkim = auth.at("dkim").as_array();
    ASSERT_EQ(record.dkim_results.size(), dkim.size());
    for (std::size_t i = 0; i < dkim.size(); ++i) {
        auto const& one = dkim[i].as_object();
        EXPECT_EQ(record.dkim_results[i].domain, text_of(one, "domain"));
        EXPECT_EQ(record.dkim_results[i].selector, text_of(one, "selector"));
        EXPECT_EQ(record.dkim_results[i].result, word_of(one, "result"));
        EXPECT_EQ(record.dkim_results[i].human_result, text_of(one, "human_result"));
    }
    auto const& spf = auth.at("spf").as_array();
    ASSERT_EQ(record.spf_results.size(), spf.size());
    for (std::size_t i = 0; i < spf.size(); ++i) {
        auto const& one = spf[i].as_object();
        EXPECT_EQ(record.spf_results[i].domain, text_of(one, "domain"));
        EXPECT_EQ(record.spf_results[i].scope, word_of(one, "scope"));
        EXPECT_EQ(record.spf_results[i].result, word_of(one, "result"));
    }
}

// Exception: extensions are passed over (RFC 9990 §5), so what they list of them is not compared.
void compare(Report const& report, json::object const& expected) {
    auto const& metadata = expected.at("report_metadata").as_object();
    auto const version = report.version.empty() ? 0.0 : std::stod(report.version);
    EXPECT_DOUBLE_EQ(version, expected.at("version").to_number<double>());
    EXPECT_EQ(report.org_name, text_of(metadata, "org_name"));
    EXPECT_EQ(report.email, text_of(metadata, "email"));
    EXPECT_EQ(report.extra_contact_info, text_of(metadata, "extra_contact_info"));
    EXPECT_EQ(report.report_id, text_of(metadata, "report_id"));
    EXPECT_EQ(report.generator, text_of(metadata, "generator"));
    auto const& range = metadata.at("date_range").as_object();
    EXPECT_EQ(report.begin, range.at("begin").to_number<std::int64_t>());
    EXPECT_EQ(report.end, range.at("end").to_number<std::int64_t>());
    compare_policy(report.policy, expected.at("policy_published").as_object());
    auto const& rows = expected.at("record").as_array();
    ASSERT_EQ(report.rows.size(), rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        SCOPED_TRACE(i);
        compare_row(report.rows[i], rows[i].as_object());
    }
}

TEST(DmarcReportConformance, ReportsOfTheSuite) {
    auto const folder = data() / "reports-mailauth-rs" / "dmarc-feedback";
    if (!std::filesystem::exists(folder)) GTEST_SKIP() << folder << " is not there";
    int cases = 0;
    for (auto const& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() == ".json") continue;
        SCOPED_TRACE(entry.path().filename());
        auto const report = read(file(entry.path()));
        ASSERT_TRUE(report) << report.error().reason;
        auto expected = entry.path();
        expected.replace_extension(".json");
        compare(*report, json::parse(file(expected)).as_object());
        auto const again = parse_xml(to_xml(*report));
        ASSERT_TRUE(again);
        EXPECT_EQ(again->rows.size(), report->rows.size());
        ++cases;
    }
    EXPECT_EQ(cases, 10);
}

TEST(DmarcReportConformance, OldReportsInTheWild) {
    auto const folder = data() / "dmarc-opendmarc" / "libopendmarc" / "tests" / "testfiles";
    if (!std::filesystem::exists(folder)) GTEST_SKIP() << folder << " is not there";
    std::map<std::string, std::size_t> const rows{{"yeah.net", 254}, {"163.com", 50}};
    int cases = 0;
    for (auto const& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() != ".xml") continue;
        auto const name = entry.path().filename().string();
        SCOPED_TRACE(name);
        auto const report = read(file(entry.path()));
        ++cases;
        if (name.starts_with("bad.com!")) {  // "<" within a value
            ASSERT_FALSE(report);
            EXPECT_EQ(report.error().code, Errc::bad_syntax);
            continue;
        }
        ASSERT_TRUE(report) << report.error().reason;
        EXPECT_EQ(report->policy.domain, "example.com");
        EXPECT_EQ(report->rows.size() + report->skipped, rows.at(report->org_name));
    }
    EXPECT_EQ(cases, 3);
}

}  // namespace
}  // namespace dawk::dmarcreport
