// The signing suite of ValiMail: what it seals must verify here, and our sealer must come to the
// same instance, chain state, body hash and fields. Exception: the octets of b= are not compared.
// The suite computes them for tags in alphabetical order and one layout of its fields, which
// RFC 8617 leaves to the sealer ("Signing Header Format Standardization" in its README); that we
// canonicalize alike is shown by verifying its b=. What it calls ar_merged joins several
// Authentication-Results of one host; our sealer is given one result line by its caller, so there
// only the seals are checked.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include <gtest/gtest.h>

#include "dawk/arc/arc.hpp"
#include "dawk/base/ascii.hpp"
#include "dawk/dkim/tags.hpp"

namespace dawk::arc {
namespace {

using Map = std::map<std::string, std::string>;

struct Case {
    std::string name;
    Map values;
};
struct Scenario {
    Map values;
    std::vector<Case> cases;
};

// As much of YAML as the suite uses: mappings by indentation and "|" blocks.
class Suite {
  public:
    explicit Suite(std::string const& text) {
        std::size_t at = 0;
        while (at < text.size()) {
            auto const end = std::min(text.find('\n', at), text.size());
            lines_.push_back(text.substr(at, end - at));
            at = end + 1;
        }
        while (at_ < lines_.size()) read();
    }
    std::vector<Scenario> const& scenarios() const { return scenarios_; }

  private:
    static std::size_t indent(std::string const& line) {
        return std::min(line.find_first_not_of(' '), line.size());
    }
    std::string block(std::size_t outer) {
        std::string out;
        std::size_t inner = 0;
        for (; at_ < lines_.size(); ++at_) {
            auto const& line = lines_[at_];
            if (ascii::trim(line).empty()) {
                out += "\r\n";
                continue;
            }
            if (indent(line) <= outer) break;
            if (inner == 0) inner = indent(line);
            out += line.substr(inner) + "\r\n";
        }
        while (out.ends_with("\r\n\r\n")) out.resize(out.size() - 2);
        return out;
    }
    void read() {
        auto const line = lines_[at_++];
        if (scenarios_.empty() || line == "---") scenarios_.emplace_back();
        auto const colon = line.find(':');
        if (line.starts_with("---") || ascii::trim(line).empty() || colon == line.npos) return;
        auto const depth = indent(line);
        auto const name = std::string(ascii::trim(line.substr(0, colon)));
        auto value = std::string(ascii::trim(line.substr(colon + 1)));
        if (value == "|" || value == ">-") value = block(depth);
        auto& scenario = scenarios_.back();
        bool const in_records = scenario.values.contains("txt-records");
        if (depth == 0 || (depth == 2 && in_records)) {
            scenario.values[name] = value;
        } else if (depth == 2) {
            scenario.cases.push_back({name, {}});
        } else if (depth == 4) {
            scenario.cases.back().values[name] = value;
        }
    }
    std::vector<std::string> lines_;
    std::size_t at_ = 0;
    std::vector<Scenario> scenarios_;
};

Verdict verify(std::string const& message, Scenario const& scenario) {
    auto const section = mail::HeaderSection::parse(message).value();
    dkim::Options options;
    options.now = from_millis(1'500'000'000'000);
    Verifier verifier(section, options);
    verifier.body(std::string_view(message).substr(section.body_offset()));
    return dns::run(verifier.finish(), [&](dns::Question const& question) {
        dns::Answer answer;
        auto const found = scenario.values.find(question.name);
        answer.status = found == scenario.values.end() ? dns::Status::nxdomain : dns::Status::ok;
        if (found != scenario.values.end()) answer.texts = {dkim::without_space(found->second)};
        return answer;
    });
}

// The layout that the suite's b= are computed for: one space behind each semicolon, no other.
std::string tags_field(std::string const& name, std::string const& value) {
    std::string out = name + ":";
    auto const tags = dkim::TagList::parse(value);
    if (!tags) return out + "\r\n";
    for (auto const& [key, text] : tags->all())
        out +=
            (out.ends_with(':') ? " " : "; ") + std::string(key) + "=" + dkim::without_space(text);
    return out + "\r\n";
}
// Lines as a field that is folded.
std::string folded_field(std::string const& name, std::string const& value) {
    std::string out = name + ": ";
    for (std::size_t i = 0; i < value.size(); ++i) {
        out += value[i];
        if (value[i] == '\n' && i + 1 < value.size()) out += ' ';
    }
    return out;
}

std::string tag(std::string_view fields, std::string_view field_name, std::string_view name) {
    auto const section = mail::HeaderSection::parse(fields).value();
    auto const found = section.first(field_name);
    if (!found) return {};
    auto const tags = dkim::TagList::parse(found->body);
    auto const value = tags ? tags->get(name) : std::nullopt;
    return value ? dkim::without_space(*value) : std::string();
}

std::string seal(Case const& one, Scenario const& scenario, Verdict const& chain) {
    auto const& message = one.values.at("message");
    auto const section = mail::HeaderSection::parse(message).value();
    dkim::SigningKey key;
    key.domain = scenario.values.at("domain");
    key.selector = scenario.values.at("sel");
    key.key = std::make_shared<crypto::PrivateKey const>(
        crypto::PrivateKey::from_pem(scenario.values.at("privatekey")).value());
    key.oversigned = {};
    key.fields = dkim::colon_list(one.values.at("sig-headers"));
    Sealer sealer(key, section,
                  from_millis(1000 * ascii::to_number<std::int64_t>(one.values.at("t")).value()));
    sealer.body(std::string_view(message).substr(section.body_offset()));
    auto const results = section.value("Authentication-Results");
    auto const after = results.find(';');
    return sealer.finish(chain, one.values.at("srv-id"), results.substr(after + 2)).value();
}

void compare(Case const& one, std::string const& ours, std::string const& theirs) {
    for (auto const* name : {"i", "cv", "a", "d", "s", "t"})
        EXPECT_EQ(tag(ours, "ARC-Seal", name), tag(theirs, "ARC-Seal", name)) << one.name << name;
    for (auto const* name : {"i", "a", "d", "s", "t", "c", "h", "bh"})
        EXPECT_EQ(tag(ours, "ARC-Message-Signature", name),
                  tag(theirs, "ARC-Message-Signature", name))
            << one.name << name;
}

TEST(ArcConformance, TheSigningSuiteOfValiMail) {
    auto const* const given = std::getenv("DAWK_TESTDATA");
    auto const file =
        std::filesystem::path(given != nullptr ? given : DAWK_SOURCE_DIR "/../shared/testdata") /
        "arc-valimail" / "tests" / "arc-draft-sign-tests.yml";
    std::ifstream in(file, std::ios::binary);
    if (!in) GTEST_SKIP() << file << " is not there";
    Suite const suite(std::string(std::istreambuf_iterator<char>(in), {}));
    int cases = 0;
    for (auto const& scenario : suite.scenarios()) {
        for (auto const& one : scenario.cases) {
            ++cases;
            auto const& message = one.values.at("message");
            auto const chain = verify(message, scenario);
            auto const ours = seal(one, scenario, chain);
            if (ascii::trim(one.values.at("AS")).empty()) {
                EXPECT_EQ(ours, "") << one.name << ": a chain that failed stays as it is";
                continue;
            }
            auto const theirs = tags_field("ARC-Seal", one.values.at("AS")) +
                                tags_field("ARC-Message-Signature", one.values.at("AMS")) +
                                folded_field("ARC-Authentication-Results", one.values.at("AAR"));
            compare(one, ours, theirs);
            bool const good = tag(theirs, "ARC-Seal", "cv") != "fail";
            auto const wanted = good ? Result::pass : Result::fail;
            auto const of_theirs = verify(theirs + message, scenario);
            EXPECT_EQ(of_theirs.result, wanted) << one.name << ": " << of_theirs.reason;
            auto const of_ours = verify(ours + message, scenario);
            EXPECT_EQ(of_ours.result, wanted) << one.name << ": " << of_ours.reason;
        }
    }
    EXPECT_EQ(cases, 17);
}

}  // namespace
}  // namespace dawk::arc
