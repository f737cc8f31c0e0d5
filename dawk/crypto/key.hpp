// Public and private keys for signatures over SHA-256: RSA PKCS#1 v1.5 and Ed25519.
//
//     auto key = crypto::PublicKey::from_der(der);
//     bool good = key->verify_digest(crypto::digest(crypto::Hash::sha256, text), signature);
//
// Ed25519 here signs the SHA-256 digest itself (RFC 8463 §3). Keys are immutable and may be used
// from every thread. Standards: RFC 8017 §8.2, RFC 8032, RFC 8463, RFC 5280 (SubjectPublicKeyInfo).
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "dawk/base/result.hpp"

namespace dawk::crypto {

enum class KeyKind { rsa, ed25519 };

class ReadyContext;  // of libcrypto, for RSA

class PublicKey {
  public:
    // DER: SubjectPublicKeyInfo, or a bare RSAPublicKey as some publish. bad_syntax, unsupported.
    static Result<PublicKey> from_der(std::string_view der);
    static Result<PublicKey> from_ed25519(std::string_view raw);  // 32 octets
    KeyKind kind() const noexcept { return kind_; }
    unsigned bits() const noexcept { return bits_; }
    bool verify_digest(std::string_view sha256_digest, std::string_view signature) const;

  private:
    friend class PrivateKey;
    KeyKind kind_ = KeyKind::rsa;
    unsigned bits_ = 0;
    std::shared_ptr<void> key_;  // EVP_PKEY
    std::shared_ptr<ReadyContext> context_;
};

class PrivateKey {
  public:
    // PEM (PKCS#8 or traditional, not encrypted), or a URI that an OpenSSL provider serves
    // ("pkcs11:..."). bad_syntax, unsupported, not_found.
    static Result<PrivateKey> from_pem(std::string_view pem);
    static Result<PrivateKey> from_uri(std::string const& uri);
    static PrivateKey generate(KeyKind kind, unsigned rsa_bits = 2048);
    KeyKind kind() const noexcept { return kind_; }
    unsigned bits() const noexcept { return bits_; }
    Result<std::string> sign_digest(
        std::string_view sha256_digest) const;  // io_error: the token failed
    std::string pem() const;                    // PKCS#8
    std::string public_der() const;             // SubjectPublicKeyInfo; 32 raw octets for Ed25519
    PublicKey public_key() const;

  private:
    static Result<PrivateKey> adopt(std::shared_ptr<void> key);
    KeyKind kind_ = KeyKind::rsa;
    unsigned bits_ = 0;
    std::shared_ptr<void> key_;
    std::shared_ptr<ReadyContext> context_;
};

}  // namespace dawk::crypto
