#include "dawk/crypto/hash.hpp"

#include <array>
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

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<signed char, 256> make_values() {
    std::array<signed char, 256> values{};
    values.fill(-1);
    for (std::size_t i = 0; i < alphabet.size(); ++i)
        values[static_cast<unsigned char>(alphabet[i])] = static_cast<signed char>(i);
    return values;
}
constexpr auto values = make_values();
constexpr int value_of(char c) noexcept {  // -1: not of the alphabet
    return values[static_cast<unsigned char>(c)];
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

std::string to_base64(std::string_view in, Padding padding) {
    std::string out;
    out.reserve((in.size() + 2) / 3 * 4);
    std::uint32_t bits = 0;
    int count = 0;
    for (char const c : in) {
        bits = bits << 8U | static_cast<unsigned char>(c);
        for (count += 8; count >= 6;) {
            count -= 6;
            out += alphabet[bits >> count & 63U];
        }
    }
    if (count > 0) out += alphabet[bits << (6 - count) & 63U];
    while (padding == Padding::with && out.size() % 4 != 0) out += '=';
    return out;
}

Result<std::string> from_base64(std::string_view text, Padding padding) {
    if (padding == Padding::with) {
        if (text.size() % 4 != 0) return Errc::bad_syntax;
        if (text.ends_with('=')) text.remove_suffix(text.ends_with("==") ? 2 : 1);
    }
    if (text.size() % 4 == 1) return Errc::bad_syntax;
    std::string out(text.size() / 4 * 3, '\0');
    std::size_t at = 0;
    for (; text.size() >= 4; text.remove_prefix(4), at += 3) {
        int const group = value_of(text[0]) << 18 | value_of(text[1]) << 12 |
                          value_of(text[2]) << 6 | value_of(text[3]);
        if (group < 0) return Errc::bad_syntax;  // any of them is -1
        out[at] = static_cast<char>(group >> 16);
        out[at + 1] = static_cast<char>(group >> 8 & 255);
        out[at + 2] = static_cast<char>(group & 255);
    }
    std::uint32_t bits = 0;
    int count = 0;
    for (char const c : text) {
        int const value = value_of(c);
        if (value < 0) return Errc::bad_syntax;
        bits = bits << 6U | static_cast<std::uint32_t>(value);
        count += 6;
        if (count >= 8) {
            count -= 8;
            out += static_cast<char>(bits >> count & 255U);
        }
    }
    // RFC 4648 §3.5: bits that carry nothing are zero, so that a value has one spelling.
    if (count > 0 && (bits & ((1U << count) - 1)) != 0) return Errc::bad_syntax;
    return out;
}

}  // namespace dawk::crypto
