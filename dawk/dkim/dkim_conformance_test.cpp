// Signed messages of outside suites (see their SOURCE.txt): messages that carry their keys with
// them, and the vectors of RFC 6376 and RFC 8463 with the keys the standards give.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include <gtest/gtest.h>

#include "dawk/dkim/verify.hpp"

namespace dawk::dkim {
namespace {

std::filesystem::path data() {
    auto const* const given = std::getenv("DAWK_TESTDATA");
    return given != nullptr ? given : DAWK_SOURCE_DIR "/../shared/testdata";
}

std::string read(std::filesystem::path const& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::string crlf(std::string const& text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r')) out += '\r';
        out += text[i];
    }
    return out;
}

std::vector<Verdict> verify(std::string const& message,
                            std::map<std::string, std::string> const& keys) {
    auto const section = mail::HeaderSection::parse(message).value();
    Options options;
    options.now = from_millis(1'300'000'000'000);
    // The messages are of many years: each is read at the time of its last signature.
    for (auto const& field : section.find("DKIM-Signature")) {
        auto const signature = parse_signature(field.body);
        if (!signature || !signature->signed_at) continue;
        options.now = std::max(options.now, from_millis(*signature->signed_at * 1000));
    }
    Verifier verifier(section, options);
    verifier.body(std::string_view(message).substr(section.body_offset()));
    return dns::run(verifier.finish(), [&keys](dns::Question const& question) {
        dns::Answer answer;
        auto const found = keys.find(question.name);
        answer.status = found == keys.end() ? dns::Status::nxdomain : dns::Status::ok;
        if (found != keys.end()) answer.texts = {found->second};
        return answer;
    });
}

TEST(DkimConformance, MessagesWithTheirKeys) {
    auto const folder = data() / "dkim-mailauth-rs" / "dkim";
    if (!std::filesystem::exists(folder)) GTEST_SKIP() << folder << " is not there";
    int messages = 0;
    for (auto const& file : std::filesystem::directory_iterator(folder)) {
        auto const text = read(file.path());
        std::map<std::string, std::string> keys;
        std::size_t at = 0;
        while (true) {  // "name record" lines, a blank line, the message
            auto const end = text.find('\n', at);
            auto line = text.substr(at, end - at);
            if (line.ends_with('\r')) line.pop_back();
            at = end + 1;
            if (line.empty()) break;
            keys[line.substr(0, line.find(' '))] = line.substr(line.find(' ') + 1);
        }
        auto const verdicts = verify(crlf(text.substr(at)), keys);
        EXPECT_FALSE(verdicts.empty()) << file.path();
        for (auto const& v : verdicts) {
            EXPECT_EQ(v.result, Result::pass) << file.path() << " " << v.domain << ": " << v.reason;
        }
        ++messages;
    }
    EXPECT_EQ(messages, 6);
}

TEST(DkimConformance, VectorsOfTheStandards) {
    auto const folder = data() / "dkim-dkimpy" / "data";
    if (!std::filesystem::exists(folder)) GTEST_SKIP() << folder << " is not there";
    // RFC 8463 appendix A.2 gives the keys of football.example.com.
    std::map<std::string, std::string> const keys = {
        {"brisbane._domainkey.football.example.com",
         "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="},
    };
    auto const verdicts = verify(crlf(read(folder / "rfc6376.signed.msg")), keys);
    ASSERT_FALSE(verdicts.empty());
    EXPECT_EQ(verdicts.front().result, Result::pass) << verdicts.front().reason;
}

}  // namespace
}  // namespace dawk::dkim
