#include <gtest/gtest.h>

#include "dawk/sasl/client.hpp"
#include "dawk/sasl/server.hpp"

namespace dawk::sasl {
namespace {

using Step = ServerMechanism::Step;
using namespace std::string_literals;
using namespace std::string_view_literals;

Step plain(std::string_view message) {
    return make_server("PLAIN")->step(message);
}

TEST(SaslPlain, TakesNameAndPassword) {  // RFC 4616 §2
    auto m = make_server("plain");
    ASSERT_EQ(m->step("\0tim\0tanstaaftanstaaf"sv), Step::verify);
    EXPECT_EQ(m->credentials().name, "tim");
    EXPECT_EQ(m->credentials().password, "tanstaaftanstaaf");
}

TEST(SaslPlain, ChallengesWhenNothingCameFirst) {
    auto m = make_server("PLAIN");
    ASSERT_EQ(m->step(std::nullopt), Step::challenge);
    EXPECT_EQ(m->challenge(), "");
    EXPECT_EQ(m->step("\0a\0b"sv), Step::verify);
}

TEST(SaslPlain, AuthorizationMustBeTheSameName) {
    EXPECT_EQ(plain("tim\0tim\0x"sv), Step::verify);
    EXPECT_EQ(plain("Ursel\0Kurt\0xipj3plmq"sv), Step::denied);
}

TEST(SaslPlain, RefusesMalformed) {
    for (std::string_view bad : {""sv, "tim"sv, "\0tim"sv, "\0\0"sv, "\0\0x"sv, "\0tim\0"sv,
                                 "\0t\0x\0"sv, "\0t\nm\0x"sv}) {
        EXPECT_EQ(plain(bad), Step::malformed);
    }
}

TEST(SaslPlain, BoundsLengths) {
    std::string const nul(1, '\0');
    EXPECT_EQ(plain(nul + std::string(255, 'n') + nul + std::string(1024, 'p')), Step::verify);
    EXPECT_EQ(plain(nul + std::string(256, 'n') + nul + "p"), Step::malformed);
    EXPECT_EQ(plain(nul + "n" + nul + std::string(1025, 'p')), Step::malformed);
}

TEST(SaslLogin, AsksTwice) {
    auto m = make_server("LOGIN");
    ASSERT_EQ(m->step(std::nullopt), Step::challenge);
    EXPECT_EQ(m->challenge(), "Username:");
    ASSERT_EQ(m->step("tim"), Step::challenge);
    EXPECT_EQ(m->challenge(), "Password:");
    ASSERT_EQ(m->step("secret"), Step::verify);
    EXPECT_EQ(m->credentials().name, "tim");
    EXPECT_EQ(m->credentials().password, "secret");
}

TEST(SaslLogin, RefusesEmptyAndLong) {
    EXPECT_EQ(make_server("LOGIN")->step(""), Step::malformed);
    EXPECT_EQ(make_server("LOGIN")->step(std::string(256, 'x')), Step::malformed);
    auto m = make_server("LOGIN");
    ASSERT_EQ(m->step("tim"), Step::challenge);
    EXPECT_EQ(m->step(""), Step::malformed);
}

TEST(Sasl, KnowsNoOtherMechanism) {
    EXPECT_EQ(make_server("NTLM"), nullptr);
    EXPECT_EQ(make_server(""), nullptr);
    EXPECT_EQ(make_server("PLAIN "), nullptr);
}

TEST(SaslClient, PrefersPlain) {
    auto m = choose_client("CRAM-MD5 login plain", "tim", "pw");
    ASSERT_NE(m, nullptr);
    EXPECT_EQ(m->name(), "PLAIN");
    EXPECT_EQ(m->initial(), "\0tim\0pw"sv);
    EXPECT_FALSE(m->respond(""));
}

TEST(SaslClient, PlainMayWaitForTheChallenge) {
    auto m = choose_client("PLAIN", "tim", "pw");
    EXPECT_EQ(m->respond("").value(), "\0tim\0pw"sv);
    EXPECT_FALSE(m->respond(""));
}

TEST(SaslClient, LoginAnswersInOrderAndNoMore) {
    auto m = choose_client("LOGIN XOAUTH2", "tim", "pw");
    ASSERT_NE(m, nullptr);
    EXPECT_EQ(m->initial(), std::nullopt);
    EXPECT_EQ(m->respond("User Name").value(), "tim");
    EXPECT_EQ(m->respond("whatever").value(), "pw");
    EXPECT_FALSE(m->respond("more?"));
}

TEST(SaslClient, NoneFits) {
    EXPECT_EQ(choose_client("CRAM-MD5", "tim", "pw"), nullptr);
    EXPECT_EQ(choose_client("", "tim", "pw"), nullptr);
    EXPECT_EQ(choose_client("PLAIN", "", "pw"), nullptr);
    EXPECT_EQ(choose_client("PLAIN", "a\0b"s, "pw"), nullptr);
    EXPECT_EQ(choose_client("PLAINX", "a", "pw"), nullptr);
}

TEST(Sasl, BothSidesAgree) {
    for (std::string_view name : {"PLAIN", "LOGIN"}) {
        auto client = choose_client(name, "user@example.org", "p\xc3\xa4ss");
        auto server = make_server(name);
        auto initial = client->initial();
        Step step = initial ? server->step(*initial) : server->step(std::nullopt);
        while (step == Step::challenge) step = server->step(*client->respond(server->challenge()));
        ASSERT_EQ(step, Step::verify);
        EXPECT_EQ(server->credentials().name, "user@example.org");
        EXPECT_EQ(server->credentials().password, "p\xc3\xa4ss");
    }
}

}  // namespace
}  // namespace dawk::sasl
