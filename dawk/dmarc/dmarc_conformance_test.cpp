// Tables of outside suites (see their SOURCE.txt): records and alignment of dmarc-opendmarc, and
// the public suffix list's own cases (psl). Both are older than RFC 9989; where it decides
// otherwise, the table below says so.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "dawk/base/ascii.hpp"
#include "dawk/dmarc/dmarc.hpp"
#include "dawk/mail/idna.hpp"

namespace dawk::dmarc {
namespace {

std::filesystem::path data() {
    auto const* const given = std::getenv("DAWK_TESTDATA");
    return given != nullptr ? given : DAWK_SOURCE_DIR "/../shared/testdata";
}

// The lines below the first, split at tabs.
std::vector<std::vector<std::string>> table(std::filesystem::path const& path) {
    std::vector<std::vector<std::string>> out;
    std::ifstream in(path);
    std::string line;
    std::getline(in, line);
    while (std::getline(in, line)) {
        std::vector<std::string> cells;
        std::istringstream words(line);
        for (std::string cell; std::getline(words, cell, '\t');) cells.push_back(cell);
        out.push_back(std::move(cells));
    }
    return out;
}

TEST(DmarcConformance, RecordsOfOpenDmarc) {
    auto const path = data() / "dmarc-opendmarc" / "record-parse.tsv";
    if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not there";
    // What OpenDMARC refuses and RFC 9989 takes, or the other way round.
    std::map<std::string, std::string> const exceptions{
        {"v=DMARC1; p=n;", "abbreviated words are no values (RFC 9989 §4.8)"},
        {"v=DMARC1; p=none; adkim=bob;", "a bad value is ignored (RFC 9989 §4.7)"},
        {"v=DMARC1; p=none; aspf=bob;", "the same"},
        {"v=DMARC1; p=none; rf=bob;", "the tag is gone (RFC 9989 §4.8), so it is ignored"},
        {"v=DMARC1; p=none; rf=000000000000000000000000000000000", "the same"},
        {"v=DMARC1; p=none; ri=bob;", "the same"},
        {"v=DMARC1; p=none; pct=500;", "the same"},
    };
    int cases = 0, differing = 0;
    for (auto const& cells : table(path)) {
        if (cells.size() != 2) continue;
        ++cases;
        bool const theirs = cells[1] == "DMARC_PARSE_OKAY";
        auto const record = parse_record(cells[0]).record;
        bool const ours = record && record->applies;
        bool const is_exception = exceptions.contains(cells[0]);
        differing += is_exception ? 1 : 0;
        EXPECT_EQ(ours, is_exception ? !theirs : theirs) << cells[0];
    }
    EXPECT_GE(cases, 18);
    EXPECT_EQ(differing, 7);
}

// The longest end of two or more labels that both names have.
std::string common_end(std::string const& a, std::string const& b) {
    for (auto rest = a;;) {
        if (rest.find('.') == rest.npos) return {};
        if (b == rest || b.ends_with("." + rest)) return rest;
        rest = rest.substr(rest.find('.') + 1);
    }
}

TEST(DmarcConformance, AlignmentOfOpenDmarc) {
    auto const path = data() / "dmarc-opendmarc" / "alignment.tsv";
    if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not there";
    int cases = 0;
    for (auto const& cells : table(path)) {
        ASSERT_EQ(cells.size(), 4U);
        // Exception: a name with empty labels is no domain; such a From field is a permerror
        // before anything is compared (RFC 9989 §5.3.1).
        if (cells[0].starts_with('.') || cells[0].find("..") != std::string::npos) {
            auto const header = mail::HeaderSection::parse("From: a@" + cells[0] + "\r\n\r\n");
            EXPECT_FALSE(author_domains(*header).problem.empty()) << cells[0];
            continue;
        }
        ++cases;
        // The organization publishes one record, at its top.
        auto const top = common_end(cells[0], cells[1]);
        Input input;
        input.authors.domains = {cells[0]};
        input.dkim_passed = {cells[1]};
        auto const strict = std::string(cells[2] == "strict" ? "s" : "r");
        auto const verdict = dns::run(evaluate(input), [&](dns::Question const& question) {
            dns::Answer answer;
            answer.status = dns::Status::nxdomain;
            bool const has_record = question.name == "_dmarc." + top ||
                                    (top.empty() && question.name == "_dmarc." + cells[0]);
            if (question.type == dns::Type::txt && has_record) {
                answer.status = dns::Status::ok;
                answer.texts = {"v=DMARC1; p=reject; adkim=" + strict};
            }
            return answer;
        });
        EXPECT_EQ(verdict.dkim_aligned, cells[3] == "yes") << cells[0] << " " << cells[1];
    }
    EXPECT_EQ(cases, 7);
}

class Suffixes {
  public:
    explicit Suffixes(std::filesystem::path const& path) {
        std::ifstream in(path);
        for (std::string line; std::getline(in, line);) {
            if (line.empty() || line.starts_with("//")) continue;
            auto rule = line.substr(0, line.find_first_of(" \t\r"));
            auto& rules = rule[0] == '!' ? exceptions_ : rule[0] == '*' ? wildcards_ : names_;
            if (rule[0] == '!') rule.erase(0, 1);
            if (rule.starts_with("*.")) rule.erase(0, 2);
            if (auto const name = mail::to_a_labels(rule)) rules.insert(*name);
        }
    }
    // A name of the list's exceptions: an organization in a place of public suffixes.
    bool is_exception(std::string const& name) const { return exceptions_.contains(name); }
    bool has(std::string const& name) const {
        if (exceptions_.contains(name)) return false;
        auto const dot = name.find('.');
        if (names_.contains(name)) return true;
        if (dot == name.npos) return true;  // the rule "*", for what no rule names
        return wildcards_.contains(name.substr(dot + 1));
    }

  private:
    std::set<std::string> names_, wildcards_, exceptions_;
};

// RFC 9989 has no list: public suffixes say psd=y themselves (§4.8, §4.10.2), and organizations
// that stand where others have suffixes say psd=n. In a world where all of the list do, the tree
// walk must find what the list's own cases ask for.
TEST(DmarcConformance, TheTreeWalkFindsWhatThePublicSuffixListDoes) {
    auto const folder = data() / "psl";
    if (!std::filesystem::exists(folder)) GTEST_SKIP() << folder << " is not there";
    Suffixes const suffixes(folder / "public_suffix_list.dat");
    std::ifstream in(folder / "tests" / "test_psl.txt");
    int cases = 0, alone = 0;
    for (std::string line; std::getline(in, line);) {
        if (!line.starts_with("checkPublicSuffix('")) continue;  // and null input, which is none
        auto const open = line.find('\''), close = line.find('\'', open + 1);
        auto const name = line.substr(open + 1, close - open - 1);
        auto const second = line.find('\'', close + 1);
        auto const expected =
            second == line.npos ? std::string()
                                : line.substr(second + 1, line.find('\'', second + 1) - second - 1);
        if (name.starts_with('.')) continue;  // Exception: no domain; refused before any walk
        auto const domain = ascii::to_lower(mail::to_a_labels(name).value());
        auto const found = dns::run(organizational_domain(domain), [&](auto const& question) {
            dns::Answer answer;
            answer.status = dns::Status::nxdomain;
            auto const at = question.name.substr(std::string_view("_dmarc.").size());
            if (suffixes.has(at) || suffixes.is_exception(at)) {
                answer.status = dns::Status::ok;
                answer.texts = {suffixes.has(at) ? "v=DMARC1; p=none; psd=y"
                                                 : "v=DMARC1; p=none; psd=n"};
            }
            return answer;
        });
        // A public suffix itself has no organization above it: it stands for itself, where the
        // list's cases say null.
        if (expected.empty()) {
            ++alone;
            EXPECT_EQ(found, domain) << name;
        } else {
            ++cases;
            EXPECT_EQ(found, ascii::to_lower(mail::to_a_labels(expected).value())) << name;
        }
    }
    EXPECT_GE(cases, 45);
    EXPECT_GE(alone, 15);
}

}  // namespace
}  // namespace dawk::dmarc
