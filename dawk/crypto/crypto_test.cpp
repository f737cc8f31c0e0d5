#include <gtest/gtest.h>

#include "dawk/base/ascii.hpp"
#include "dawk/base/base64.hpp"
#include "dawk/crypto/hash.hpp"
#include "dawk/crypto/password.hpp"

namespace dawk::crypto {
namespace {

std::string hex(std::string_view octets) {
    std::string out;
    for (char const c : octets) {
        auto const u = static_cast<unsigned char>(c);
        out += "0123456789abcdef"[u >> 4U];
        out += "0123456789abcdef"[u & 15U];
    }
    return out;
}

std::string decoded(std::string_view text) {
    return base64::decode(text).value();
}

TEST(Hash, KnownAnswers) {  // FIPS 180-4 appendix examples
    EXPECT_EQ(hex(digest(Hash::sha1, "abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
    EXPECT_EQ(hex(digest(Hash::sha256, "abc")),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(hex(digest(Hash::sha512, "abc")).substr(0, 16), "ddaf35a193617aba");
    EXPECT_EQ(hex(digest(Hash::sha256, "")).substr(0, 16), "e3b0c44298fc1c14");
}

TEST(Hash, PiecesGiveTheDigestOfTheWhole) {
    Digest d(Hash::sha256);
    d.update("a");
    d.update("");
    d.update("bc");
    EXPECT_EQ(d.finish(), digest(Hash::sha256, "abc"));
    EXPECT_DEATH(d.update("x"), "state_");
}

TEST(Hash, HmacKnownAnswers) {  // RFC 4231 §4.3
    EXPECT_EQ(hex(hmac(Hash::sha256, "Jefe", "what do ya want for nothing?")),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    EXPECT_EQ(hex(hmac(Hash::sha256, "", "")).substr(0, 16), "b613679a0814d9ec");
}

TEST(Hash, Pbkdf2KnownAnswer) {  // RFC 6070 §2, SHA-1, 4096 iterations
    EXPECT_EQ(hex(pbkdf2(Hash::sha1, "password", "salt", 4096, 20)),
              "4b007901b765489abead49d926f721d065a429c1");
}

TEST(Equal, LooksAtSizeAndContent) {
    EXPECT_TRUE(equal("", ""));
    EXPECT_TRUE(equal("abc", "abc"));
    EXPECT_FALSE(equal("abc", "abd"));
    EXPECT_FALSE(equal("abc", "ab"));
}

TEST(Random, IsOfTheSizeAskedAndNeverTheSame) {
    EXPECT_EQ(random_bytes(0), "");
    EXPECT_EQ(random_bytes(33).size(), 33U);
    EXPECT_NE(random_bytes(16), random_bytes(16));
}

// The exchange of RFC 7677 §3: user "user", password "pencil".
TEST(ScramKeys, ProveTheExampleOfTheStandard) {
    auto const keys = ScramKeys::make("pencil", decoded("W22ZaJ0SNY7soEsUEjb6gQ=="), 4096);
    std::string const message =
        "n=user,r=rOprNGfwEbeRWgbNEkqO,"
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    std::string proof = decoded("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
    EXPECT_TRUE(keys.verify_proof(message, proof));
    EXPECT_EQ(base64::encode(keys.server_signature(message)),
              "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    EXPECT_FALSE(keys.verify_proof(message + "x", proof));
    EXPECT_FALSE(keys.verify_proof(message, proof.substr(1)));
    proof[0] = static_cast<char>(proof[0] ^ 1);
    EXPECT_FALSE(keys.verify_proof(message, proof));
}

TEST(ScramKeys, DecoysAreStableAndLookReal) {
    auto const a = ScramKeys::decoy("secret", "a@dawk.test", 4096);
    EXPECT_EQ(a, ScramKeys::decoy("secret", "a@dawk.test", 4096));
    EXPECT_NE(a.salt, ScramKeys::decoy("secret", "b@dawk.test", 4096).salt);
    EXPECT_NE(a.salt, ScramKeys::decoy("other", "a@dawk.test", 4096).salt);
    EXPECT_EQ(a.salt.size(), 16U);
    EXPECT_EQ(a.stored_key.size(), 32U);
    EXPECT_NE(a.stored_key, a.server_key);
}

TEST(Password, WhatCanBeOne) {
    EXPECT_TRUE(check_password("a"));
    EXPECT_TRUE(check_password("gr\xc3\xbc\xc3\x9f dich"));
    EXPECT_TRUE(check_password(std::string(1024, 'a')));
    EXPECT_EQ(check_password(std::string(1025, 'a')).error(), Errc::too_long);
    EXPECT_EQ(check_password("").error(), Errc::bad_syntax);
    EXPECT_EQ(check_password("a\nb").error(), Errc::bad_syntax);
    EXPECT_EQ(check_password(std::string_view("a\0b", 3)).error(), Errc::bad_syntax);
    EXPECT_EQ(check_password("\xff").error(), Errc::bad_syntax);
}

TEST(PasswordRecord, VerifiesItsPasswordOnly) {
    auto const record = PasswordRecord::make("correct horse", PasswordCost::cheapest()).value();
    EXPECT_TRUE(record.verify("correct horse"));
    EXPECT_FALSE(record.verify("correct horsf"));
    EXPECT_FALSE(record.verify(""));
    EXPECT_FALSE(record.verify(std::string(5000, 'x')));
    EXPECT_NE(record.text(),
              PasswordRecord::make("correct horse", PasswordCost::cheapest())->text());
    auto const again = ScramKeys::make("correct horse", record.scram().salt, 4096);
    EXPECT_EQ(again, record.scram());
}

TEST(PasswordRecord, TextRoundTrips) {
    auto const record = PasswordRecord::make("x", PasswordCost::cheapest()).value();
    auto const again = PasswordRecord::parse(record.text()).value();
    EXPECT_EQ(again.text(), record.text());
    EXPECT_EQ(again.scram(), record.scram());
    EXPECT_TRUE(again.verify("x"));
    EXPECT_TRUE(again.weaker_than(PasswordCost{}));
    EXPECT_FALSE(again.weaker_than(PasswordCost::cheapest()));
}

TEST(PasswordRecord, DefaultsAreTheRecommendedOnes) {
    auto const record = PasswordRecord::make("x").value();
    EXPECT_TRUE(record.text().starts_with("1 $argon2id$v=19$m=19456,t=2,p=1$")) << record.text();
    EXPECT_GE(record.scram().iterations, 15'000U);
    EXPECT_FALSE(record.weaker_than(PasswordCost{}));
}

TEST(PasswordRecord, DecoyIsARecordThatMatchesNothing) {
    auto const decoy = PasswordRecord::decoy(PasswordCost::cheapest());
    EXPECT_FALSE(decoy.verify("x"));
    EXPECT_FALSE(decoy.verify(""));
    EXPECT_TRUE(PasswordRecord::parse(decoy.text()));
    auto const real = PasswordRecord::make("x", PasswordCost::cheapest()).value();
    EXPECT_EQ(decoy.text().size(), real.text().size()) << "same cost, same shape";
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
    auto const at = text.find(from);
    EXPECT_NE(at, text.npos) << from;
    return text.replace(at, from.size(), to);
}

TEST(PasswordRecord, RefusesDamageAndExcess) {
    std::string const good = PasswordRecord::make("x", PasswordCost::cheapest())->text();
    ASSERT_TRUE(PasswordRecord::parse(good));
    EXPECT_EQ(PasswordRecord::parse("2" + good.substr(1)).error(), Errc::unsupported);
    for (auto const& bad :
         {std::string(), std::string("1"), good + "x", good.substr(0, good.size() - 1),
          replaced(good, "m=8", "m=7"), replaced(good, "m=8", "m=4000000000"),
          replaced(good, "t=1", "t=65"), replaced(good, "p=1", "p=2"),
          replaced(good, "argon2id", "argon2i"), replaced(good, "v=19", "v=16"),
          replaced(good, "$4096:", "$4095:"), replaced(good, "$4096:", "$10000001:"),
          replaced(good, "SCRAM-SHA-256", "SCRAM-SHA-1"), replaced(good, " SCRAM", "SCRAM"),
          "x " + good, good + std::string(2000, ' ')})
        EXPECT_EQ(PasswordRecord::parse(bad).error(), Errc::corrupt) << bad;
}

}  // namespace
}  // namespace dawk::crypto
