// Conversion of a message for a next hop that takes fewer octets than it holds: 8-bit and binary
// bodies become quoted-printable or base64, part by part, and nothing else changes.
//
//     mail::ConversionPlanner planner{mail::Transport::seven_bit};   // first reading of the
//     content while (more) if (auto error = planner.feed(piece)) ... auto plan = planner.finish();
//     // unsupported: it cannot be done mail::Converter converter{*plan}; // second reading while
//     (more) { converter.feed(piece, out); send(out); }        // finish() at the end
//
// Two readings, so that nothing is held in memory but the headers. It cannot be done to a header
// beyond ASCII (RFC 6532 mail needs SMTPUTF8), inside of signed or encrypted parts (it would break
// them), or to a body that lies about its encoding. A DKIM signature over the body does not
// survive: sign afterwards. Standards: RFC 6152 §3; RFC 3030 §3; RFC 2045 §6; RFC 1847 §2.1 (leave
// signed parts alone).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dawk/mail/mime.hpp"

namespace dawk::mail {

enum class Transport : std::uint8_t {
    seven_bit,  // ASCII in lines
    eight_bit,  // any octets in lines (8BITMIME): only what is binary is converted
};

// What to do where: replacements of octets, in order, not overlapping.
struct ConversionPlan {
    struct Edit {
        std::uint64_t begin = 0, end = 0;                         // of the content
        std::string text{};                                       // stands there instead, or
        TransferEncoding encoding = TransferEncoding::seven_bit;  // the octets are encoded so
    };
    std::vector<Edit> edits;
    bool is_empty() const noexcept { return edits.empty(); }  // fits as it is
};

class ConversionPlanner final : private MimeSink {
  public:
    explicit ConversionPlanner(Transport target, MimeLimits limits = {});
    // Errors: those of MimeScanner.
    ErrorCode feed(std::string_view piece);
    // Errors: unsupported.
    Result<ConversionPlan> finish();

  private:
    struct Body {
        bool eight_bit = false;
        bool binary = false;  // NUL, bare CR or LF, or a line too long
    };
    void on_part(std::uint32_t index, MimePart const& part) override;
    void on_body(std::uint32_t index, std::string_view octets) override;
    void on_end(std::uint32_t index, MimePart const& part) override;
    bool must_convert(std::uint32_t index) const noexcept;
    ErrorCode check_part(MimePart const& part) const;

    Transport target_;
    MimeScanner scanner_;
    std::vector<Body> bodies_;            // by index of the part
    std::uint64_t eight_bit_octets_ = 0;  // of the content, but for those in bodies
    std::size_t column_ = 0;
    bool after_cr_ = false;
};

class Converter {
  public:
    explicit Converter(ConversionPlan plan) : plan_(std::move(plan)) {}
    // Appends what the octets become.
    void feed(std::string_view octets, std::string& out);
    void finish(std::string& out);

  private:
    void enter(std::string& out);
    void encode(std::string_view octets, std::string& out);
    void leave(std::string& out);

    ConversionPlan plan_;
    std::size_t next_ = 0;  // the edit we are in or before
    std::uint64_t offset_ = 0;
    bool inside_ = false;
    std::optional<Base64Encoder> base64_;
    std::optional<QuotedPrintableEncoder> printable_;
};

}  // namespace dawk::mail
