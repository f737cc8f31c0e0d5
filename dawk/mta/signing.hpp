// Signing: whose mail we sign, and with which keys. Mail is signed once, where it begins: when a
// user or a machine of ours hands it in, and when we write it ourselves.
//
//     auto signer = signing.begin(header, right, clock.wall());   // null: this is not for us
//     signer->body(piece); ...
//     auto fields = co_await sign(env.pool, signer->prepare());   // DKIM-Signature, CRLF lines
//
// The signature is over the content as it is stored and goes on, so nothing may change it after
// that. The one thing that does, a conversion for a hop without 8BITMIME, signs again. Immutable;
// shared by all shards. Never reads files: the keys are given to it.
// Standards: RFC 6376 §5; RFC 6409 §8; RFC 9989 §4.4.1 (alignment).
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dawk/dkim/sign.hpp"
#include "dawk/rt/work.hpp"

namespace dawk::mta {

// For which author domains somebody may have our signature.
struct SigningRight {
    bool any = false;                  // every domain we have a key for
    std::vector<std::string> domains;  // as in addresses
};

class Signing {
  public:
    void add(dkim::SigningKey key);  // its domain as A-labels
    bool empty() const noexcept { return keys_.empty(); }
    // Keys of the domain, or else of the nearest domain above it; null: none. domain: A-labels.
    std::vector<dkim::SigningKey> const* keys_for(std::string_view domain) const;

    // Null when From does not name exactly one author domain, when that is beyond the right, or
    // when there is no key for it. The header must outlive the signer.
    std::unique_ptr<dkim::Signer> begin(mail::HeaderSection const& header,
                                        SigningRight const& right, WallTime now) const;

  private:
    std::map<std::string, std::vector<dkim::SigningKey>, std::less<>> keys_;  // by domain
};

// The fields, made on a thread of the pool: an RSA signature takes most of a millisecond.
Task<Result<std::string>> sign(rt::WorkPool& pool, dkim::Unsigned what);

// Fields for a whole content of our own; "" when there is no key for its author. signing may be
// null.
Task<Result<std::string>> sign_own(rt::WorkPool& pool, std::shared_ptr<Signing const> signing,
                                   std::string_view content, WallTime now);

// The trace fields for a content that was converted: signatures of ours in `trace`, which hold no
// longer, are replaced by new ones, or left out when the keys are gone. signing may be null.
std::string sign_again(Signing const* signing, std::string_view trace, std::string_view content,
                       WallTime now);

}  // namespace dawk::mta
