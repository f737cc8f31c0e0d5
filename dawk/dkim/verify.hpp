// Verifier: all DKIM signatures of a message, its body read once, while it arrives.
//
//     dkim::Verifier verifier(header, {.now = clock.wall()});
//     verifier.body(piece); ...                              // after the header section, octets as
//     received auto verdicts = dns::run(verifier.finish(), look_up);  // or driven by a coroutine
//
// At most signatures_max signatures are looked at, from the top; the others get policy with the
// reason. Keys parsed before can be handed in by a KeyCache. Octets must have CRLF line ends, as on
// the wire. Standards: RFC 6376 §6; RFC 8301; RFC 8463; RFC 8616 (d= and s= as A-labels for the
// query).
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "dawk/dkim/signature.hpp"
#include "dawk/dns/inquiry.hpp"

namespace dawk::dkim {

// Parsed key records by their text; shared by all messages of a thread. Bounded.
class KeyCache {
  public:
    explicit KeyCache(std::size_t max = 1000) : max_(max) {}
    Usable<KeyRecord> const& get(std::string const& text, Algorithm algorithm);

  private:
    std::size_t max_;
    std::map<std::string, Usable<KeyRecord>> keys_[algorithms];
};

struct Options {
    WallTime now{};
    std::size_t signatures_max = 10;  // RFC 6376 §6.1 asks for a limit, and leaves the number open
    std::chrono::seconds clock_skew{300};
    KeyCache* keys = nullptr;
};

struct Verdict {
    Result result = Result::none;
    std::string reason;  // in words, always
    // How it failed, as RFC 6591 §3.3 has it for reports: "bodyhash", "signature", "revoked"; ""
    // for all else.
    std::string_view failure;
    std::string domain, selector, identity;
    std::string algorithm;  // "rsa-sha256"
    std::string b_prefix;   // the first octets of b=, to tell signatures apart (RFC 6008)
    unsigned key_bits = 0;
    bool testing = false;       // the key says t=y
    bool covers_body = true;    // false: l= leaves octets at the end that anybody may have added
    bool signs_length = false;  // l= was given at all
    std::vector<std::string> fields;  // that are signed
};

class Verifier {
  public:
    Verifier(mail::HeaderSection const& header, Options options);
    void body(std::string_view piece);
    // Call once, after the last piece; the verifier must outlive the inquiry. One verdict for each
    // signature from the top; empty: the message is not signed.
    dns::Inquiry<std::vector<Verdict>> finish();

  private:
    struct Item {
        Verdict verdict;
        Signature signature;
        std::string header_digest;
        std::size_t body = 0;  // index into bodies_
        bool open = false;     // worth a key look-up
    };
    struct Body {
        Canonical form;
        std::optional<std::uint64_t> length;
        crypto::Hash hash;
        BodyHash state;
        std::string digest;
    };
    void add(mail::HeaderSection const& header, mail::HeaderField const& field);
    std::size_t body_for(Signature const& signature);
    void judge(Item& item, KeyRecord const& key);
    dns::Inquiry<int> look_up(Item& item);

    Options options_;
    KeyCache own_keys_{16};
    std::vector<Item> items_;
    std::vector<Body> bodies_;
    std::size_t open_ = 0;
};

// The digest that is signed: the fields of h= from the bottom up, then the signature field itself
// without its value and line end (RFC 6376 §3.7). Also for ARC, whose field has another name. A
// signature_field of this header must be its raw octets there, by which it is known.
std::string header_digest(mail::HeaderSection const& header, std::vector<std::string> const& fields,
                          Canonical form, std::string_view signature_field, crypto::Hash hash);

}  // namespace dawk::dkim
