#include <gtest/gtest.h>

#include "dawk/base/base64.hpp"
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
    auto other = make_server("PLAIN");
    EXPECT_EQ(other->step("Ursel\0Kurt\0xipj3plmq"sv), Step::verify);
    EXPECT_EQ(other->credentials().proof, Credentials::Proof::refused);
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

// The exchange of RFC 7677 §3: user "user", password "pencil".
constexpr std::string_view vector_first = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
constexpr std::string_view vector_final =
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
    "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";

std::unique_ptr<ServerMechanism> scram_after(std::string_view first,
                                             std::string_view password = "pencil") {
    auto m = make_server("SCRAM-SHA-256");
    EXPECT_EQ(m->step(std::nullopt), Step::challenge);
    EXPECT_EQ(m->step(first), Step::keys) << first;
    auto const salt = base64::decode("W22ZaJ0SNY7soEsUEjb6gQ==").value();
    m->supply(crypto::ScramKeys::make(password, salt, 4096), "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0");
    return m;
}

TEST(SaslScram, TheExchangeOfTheStandard) {  // RFC 7677 §3
    auto m = scram_after(vector_first);
    EXPECT_EQ(m->credentials().name, "user");
    EXPECT_EQ(
        m->challenge(),
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
    ASSERT_EQ(m->step(vector_final), Step::challenge);
    EXPECT_EQ(m->challenge(), "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    ASSERT_EQ(m->step(""), Step::verify);
    EXPECT_EQ(m->credentials().proof, Credentials::Proof::shown);
}

TEST(SaslScram, AWrongPasswordIsRefusedAndShowsNoSignature) {
    auto m = scram_after(vector_first, "crayon");
    EXPECT_EQ(m->step(vector_final), Step::verify);
    EXPECT_EQ(m->credentials().proof, Credentials::Proof::refused);
    EXPECT_FALSE(m->challenge().starts_with("v="));
}

TEST(SaslScram, TheExchangeCannotBeBent) {
    std::string const final(vector_final);
    std::string const proof = final.substr(final.rfind(",p="));
    for (std::string const& bad :
         {""s, "c=biws"s, final.substr(0, final.size() - 3), "c=eSws" + final.substr(6),
          "c=biws,r=rOprNGfwEbeRWgbNEkqO" + proof, "c=biws" + proof, final + "!", "x" + final}) {
        EXPECT_EQ(scram_after(vector_first)->step(bad), Step::malformed) << bad;
    }
    auto unasked = scram_after(vector_first);
    ASSERT_EQ(unasked->step(vector_final), Step::challenge);
    EXPECT_EQ(unasked->step("x"), Step::malformed);
}

TEST(SaslScram, FirstMessages) {  // RFC 5802 §7
    auto const first = [](std::string const& message) {
        return make_server("SCRAM-SHA-256")->step(message);
    };
    for (char const* good :
         {"n,,n=user,r=x", "y,,n=user,r=x", "n,a=user,n=user,r=x", "n,,n=a=2Cb=3D,r=x,ext=1"}) {
        EXPECT_EQ(first(good), Step::keys) << good;
    }
    for (char const* bad :
         {"", "n", "n,,", "n,,n=user", "p=tls-unique,,n=user,r=x", "n,,m=x,n=user,r=x", "n,,n=,r=x",
          "n,,n=user,r=", "n,,n=a=2cb,r=x", "n,,n=a=,r=x", "n,user,n=user,r=x", "n,,r=x,n=user",
          "n,,n=user,r=a b", "x,,n=user,r=x"}) {
        EXPECT_EQ(first(bad), Step::malformed) << bad;
    }
    EXPECT_EQ(first("n,,n=user,r=" + std::string(256, 'x')), Step::keys);
    EXPECT_EQ(first("n,,n=user,r=" + std::string(257, 'x')), Step::malformed);
    EXPECT_EQ(first("n,,n=" + std::string(256, 'x') + ",r=x"), Step::malformed);
}

TEST(SaslScram, NoncesAreFresh) {
    auto const challenge = [] {
        auto m = make_server("SCRAM-SHA-256");
        EXPECT_EQ(m->step("n,,n=user,r=x"), Step::keys);
        m->supply(crypto::ScramKeys::make("p", "salt", 4096));
        return std::string(m->challenge());
    };
    EXPECT_NE(challenge(), challenge());
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
