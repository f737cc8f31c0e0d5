// The two canonical forms of headers and bodies (RFC 6376 §3.4), in one pass over octets cut
// anywhere.
//
//     BodyHash body(Canonical::relaxed, std::nullopt);
//     body.update(piece);  ...
//     std::string digest = body.finish();
//
// Text that needs no change, which is nearly all, goes to the digest in the pieces it came in.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "dawk/crypto/hash.hpp"
#include "dawk/mail/header.hpp"

namespace dawk::dkim {

enum class Canonical { simple, relaxed };
std::string_view to_string(Canonical c) noexcept;

// One field in canonical form, with its CRLF; raw has its own line end or none (§3.4.1, §3.4.2).
std::string canonical_field(mail::HeaderField const& field, Canonical form);
void append_canonical_field(mail::HeaderField const& field, Canonical form, std::string& out);

class BodyHash {
  public:
    // length: l= of the signature, octets of the canonical body that count (§3.5).
    BodyHash(Canonical form, std::optional<std::uint64_t> length,
             crypto::Hash hash = crypto::Hash::sha256);
    void update(std::string_view piece);
    std::string finish();
    // Octets of the canonical body so far, counted beyond l= too; whole after finish().
    std::uint64_t canonical_size() const noexcept { return size_; }
    bool covers_all() const noexcept { return !length_ || *length_ >= size_; }

  private:
    void emit(std::string_view octets);
    void emit_pending();
    void update_simple(std::string_view piece);
    void update_relaxed(std::string_view piece);
    void on_relaxed_octet(char c);
    void settle_cr(std::string_view& piece);
    void end_line();

    Canonical form_;
    std::optional<std::uint64_t> length_;
    crypto::Digest digest_;
    std::uint64_t size_ = 0;
    std::uint64_t pending_lines_ = 0;  // CRLFs that count only if text follows
    bool pending_space_ =
        false;  // relaxed: white space that counts only if text follows on its line
    bool pending_cr_ = false;
    bool text_before_ = false;  // any octet but line ends so far
};

}  // namespace dawk::dkim
