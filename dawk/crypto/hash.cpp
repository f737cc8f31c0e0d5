#include "dawk/crypto/hash.hpp"

#include <climits>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "dawk/base/check.hpp"

namespace dawk::crypto {
namespace {

// Fetched once: EVP_sha256() would be looked up again, under a lock, for each digest. They stay for
// the life of the process, as OpenSSL's own do.
EVP_MD const* fetched(char const* name) {
    auto const* const found = EVP_MD_fetch(nullptr, name, nullptr);
    DAWK_CHECK(found != nullptr);
    return found;
}

EVP_MD const* method(Hash hash) {
    static EVP_MD const* const sha1 = fetched("SHA1");
    static EVP_MD const* const sha256 = fetched("SHA256");
    static EVP_MD const* const sha512 = fetched("SHA512");
    switch (hash) {
        case Hash::sha1:
            return sha1;
        case Hash::sha256:
            return sha256;
        case Hash::sha512:
            return sha512;
    }
    DAWK_CHECK(!"a known hash");
    return nullptr;
}

unsigned char const* octets(std::string_view text) {
    return reinterpret_cast<unsigned char const*>(text.data());
}
unsigned char* octets(std::string& text) {
    return reinterpret_cast<unsigned char*>(text.data());
}

}  // namespace

std::string digest(Hash hash, std::string_view data) {
    std::string out(EVP_MAX_MD_SIZE, '\0');
    unsigned size = 0;
    DAWK_CHECK(EVP_Digest(data.data(), data.size(), octets(out), &size, method(hash), nullptr) ==
               1);
    out.resize(size);
    return out;
}

std::string hmac(Hash hash, std::string_view key, std::string_view data) {
    DAWK_CHECK(key.size() <= INT_MAX);
    std::string out(EVP_MAX_MD_SIZE, '\0');
    unsigned size = 0;
    // An empty key must not be a null pointer: HMAC() would take that for "the key of last time".
    unsigned char const none = 0;
    unsigned char const* const key_octets = key.empty() ? &none : octets(key);
    DAWK_CHECK(HMAC(method(hash), key_octets, static_cast<int>(key.size()), octets(data),
                    data.size(), octets(out), &size) != nullptr);
    out.resize(size);
    return out;
}

std::string pbkdf2(Hash hash, std::string_view password, std::string_view salt,
                   std::uint32_t iterations, std::size_t size_bytes) {
    DAWK_CHECK(password.size() <= INT_MAX && salt.size() <= INT_MAX && size_bytes <= INT_MAX);
    DAWK_CHECK(iterations > 0 && iterations <= INT_MAX);
    std::string out(size_bytes, '\0');
    DAWK_CHECK(PKCS5_PBKDF2_HMAC(password.empty() ? "" : password.data(),
                                 static_cast<int>(password.size()), octets(salt),
                                 static_cast<int>(salt.size()), static_cast<int>(iterations),
                                 method(hash), static_cast<int>(size_bytes), octets(out)) == 1);
    return out;
}

struct Digest::State {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    ~State() { EVP_MD_CTX_free(context); }
};

Digest::Digest(Hash hash) : state_(std::make_unique<State>()) {
    DAWK_CHECK(state_->context != nullptr);
    DAWK_CHECK(EVP_DigestInit_ex(state_->context, method(hash), nullptr) == 1);
}
Digest::Digest(Digest&&) noexcept = default;
Digest& Digest::operator=(Digest&&) noexcept = default;
Digest::~Digest() = default;

void Digest::update(std::string_view piece) {
    DAWK_CHECK(state_ && EVP_DigestUpdate(state_->context, piece.data(), piece.size()) == 1);
}

std::string Digest::finish() {
    std::string out(EVP_MAX_MD_SIZE, '\0');
    unsigned size = 0;
    DAWK_CHECK(state_ && EVP_DigestFinal_ex(state_->context, octets(out), &size) == 1);
    state_.reset();
    out.resize(size);
    return out;
}

std::string random_bytes(std::size_t size_bytes) {
    DAWK_CHECK(size_bytes <= INT_MAX);
    std::string out(size_bytes, '\0');
    DAWK_CHECK(RAND_bytes(octets(out), static_cast<int>(size_bytes)) == 1);
    return out;
}

bool equal(std::string_view a, std::string_view b) noexcept {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

void wipe(std::string& secret) noexcept {
    OPENSSL_cleanse(secret.data(), secret.size());
    secret.clear();
}

}  // namespace dawk::crypto
