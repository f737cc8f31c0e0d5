// ARC: the chain of those who handled a message before us and said what they saw (RFC 8617).
//
//     arc::Verifier verifier(header, options);
//     verifier.body(piece); ...
//     arc::Verdict verdict = dns::run(verifier.finish(), look_up);
//
// A chain that fails counts as if it were not there; one that passes says only who vouches: whether
// that sealer is trusted is the operator's list, never ours. Any DNS trouble fails the chain
// (§5.2). Standards: RFC 8617 (Experimental; on its way to Historic: verify, seal only if
// configured).
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dawk/dkim/sign.hpp"
#include "dawk/dkim/verify.hpp"

namespace dawk::arc {

constexpr unsigned sets_max = 50;  // RFC 8617 §4.2.1

enum class Result { none, pass, fail };
std::string_view to_string(Result result) noexcept;

struct Verdict {
    Result result = Result::none;
    std::string reason;
    unsigned sets = 0;
    unsigned oldest_pass = 0;          // §5.2 step 5: 0 when all message signatures hold
    std::vector<std::string> sealers;  // d= of each seal, from the first to the last
    std::string last_results;          // authentication results of the newest set, as it says them
    // Of each set from the first to the last, without i=; of a chain that passes.
    std::vector<std::string> results;
};

class Verifier {
  public:
    Verifier(mail::HeaderSection const& header, dkim::Options options);
    void body(std::string_view piece);
    // Call once; the verifier must outlive the inquiry, the header the verifier.
    dns::Inquiry<Verdict> finish();

  private:
    friend class Sealer;
    struct Seal {
        dkim::Algorithm algorithm = dkim::Algorithm::rsa_sha256;
        std::string domain, selector, value;
        std::string cv;
    };
    struct Set {
        std::optional<mail::HeaderField> results, message_signature, seal;
        dkim::Signature signature;
        std::size_t body = 0;  // index into bodies_
        Seal parsed_seal;
    };
    // Of all sets with the same form and length: fifty seals do not make us hash fifty times.
    struct Body {
        dkim::Canonical form;
        std::optional<std::uint64_t> length;
        dkim::BodyHash state;
        std::string digest;
    };
    void collect(mail::HeaderSection const& header);
    std::string add(mail::HeaderField const& field, std::optional<mail::HeaderField> Set::*slot);
    std::string parse(std::size_t index);
    static std::optional<Seal> parse_seal(std::string_view body);
    static std::string seal_digest(std::vector<Set> const& sets, std::size_t count,
                                   std::string_view last_seal);
    dns::Inquiry<dkim::Usable<dkim::KeyRecord>> key_of(std::string domain, std::string selector,
                                                       dkim::Algorithm algorithm);
    std::size_t body_for(dkim::Signature const& signature);
    dns::Inquiry<std::string> check_message(std::size_t index);
    dns::Inquiry<std::string> check_seal(std::size_t index);

    mail::HeaderSection const& header_;
    dkim::Options options_;
    dkim::KeyCache own_keys_{16};
    std::vector<Set> sets_;
    std::vector<Body> bodies_;
    std::string problem_;  // of the structure: the chain fails
};

// Adds our set to a message whose chain has been verified.
class Sealer {
  public:
    // results: the payload of our Authentication-Results, without the authserv-id.
    // fields: header fields that the message signature covers, as often as they are named here.
    Sealer(dkim::SigningKey key, mail::HeaderSection const& header, WallTime now);
    void body(std::string_view piece);
    // The three fields, to stand on top of the message. chain: what verification gave (none for the
    // first set). A chain that failed is sealed as failed (§5.1); nothing is added beyond 50 sets,
    // or to a chain whose last seal already says cv=fail: the result is empty then.
    dawk::Result<std::string> finish(Verdict const& chain, std::string authserv_id,
                                     std::string results);

  private:
    dkim::SigningKey key_;
    mail::HeaderSection const& header_;
    WallTime now_;
    dkim::BodyHash body_;
};

}  // namespace dawk::arc
