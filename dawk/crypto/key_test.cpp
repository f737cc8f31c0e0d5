#include "dawk/crypto/key.hpp"

#include <atomic>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "dawk/crypto/hash.hpp"

namespace dawk::crypto {
namespace {

TEST(Key, SignsAndVerifiesAndRefusesAnyChange) {
    for (auto const kind : {KeyKind::rsa, KeyKind::ed25519}) {
        auto const key = PrivateKey::generate(kind);
        auto const again = PrivateKey::from_pem(key.pem()).value();
        auto const sum = digest(Hash::sha256, "a message");
        auto signature = again.sign_digest(sum).value();
        auto const open = key.public_key();
        EXPECT_EQ(open.bits(), kind == KeyKind::rsa ? 2048U : 256U);
        EXPECT_TRUE(open.verify_digest(sum, signature));
        EXPECT_TRUE(open.verify_digest(sum, signature)) << "a key may be used again";
        EXPECT_FALSE(open.verify_digest(digest(Hash::sha256, "another"), signature));
        signature[10] = static_cast<char>(signature[10] ^ 1);
        EXPECT_FALSE(open.verify_digest(sum, signature));
        EXPECT_FALSE(open.verify_digest(sum, ""));
    }
}

TEST(Key, OneKeyServesAllThreads) {
    auto const key = PrivateKey::generate(KeyKind::rsa);
    auto const open = key.public_key();
    auto const sum = digest(Hash::sha256, "a message");
    std::atomic<int> good = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (int k = 0; k < 25; ++k) {
                auto const signature = key.sign_digest(sum);
                good += signature && open.verify_digest(sum, *signature) ? 1 : 0;
            }
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(good, 100);
}

TEST(Key, RefusesWhatIsNoKey) {
    EXPECT_FALSE(PublicKey::from_der(""));
    EXPECT_FALSE(PublicKey::from_der("garbage"));
    EXPECT_FALSE(PublicKey::from_der(PrivateKey::generate(KeyKind::rsa).public_der() + "x"));
    EXPECT_FALSE(PublicKey::from_ed25519("short"));
    EXPECT_FALSE(
        PrivateKey::from_pem("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"));
    EXPECT_FALSE(PrivateKey::from_uri("nosuchscheme:token=x"));
}

}  // namespace
}  // namespace dawk::crypto
