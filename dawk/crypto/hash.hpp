// Digests, keyed digests, key derivation and randomness for keys, over OpenSSL's libcrypto.
//
//     std::string octets = crypto::digest(crypto::Hash::sha256, text);
//     bool same = crypto::equal(octets, expected);          // takes the same time for any content
//
// Values are raw octets in std::string. Opens nothing, knows no time. Failures of libcrypto on
// valid arguments (no memory, a broken build) are bugs of the process and end it. Standards: FIPS
// 180-4, RFC 2104 (HMAC), RFC 8018 §5.2 (PBKDF2).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "dawk/base/result.hpp"

namespace dawk::crypto {

enum class Hash { sha1, sha256, sha512 };

std::string digest(Hash hash, std::string_view data);
std::string hmac(Hash hash, std::string_view key, std::string_view data);
std::string pbkdf2(Hash hash, std::string_view password, std::string_view salt,
                   std::uint32_t iterations, std::size_t size_bytes);

// A digest over pieces. finish() once; then it is used up.
class Digest {
  public:
    explicit Digest(Hash hash);
    Digest(Digest&&) noexcept;
    Digest& operator=(Digest&&) noexcept;
    ~Digest();
    void update(std::string_view piece);
    std::string finish();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

// From the operating system's generator; for keys, salts, nonces.
std::string random_bytes(std::size_t size_bytes);

// Compares in a time that depends on the sizes only.
bool equal(std::string_view a, std::string_view b) noexcept;

// Overwrites the text in a way the compiler keeps, then empties it.
void wipe(std::string& secret) noexcept;

}  // namespace dawk::crypto
