// A DKIM-Signature field and a key record, parsed and checked (RFC 6376 §3.5, §3.6.1).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/system/result.hpp>

#include "dawk/base/time.hpp"
#include "dawk/crypto/key.hpp"
#include "dawk/dkim/canonical.hpp"

namespace dawk::dkim {

// The result words of RFC 8601 §2.7.1.
enum class Result { none, pass, fail, policy, neutral, temperror, permerror };
std::string_view to_string(Result result) noexcept;

// Why something cannot be used: what it comes to, and the reason in words.
struct Unusable {
    Result result = Result::permerror;
    std::string reason;
};
template <class T>
using Usable = boost::system::result<T, Unusable>;
[[noreturn]] void throw_exception_from_error(Unusable const& error, boost::source_location const&);

enum class Algorithm { rsa_sha1, rsa_sha256, ed25519_sha256 };
constexpr std::size_t algorithms = 3;
std::string_view to_string(Algorithm algorithm) noexcept;

struct Signature {
    std::string domain;    // d=, lower case
    std::string selector;  // s=
    std::string identity;  // i=, "@domain" when absent
    Algorithm algorithm = Algorithm::rsa_sha256;
    Canonical header_form = Canonical::simple, body_form = Canonical::simple;
    std::vector<std::string> fields;  // h=
    std::optional<std::uint64_t> length;
    std::string body_hash, value;                       // octets
    std::optional<std::int64_t> signed_at, expires_at;  // seconds since 1970
};

// What a field of signature tags is: in ARC-Message-Signature i= is the instance, and v= says
// nothing (RFC 8617 §4.1.2).
enum class SignatureKind { dkim, arc_message };

// body: of the DKIM-Signature field, folded as it is. permerror for bad syntax, and for what is
// well-formed but cannot be evaluated.
Usable<Signature> parse_signature(std::string_view body, SignatureKind kind = SignatureKind::dkim);
// "rsa-sha256" and the like; nothing for an algorithm we do not know. rsa-sha1 is known, and
// refused later.
std::optional<Algorithm> algorithm_of(std::string_view name) noexcept;

inline constexpr std::string_view key_revoked = "the key is revoked";  // a reason of parse_key()

struct KeyRecord {
    crypto::PublicKey key;
    bool testing = false;          // t=y
    bool strict_identity = false;  // t=s: i= must be exactly d=
};
// The text of a key record for signatures of this algorithm. Revoked, of another service, of
// another algorithm, too short: permerror, policy for keys under 1024 bits (RFC 8301 §3.2).
Usable<KeyRecord> parse_key(std::string_view text, Algorithm algorithm);

// The octets of a field with the value of its b= taken out (§3.5), as they were signed.
std::string without_signature_value(std::string_view raw);

}  // namespace dawk::dkim
