// Signer: DKIM-Signature fields for a message, the body read once; one field for each key, so that
// RSA and Ed25519 stand side by side (RFC 8463 §1).
//
//     dkim::Signer signer({rsa, ed25519}, header, now);
//     signer.body(piece); ...
//     auto fields = signer.finish();      // goes on top of the message, CRLF lines
//
// The private key costs most of the time: prepare() gives a value that another thread can sign.
// Sign last: what changes the message afterwards breaks the signature. l= is never used (RFC 6376
// §8.2). Standards: RFC 6376 §3.5, §5; RFC 8301 §3; RFC 8463.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dawk/crypto/key.hpp"
#include "dawk/dkim/signature.hpp"

namespace dawk::dkim {

struct SigningKey {
    std::string domain;    // d=, A-labels
    std::string selector;  // s=
    std::shared_ptr<crypto::PrivateKey const> key;
    Canonical header_form = Canonical::relaxed, body_form = Canonical::relaxed;
    std::optional<std::chrono::seconds> valid_for;  // x= that long after t=
    std::string identity;                           // i=, "" for none
    // Fields signed where they occur, and those named once more than they occur, so that none can
    // be added (RFC 6376 §8.15). From is always signed, and over-signed.
    std::vector<std::string> fields = default_fields();
    std::vector<std::string> oversigned = default_oversigned();

    static std::vector<std::string> default_fields();
    static std::vector<std::string> default_oversigned();
};

// Fields that lack nothing but the signatures. Refers to nothing.
class Unsigned {
  public:
    // The fields, CRLF lines. Errors: io_error when a key in a token does not answer.
    dawk::Result<std::string> sign() const;
    // For people: "example.org/s1, example.org/s2".
    std::string names() const;

  private:
    friend class Signer;
    struct Part {
        std::shared_ptr<crypto::PrivateKey const> key;
        std::string digest, field, name;
    };
    std::vector<Part> parts_;
};

class Signer {
  public:
    Signer(std::vector<SigningKey> keys, mail::HeaderSection const& header, WallTime now);
    void body(std::string_view piece);
    // Once, after the last piece. The header given must still be there.
    Unsigned prepare();
    dawk::Result<std::string> finish() { return prepare().sign(); }

  private:
    struct Body {
        Canonical form;
        BodyHash state;
        std::string digest;
    };
    Unsigned::Part part_of(SigningKey const& key) const;

    std::vector<SigningKey> keys_;
    mail::HeaderSection const& header_;
    WallTime now_;
    std::vector<Body> bodies_;
};

// The TXT record of a key: "v=DKIM1; k=rsa; p=...". Longer than 255 octets: the zone file splits
// it.
std::string key_record(crypto::PrivateKey const& key);

}  // namespace dawk::dkim
