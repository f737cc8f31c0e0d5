#include "dawk/arc/arc.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include <gtest/gtest.h>

#include "dawk/base/ascii.hpp"

namespace dawk::arc {
namespace {

auto const now = from_millis(1'700'000'000'000);

struct Fixture : ::testing::Test {
    std::map<std::string, std::string> keys;
    std::string message =
        "From: Joe <joe@example.org>\r\nTo: list@lists.test\r\nSubject: Hi\r\n\r\nText.\r\n";

    dkim::SigningKey key(std::string domain) {
        static auto const ed = std::make_shared<crypto::PrivateKey const>(
            crypto::PrivateKey::generate(crypto::KeyKind::ed25519));
        dkim::SigningKey out;
        out.domain = std::move(domain);
        out.selector = "arc";
        out.key = ed;
        keys["arc._domainkey." + out.domain] = dkim::key_record(*ed);
        return out;
    }
    dns::Answer look_up(dns::Question const& question) const {
        dns::Answer answer;
        auto const found = keys.find(question.name);
        answer.status = found == keys.end() ? dns::Status::nxdomain : dns::Status::ok;
        if (found != keys.end()) answer.texts = {found->second};
        return answer;
    }
    Verdict verify(std::string const& text) const {
        auto const section = mail::HeaderSection::parse(text).value();
        dkim::Options options;
        options.now = now;
        Verifier verifier(section, options);
        verifier.body(std::string_view(text).substr(section.body_offset()));
        return dns::run(verifier.finish(), [this](auto const& q) { return look_up(q); });
    }
    std::string sealed(std::string const& text, std::string domain) {
        auto const chain = verify(text);
        auto const section = mail::HeaderSection::parse(text).value();
        Sealer sealer(key(domain), section, now);
        sealer.body(std::string_view(text).substr(section.body_offset()));
        return sealer.finish(chain, domain, "spf=pass smtp.mailfrom=example.org").value() + text;
    }
};

TEST_F(Fixture, AChainGrowsAndHolds) {
    EXPECT_EQ(verify(message).result, Result::none);
    auto text = sealed(message, "a.test");
    text = sealed(text, "b.test");
    text = sealed(text, "c.test");
    auto const verdict = verify(text);
    EXPECT_EQ(verdict.result, Result::pass) << verdict.reason;
    EXPECT_EQ(verdict.sealers, (std::vector<std::string>{"a.test", "b.test", "c.test"}));
    EXPECT_EQ(verdict.oldest_pass, 0U);
    EXPECT_EQ(verdict.last_results, "i=3; c.test; spf=pass smtp.mailfrom=example.org");
}

TEST_F(Fixture, AForwarderMayChangeTheMessageAndSealAgain) {
    auto text = sealed(message, "a.test");
    text += "-- \r\na list's footer\r\n";
    EXPECT_EQ(verify(text).result, Result::fail);
    // As a list does it: it verified before it changed.
    auto const section = mail::HeaderSection::parse(text).value();
    Sealer sealer(key("list.test"), section, now);
    sealer.body(std::string_view(text).substr(section.body_offset()));
    Verdict chain;
    chain.result = Result::pass;
    auto const verdict = verify(sealer.finish(chain, "list.test", "arc=pass").value() + text);
    EXPECT_EQ(verdict.result, Result::pass) << verdict.reason;
    EXPECT_EQ(verdict.oldest_pass, 2U);
}

TEST_F(Fixture, AnyBreakFailsTheChain) {
    auto const text = sealed(sealed(message, "a.test"), "b.test");
    auto const changed = [&](std::string_view from, std::string_view to) {
        auto copy = text;
        auto const at = copy.find(from);
        EXPECT_NE(at, copy.npos) << from;
        return verify(copy.replace(at, from.size(), to)).result;
    };
    EXPECT_EQ(changed("Subject: Hi", "Subject: Ho"), Result::fail);
    EXPECT_EQ(changed("Text.", "Test."), Result::fail);
    EXPECT_EQ(changed("i=1; a.test; spf=pass", "i=1; a.test; spf=fail"), Result::fail);
    EXPECT_EQ(changed("cv=pass", "cv=none"), Result::fail);
    EXPECT_EQ(changed("d=b.test; s=arc; t=1", "d=b.test; s=arc; t=x"), Result::fail);
    EXPECT_EQ(changed("cv=pass; d=b.test;", "cv=pass; h=from; d=b.test;"), Result::fail);
    EXPECT_EQ(changed("ARC-Seal: i=2", "X-Seal: i=2"), Result::fail);
    EXPECT_EQ(changed("ARC-Seal: i=1", "ARC-Seal: i=3"), Result::fail);
    EXPECT_EQ(changed("ARC-Seal: i=2", "ARC-Seal: i=51"), Result::fail);
    EXPECT_EQ(verify(text.substr(0, text.find("ARC-Message")) + text).result, Result::fail)
        << "a field twice";
    keys.erase("arc._domainkey.a.test");
    EXPECT_EQ(verify(text).result, Result::fail);
}

TEST_F(Fixture, CommentsMayStandAroundTheInstanceOfResults) {
    auto text = sealed(message, "a.test");
    auto const at = text.find("ARC-Authentication-Results: i=1;");
    text.replace(at, 32, "ARC-Authentication-Results: (a;b) i (i=2) = 1 ;");
    EXPECT_EQ(verify(text).reason, "the seal is broken in set 1") << "read, and known as changed";
    text.replace(text.find("= 1 ;"), 5, "= 0 ;");
    EXPECT_EQ(verify(text).reason, "an ARC field without a valid i=");
}

TEST_F(Fixture, WhoDoesNotSignFromSealsNothing) {  // RFC 8617 §4.1.2, RFC 6376 §3.5
    auto const section = mail::HeaderSection::parse(message).value();
    auto with = key("a.test");
    with.oversigned = {"To", "Subject"};
    Sealer sealer(with, section, now);
    sealer.body("Text.\r\n");
    auto const seal = sealer.finish({}, "a.test", "spf=pass").value();
    EXPECT_EQ(verify(seal + message).reason, "From is not signed in set 1");
}

TEST_F(Fixture, AFailedChainIsSealedAsFailedOnce) {
    auto text = sealed(message, "a.test") + "changed\r\n";
    text = sealed(text, "b.test");
    EXPECT_NE(text.find("cv=fail"), text.npos);
    auto const verdict = verify(text);
    EXPECT_EQ(verdict.result, Result::fail);
    EXPECT_EQ(sealed(text, "c.test"), text) << "nothing is added to a chain that is closed";
}

std::string read(std::filesystem::path const& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::string crlf(std::string_view text) {
    std::string out;
    for (char const c : text) {
        if (c == '\n' && !out.ends_with('\r')) out += '\r';
        out += c;
    }
    return out;
}

// Messages of an outside suite that carry their keys with them (see its SOURCE.txt).
TEST(ArcConformance, MessagesWithTheirKeys) {
    auto const* const given = std::getenv("DAWK_TESTDATA");
    auto const folder =
        std::filesystem::path(given != nullptr ? given : DAWK_SOURCE_DIR "/../shared/testdata") /
        "dkim-mailauth-rs" / "arc";
    if (!std::filesystem::exists(folder)) GTEST_SKIP() << folder << " is not there";
    int count = 0;
    for (auto const& file : std::filesystem::directory_iterator(folder)) {
        auto const text = read(file.path());
        std::map<std::string, std::string> keys;
        std::size_t at = 0;
        for (;;) {
            auto const end = text.find('\n', at);
            auto const line = std::string(ascii::trim(std::string_view(text).substr(at, end - at)));
            at = end + 1;
            if (line.empty()) break;
            keys[line.substr(0, line.find(' '))] = line.substr(line.find(' ') + 1);
        }
        auto const message = crlf(std::string_view(text).substr(at));
        auto const section = mail::HeaderSection::parse(message).value();
        Verifier verifier(section, dkim::Options());
        verifier.body(std::string_view(message).substr(section.body_offset()));
        auto const verdict = dns::run(verifier.finish(), [&](dns::Question const& question) {
            dns::Answer answer;
            auto const found = keys.find(question.name);
            answer.status = found == keys.end() ? dns::Status::nxdomain : dns::Status::ok;
            if (found != keys.end()) answer.texts = {found->second};
            return answer;
        });
        EXPECT_EQ(verdict.result, Result::pass) << file.path() << verdict.reason;
        ++count;
    }
    EXPECT_EQ(count, 2);
}

}  // namespace
}  // namespace dawk::arc
