#include "cmd/dawk/dkim_rotation.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "dawk/dkim/sign.hpp"

#include "cmd/dawk/run_fixture.hpp"

namespace dawk::cmd {
namespace {

using crypto::KeyKind;
using ::testing::HasSubstr;
using State = StoredKey::State;

constexpr std::int64_t day = 24 * 3600;
constexpr std::int64_t now = 20'000 * day;

StoredKey key(std::string selector, State state, std::int64_t age_days,
              KeyKind kind = KeyKind::rsa) {
    StoredKey out;
    out.selector = std::move(selector);
    out.state = state;
    out.kind = kind;
    out.bits = 2048;
    out.since = now - age_days * day;
    return out;
}

// "activate b, retire a"
std::string planned(std::vector<StoredKey> const& keys,
                    std::map<std::string, Published> const& dns = {}, RotationRule rule = {}) {
    std::string out;
    for (auto const& step : plan(keys, dns, now, rule))
        out += (out.empty() ? "" : ", ") + std::string(to_string(step.what)) +
               (step.selector.empty() ? "" : " " + step.selector);
    return out;
}

Published const right{Published::Kind::right, ""};
Published const missing{Published::Kind::missing, "there is no record"};

TEST(DkimRotation, EachStepInItsTime) {
    EXPECT_EQ(planned({}), "");
    EXPECT_EQ(planned({key("a", State::fresh, 0)}), "wait a");
    EXPECT_EQ(planned({key("a", State::fresh, 0)}, {{"a", missing}}), "wait a");
    EXPECT_EQ(planned({key("a", State::fresh, 0)}, {{"a", right}}), "activate a");
    EXPECT_EQ(planned({key("a", State::active, 179)}), "wait a");
    EXPECT_EQ(planned({key("a", State::active, 180)}), "create");
    std::vector const both{key("a", State::active, 181), key("b", State::fresh, 1)};
    EXPECT_EQ(planned(both, {{"b", missing}}), "wait b") << "a goes on signing";
    EXPECT_EQ(planned(both, {{"b", right}}), "activate b, retire a");
    std::vector const after{key("a", State::retired, 13), key("b", State::active, 13)};
    EXPECT_EQ(planned(after), "wait a, wait b");
    EXPECT_EQ(planned({key("a", State::retired, 14), key("b", State::active, 14)}),
              "remove a, wait b");
}

TEST(DkimRotation, AlgorithmsGoTheirOwnWays) {
    EXPECT_EQ(planned({key("r", State::active, 200), key("e", State::active, 1, KeyKind::ed25519)}),
              "create, wait e");
    EXPECT_EQ(planned({key("r", State::active, 1), key("e", State::fresh, 1, KeyKind::ed25519)},
                      {{"e", right}}),
              "wait r, activate e");
}

TEST(DkimRotation, SelectorsSayKindAndDay) {
    EXPECT_EQ(new_selector(KeyKind::rsa, 1'795'341'878, {}), "r20261122");
    EXPECT_EQ(
        new_selector(KeyKind::ed25519, 1'795'341'878,
                     {key("e20261122", State::active, 0), key("e20261122-2", State::fresh, 0)}),
        "e20261122-3");
}

TEST(DkimRotation, RecordsAreCutIntoStrings) {
    EXPECT_EQ(zone_line("s._domainkey.a.test", "v=DKIM1; p=x"),
              "s._domainkey.a.test. 3600 IN TXT \"v=DKIM1; p=x\"\n");
    auto const strings = strings_of(std::string(600, 'x'));
    ASSERT_EQ(strings.size(), 3U);
    EXPECT_EQ(strings[0].size(), 255U);
    EXPECT_EQ(strings[2].size(), 90U);
}

TEST(DkimRotation, WhatDnsSaysIsTriedWithTheKey) {
    auto const mine = crypto::PrivateKey::generate(KeyKind::ed25519);
    auto const record = dkim::key_record(mine);
    auto const kind = [&](std::vector<std::string> const& texts) {
        return to_string(judge_published(texts, mine).kind);
    };
    EXPECT_EQ(kind({record}), "right");
    EXPECT_EQ(kind({"k=ed25519;" + record.substr(record.find(" p="))}), "right")
        << "its meaning counts";
    EXPECT_EQ(kind({}), "missing");
    EXPECT_EQ(kind({record, record}), "wrong");
    EXPECT_EQ(kind({dkim::key_record(crypto::PrivateKey::generate(KeyKind::ed25519))}), "wrong");
    EXPECT_EQ(kind({"v=DKIM1; k=ed25519; p="}), "wrong") << "revoked";
    EXPECT_EQ(kind({"v=spf1 -all"}), "wrong");
    EXPECT_THAT(judge_published({record + "; t=y"}, mine).reason, HasSubstr("only a test"));
}

struct DkimCommand : CommandLine {
    DkimCommand() { std::filesystem::create_directory("state"); }
    Ran dkim(std::vector<std::string> words) {
        words.insert(words.begin(), "dkim");
        words.insert(words.end(), {"--state-dir", "state"});
        return dawk(words);
    }
};

TEST_F(DkimCommand, MakesKeysThatOnlyTheServerCanRead) {
    auto const made =
        dkim({"generate", "Example.ORG", "--algorithm", "ed25519", "--selector", "s"});
    EXPECT_EQ(made.code, 0) << made.err;
    EXPECT_THAT(made.out,
                HasSubstr("s._domainkey.example.org. 3600 IN TXT \"v=DKIM1; k=ed25519; p="));
    EXPECT_THAT(made.err, HasSubstr("dawk dkim rotate example.org"));
    struct stat info {};
    ASSERT_EQ(::stat("state/dkim/example.org/s.pem", &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0600U);
    ASSERT_EQ(::stat("state/dkim/example.org", &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0700U);
    EXPECT_EQ(dkim({"show"}).out, made.out);
    auto const again = dkim({"generate", "example.org", "--algorithm", "rsa", "--selector", "s"});
    EXPECT_EQ(again.code, 65) << "no key is ever written over";
    EXPECT_THAT(again.err, HasSubstr("s.pem"));
    EXPECT_EQ(dkim({"show"}).out, made.out);
}

TEST_F(DkimCommand, RefusesWhatIsWrong) {
    EXPECT_EQ(dkim({"generate", "../evil"}).code, 64);
    EXPECT_EQ(dkim({"generate", "nodots"}).code, 64);
    EXPECT_EQ(dkim({"generate", "a.test", "--selector", "x"}).code, 64) << "two keys, one name";
    EXPECT_EQ(dkim({"generate", "a.test", "--algorithm", "rsa", "--selector", "../x"}).code, 65);
    EXPECT_EQ(dkim({"generate", "a.test", "--algorithm", "dsa"}).code, 64);
    EXPECT_EQ(dkim({"show", "a.test"}).code, 67);
    EXPECT_EQ(dkim({"rotate", "a.test"}).code, 67);
    ASSERT_EQ(dkim({"generate", "a.test", "--algorithm", "ed25519", "--selector", "s"}).code, 0);
    EXPECT_EQ(dkim({"rotate", "--every", "soon", "--without-dns"}).code, 64);
    write("state/dkim/a.test/keys.json", "{\"keys\":[{\"selector\":\"../../x\"}]}");
    EXPECT_EQ(dkim({"show"}).code, 65);
    write("state/dkim/a.test/keys.json", std::string(100'000, '['));
    EXPECT_EQ(dkim({"show"}).code, 65);
}

TEST_F(DkimCommand, AnExposedKeyIsRefused) {
    ASSERT_EQ(dkim({"generate", "a.test", "--algorithm", "ed25519", "--selector", "s"}).code, 0);
    ASSERT_EQ(::chmod("state/dkim/a.test/s.pem", 0644), 0);
    auto const shown = dkim({"show"});
    EXPECT_EQ(shown.code, 77);
    EXPECT_THAT(shown.err, HasSubstr("s.pem: refused, every user of this machine"));
}

}  // namespace
}  // namespace dawk::cmd
