// The ARF cases of the suite reports-mailauth-rs (see its SOURCE.txt): messages, and what another
// reader found in them.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "dawk/arf/arf.hpp"
#include "dawk/base/ascii.hpp"
#include "dawk/mail/base64.hpp"

namespace dawk::arf {
namespace {

namespace json = boost::json;

std::filesystem::path data() {
    auto const* const given = std::getenv("DAWK_TESTDATA");
    return given != nullptr ? given : DAWK_SOURCE_DIR "/../shared/testdata";
}

std::string read(std::filesystem::path const& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

// Without the differences of form: folding, brackets, line ends.
std::string normal(std::string_view text) {
    std::string out;
    for (char const c : text) {
        bool const is_space = c == ' ' || c == '\t' || c == '\r' || c == '\n';
        if (is_space && (out.empty() || out.back() == ' ')) continue;
        out += is_space ? ' ' : c;
    }
    return std::string(ascii::trim(out));
}

std::string text_of(json::value const& value) {
    return value.is_string() ? std::string(value.as_string()) : std::string();
}

std::string without_brackets(std::string text) {
    std::erase_if(text, [](char c) { return c == '<' || c == '>'; });
    return text;
}

// Their names of enumerators, as words.
std::string word_of(std::string const& name) {
    static std::map<std::string, std::string> const words{{"Unspecified", ""},
                                                          {"AuthFailure", "auth-failure"},
                                                          {"NotSpam", "not-spam"},
                                                          {"BodyHash", "bodyhash"}};
    auto const found = words.find(name);
    return found == words.end() ? ascii::to_lower(name) : found->second;
}

std::string decoded(std::string const& text) {
    std::string out;
    mail::Base64Decoder decoder;
    decoder.feed(text, out);
    decoder.finish(out);
    return out;
}

std::vector<std::string> list_of(json::value const& value) {
    std::vector<std::string> out;
    for (auto const& item : value.as_array()) out.push_back(normal(text_of(item)));
    return out;
}

void compare(Parsed const& parsed, json::object const& expected) {
    auto const& r = parsed.report;
    auto const text = [&](char const* name) { return text_of(expected.at(name)); };
    EXPECT_EQ(r.feedback_type, word_of(text("feedback_type")));
    EXPECT_EQ(r.user_agent, text("user_agent"));
    EXPECT_EQ(r.version, expected.at("version").to_number<std::uint32_t>());
    EXPECT_EQ(r.incidents, expected.at("incidents").to_number<std::uint32_t>());
    auto const& arrival = expected.at("arrival_date");
    EXPECT_EQ(r.arrival.has_value(), !arrival.is_null());
    if (r.arrival && !arrival.is_null()) {
        EXPECT_EQ(to_millis(*r.arrival) / 1000, arrival.to_number<std::int64_t>());
    }
    EXPECT_EQ(r.original_envelope_id, text("original_envelope_id"));
    EXPECT_EQ(r.original_mail_from, without_brackets(text("original_mail_from")));
    EXPECT_EQ(r.original_rcpt_to.empty() ? "" : r.original_rcpt_to.front(),
              without_brackets(text("original_rcpt_to")));
    EXPECT_EQ(r.reported_domain, list_of(expected.at("reported_domain")));
    EXPECT_EQ(r.reported_uri, list_of(expected.at("reported_uri")));
    EXPECT_EQ(r.reporting_mta, text("reporting_mta"));
    EXPECT_EQ(r.source_ip, text("source_ip"));
    EXPECT_EQ(r.source_port, expected.at("source_port").to_number<std::uint16_t>());
    std::vector<std::string> results;
    for (auto const& one : r.authentication_results) results.push_back(normal(one));
    EXPECT_EQ(results, list_of(expected.at("authentication_results")));
    EXPECT_EQ(r.auth_failure, word_of(text("auth_failure")));
    EXPECT_EQ(r.delivery_result, word_of(text("delivery_result")));
    EXPECT_EQ(r.identity_alignment, word_of(text("identity_alignment")));
    EXPECT_EQ(r.dkim_domain, text("dkim_domain"));
    EXPECT_EQ(r.dkim_identity, text("dkim_identity"));
    EXPECT_EQ(r.dkim_selector, text("dkim_selector"));
    EXPECT_EQ(r.dkim_canonicalized_body, decoded(text("dkim_canonicalized_body")));
    EXPECT_EQ(r.dkim_canonicalized_header, decoded(text("dkim_canonicalized_header")));
    EXPECT_EQ(r.spf_dns, text("spf_dns"));
    // They give the enclosed header only where it came as text/rfc822-headers.
    if (expected.at("headers").is_string()) {
        EXPECT_EQ(normal(parsed.original.block()), normal(text("headers")));
    } else {
        EXPECT_TRUE(parsed.has_body);
    }
}

TEST(ArfConformance, ReportsOfTheSuite) {
    auto const folder = data() / "reports-mailauth-rs" / "arf";
    if (!std::filesystem::exists(folder)) GTEST_SKIP() << folder << " is not there";
    int cases = 0;
    for (auto const& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() != ".eml") continue;
        SCOPED_TRACE(entry.path().filename());
        auto const parsed = parse(read(entry.path()));
        ASSERT_TRUE(parsed);
        auto expected = entry.path();
        expected.replace_extension(".json");
        compare(*parsed, json::parse(read(expected)).as_object());
        ++cases;
    }
    EXPECT_EQ(cases, 5);
}

}  // namespace
}  // namespace dawk::arf
