#include "dawk/crypto/password.hpp"

#include <optional>

#include <argon2.h>

#include "dawk/base/ascii.hpp"
#include "dawk/base/base64.hpp"
#include "dawk/base/check.hpp"
#include "dawk/crypto/hash.hpp"

namespace dawk::crypto {
namespace {

constexpr std::size_t salt_bytes = 16;
constexpr std::size_t key_bytes = 32;
constexpr std::size_t password_bytes_max = 1024;
constexpr std::size_t record_bytes_max = 1024;
// What a record may ask of us, however it came into the database.
constexpr std::uint32_t memory_kib_max = 1U << 20U;
constexpr std::uint32_t passes_max = 64;
constexpr std::uint32_t iterations_min = 4096;  // RFC 7677 §4
constexpr std::uint32_t iterations_max = 10'000'000;

// Takes what stands before the mark off the text; nothing if there is no mark.
std::optional<std::string_view> take_until(std::string_view& text, char mark) {
    auto const at = text.find(mark);
    if (at == text.npos) return std::nullopt;
    auto const head = text.substr(0, at);
    text.remove_prefix(at + 1);
    return head;
}

std::optional<std::uint32_t> take_number(std::string_view& text, std::string_view name, char mark,
                                         std::uint32_t min, std::uint32_t max) {
    if (!text.starts_with(name)) return std::nullopt;
    text.remove_prefix(name.size());
    auto const digits = take_until(text, mark);
    if (!digits) return std::nullopt;
    auto const value = ascii::to_number<std::uint32_t>(*digits);
    if (!value || *value < min || *value > max) return std::nullopt;
    return value;
}

struct Argon2Numbers {
    std::uint32_t memory_kib, passes;
};

// $argon2id$v=19$m=M,t=T,p=1$salt$hash; the library parses it again, this holds the bounds.
Result<Argon2Numbers> check_argon2(std::string_view text) {
    constexpr std::string_view start = "$argon2id$v=19$";
    if (!text.starts_with(start)) return Errc::corrupt;
    text.remove_prefix(start.size());
    auto const memory = take_number(text, "m=", ',', 8, memory_kib_max);
    if (!memory) return Errc::corrupt;
    auto const passes = take_number(text, "t=", ',', 1, passes_max);
    if (!passes || !take_number(text, "p=", '$', 1, 1)) return Errc::corrupt;
    auto const salt = take_until(text, '$');
    if (!salt) return Errc::corrupt;
    auto const salt_octets = base64::decode(*salt, base64::Padding::without);
    auto const hash_octets = base64::decode(text, base64::Padding::without);
    if (!salt_octets || salt_octets->size() < 8 || salt_octets->size() > 64) return Errc::corrupt;
    if (!hash_octets || hash_octets->size() != key_bytes) return Errc::corrupt;
    return Argon2Numbers{*memory, *passes};
}

// SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey
Result<ScramKeys> parse_scram(std::string_view text) {
    ScramKeys keys;
    auto const iterations =
        take_number(text, "SCRAM-SHA-256$", ':', iterations_min, iterations_max);
    auto const salt = iterations ? take_until(text, '$') : std::nullopt;
    auto const stored = salt ? take_until(text, ':') : std::nullopt;
    if (!stored) return Errc::corrupt;
    auto const salt_octets = base64::decode(*salt);
    auto const stored_octets = base64::decode(*stored);
    auto const server_octets = base64::decode(text);
    if (!salt_octets || salt_octets->size() < 8 || salt_octets->size() > 64) return Errc::corrupt;
    if (!stored_octets || stored_octets->size() != key_bytes) return Errc::corrupt;
    if (!server_octets || server_octets->size() != key_bytes) return Errc::corrupt;
    return ScramKeys{*iterations, *salt_octets, *stored_octets, *server_octets};
}

std::string hash_argon2(std::string_view password, PasswordCost const& cost) {
    std::string const salt = random_bytes(salt_bytes);
    std::string text(256, '\0');
    int const error = argon2id_hash_encoded(cost.argon2_passes, cost.argon2_memory_kib, 1,
                                            password.data(), password.size(), salt.data(),
                                            salt.size(), key_bytes, text.data(), text.size());
    if (error != ARGON2_OK) return {};
    text.resize(text.find('\0'));
    return text;
}

}  // namespace

Result<void> check_password(std::string_view password) noexcept {
    if (password.empty()) return Errc::bad_syntax;
    if (password.size() > password_bytes_max) return Errc::too_long;
    for (char const c : password)
        if (ascii::is_control(c)) return Errc::bad_syntax;
    if (!ascii::is_utf8(password)) return Errc::bad_syntax;
    return {};
}

ScramKeys ScramKeys::make(std::string_view password, std::string salt, std::uint32_t iterations) {
    std::string salted = pbkdf2(Hash::sha256, password, salt, iterations, key_bytes);
    std::string client_key = hmac(Hash::sha256, salted, "Client Key");
    ScramKeys keys{iterations, std::move(salt), digest(Hash::sha256, client_key),
                   hmac(Hash::sha256, salted, "Server Key")};
    wipe(salted);
    wipe(client_key);
    return keys;
}

ScramKeys ScramKeys::decoy(std::string_view secret, std::string_view name,
                           std::uint32_t iterations) {
    auto const derived = [&](std::string_view what) {
        return hmac(Hash::sha256, secret, std::string(what) + '\0' + std::string(name));
    };
    return {iterations, derived("salt").substr(0, salt_bytes), derived("stored"),
            derived("server")};
}

bool ScramKeys::verify_proof(std::string_view auth_message, std::string_view client_proof) const {
    if (client_proof.size() != key_bytes) return false;
    std::string key = hmac(Hash::sha256, stored_key, auth_message);
    for (std::size_t i = 0; i < key_bytes; ++i)
        key[i] = static_cast<char>(key[i] ^ client_proof[i]);
    bool const ok = equal(digest(Hash::sha256, key), stored_key);
    wipe(key);
    return ok;
}

std::string ScramKeys::server_signature(std::string_view auth_message) const {
    return hmac(Hash::sha256, server_key, auth_message);
}

Result<PasswordRecord> PasswordRecord::make(std::string_view password, PasswordCost cost) {
    DAWK_TRY_VOID(check_password(password));
    DAWK_CHECK(cost.scram_iterations >= iterations_min && cost.scram_iterations <= iterations_max);
    PasswordRecord record;
    record.argon2_ = hash_argon2(password, cost);
    if (record.argon2_.empty()) return Errc::unavailable;  // no memory for it now
    record.memory_kib_ = cost.argon2_memory_kib;
    record.passes_ = cost.argon2_passes;
    record.scram_ = ScramKeys::make(password, random_bytes(salt_bytes), cost.scram_iterations);
    return record;
}

PasswordRecord PasswordRecord::decoy(PasswordCost cost) {
    PasswordRecord record;
    auto const coded = [](std::size_t size) {
        return base64::encode(random_bytes(size), base64::Padding::without);
    };
    record.argon2_ = "$argon2id$v=19$m=" + std::to_string(cost.argon2_memory_kib) +
                     ",t=" + std::to_string(cost.argon2_passes) + ",p=1$" + coded(salt_bytes) +
                     '$' + coded(key_bytes);
    record.memory_kib_ = cost.argon2_memory_kib;
    record.passes_ = cost.argon2_passes;
    record.scram_ = ScramKeys::decoy(random_bytes(key_bytes), "", cost.scram_iterations);
    return record;
}

Result<PasswordRecord> PasswordRecord::parse(std::string_view text) {
    if (text.size() > record_bytes_max) return Errc::corrupt;
    auto const version = take_until(text, ' ');
    if (!version || !ascii::to_number<unsigned>(*version)) return Errc::corrupt;
    if (*version != "1") return Errc::unsupported;
    auto const argon2 = take_until(text, ' ');
    if (!argon2) return Errc::corrupt;
    DAWK_TRY(auto const numbers, check_argon2(*argon2));
    PasswordRecord record;
    record.argon2_ = *argon2;
    record.memory_kib_ = numbers.memory_kib;
    record.passes_ = numbers.passes;
    DAWK_TRY(record.scram_, parse_scram(text));
    return record;
}

std::string PasswordRecord::text() const {
    return "1 " + argon2_ + " SCRAM-SHA-256$" + std::to_string(scram_.iterations) + ':' +
           base64::encode(scram_.salt) + '$' + base64::encode(scram_.stored_key) + ':' +
           base64::encode(scram_.server_key);
}

bool PasswordRecord::verify(std::string_view password) const {
    // An impossible password costs the same as a wrong one.
    bool const possible = !check_password(password).has_error();
    std::string_view const tried = possible ? password : "x";
    int const result = argon2id_verify(argon2_.c_str(), tried.data(), tried.size());
    return result == ARGON2_OK && possible;
}

bool PasswordRecord::weaker_than(PasswordCost const& cost) const noexcept {
    return memory_kib_ < cost.argon2_memory_kib || passes_ < cost.argon2_passes ||
           scram_.iterations < cost.scram_iterations;
}

}  // namespace dawk::crypto
