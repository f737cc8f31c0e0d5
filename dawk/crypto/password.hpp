// PasswordRecord: what is kept instead of a password. An Argon2id hash for mechanisms that show the
// password (PLAIN, LOGIN), and SCRAM-SHA-256 keys for those that do not. As text, with its version:
//
//     1 $argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>
//     SCRAM-SHA-256$32768:<salt>$<StoredKey>:<ServerKey>
//
//     auto record = crypto::PasswordRecord::make("secret");      // slow on purpose: not on a shard
//     std::string text = record->text();
//     bool ok = crypto::PasswordRecord::parse(text)->verify("secret");
//
// A password is 1 to 1024 octets of UTF-8 without control characters (RFC 8265 §4.2 less its
// normalisation: what the user types at login must be the octets given when the password was set).
// Every number read from a record is bounded, so a damaged one cannot eat time or memory.
// Standards: RFC 9106 (Argon2), RFC 5802 §3, RFC 7677 §4 (SCRAM-SHA-256, at least 4096 iterations).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "dawk/base/result.hpp"

namespace dawk::crypto {

struct PasswordCost {
    std::uint32_t argon2_memory_kib = 19'456;
    std::uint32_t argon2_passes = 2;
    std::uint32_t scram_iterations = 32'768;

    static constexpr PasswordCost cheapest() { return {8, 1, 4096}; }  // for tests only
};

// The server's side of RFC 5802 §3.
struct ScramKeys {
    std::uint32_t iterations = 0;
    std::string salt, stored_key, server_key;  // octets

    static ScramKeys make(std::string_view password, std::string salt, std::uint32_t iterations);
    // Keys nobody can prove, the same for the same name as long as the secret stays: an unknown
    // user must look like a known one (RFC 5802 §9).
    static ScramKeys decoy(std::string_view secret, std::string_view name,
                           std::uint32_t iterations);

    // ClientProof of the client-final-message against these keys, in constant time.
    bool verify_proof(std::string_view auth_message, std::string_view client_proof) const;
    std::string server_signature(std::string_view auth_message) const;

    friend bool operator==(ScramKeys const&, ScramKeys const&) = default;
};

Result<void> check_password(std::string_view password) noexcept;  // bad_syntax, too_long

class PasswordRecord {
  public:
    static Result<PasswordRecord> make(std::string_view password, PasswordCost cost = {});
    // corrupt; unsupported for a version of a later Dawk.
    static Result<PasswordRecord> parse(std::string_view text);
    // Matches nothing, but takes the time of a real one: for names that do not exist.
    static PasswordRecord decoy(PasswordCost cost = {});

    std::string text() const;
    bool verify(std::string_view password) const;
    ScramKeys const& scram() const noexcept { return scram_; }
    // The record was made with less than cost and should be made anew at the next good login.
    bool weaker_than(PasswordCost const& cost) const noexcept;

  private:
    std::string argon2_;
    std::uint32_t memory_kib_ = 0, passes_ = 0;
    ScramKeys scram_;
};

}  // namespace dawk::crypto
