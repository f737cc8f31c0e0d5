// MimeScanner: the structure of a message, found while its content streams by.
//
//     mail::MimeScanner scanner{{}, &sink};                // sink: optional, sees the bodies pass
//     while (more) if (auto error = scanner.feed(piece)) return error;
//     if (auto error = scanner.finish()) return error;
//     for (mail::MimePart const& part : scanner.parts()) ...      // part 0 is the message itself
//
// Memory holds the headers of the parts and one line, never a body; what is above a limit is
// refused, so that nobody else has to guess what was meant behind it. The result does not depend on
// how the content was cut. Bodies are given as they stand; BodyDecoder undoes the transfer
// encoding. Standards: RFC 2045, 2046 §5.1, §5.2.1; RFC 6532 §3.7 (message/global); RFC 7103 §8.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dawk/base/result.hpp"
#include "dawk/mail/base64.hpp"
#include "dawk/mail/content.hpp"
#include "dawk/mail/header.hpp"
#include "dawk/mail/quoted_printable.hpp"

namespace dawk::mail {

struct MimeLimits {
    std::size_t parts = 1000;
    std::size_t depth = 30;                      // of part 0: 0
    HeaderLimits header{};                       // of each part
    std::size_t headers_size_bytes = 4U << 20U;  // of all parts together
};

struct MimePart {
    static constexpr std::uint32_t none = ~0U;

    std::uint32_t parent = none;
    std::uint32_t depth = 0;
    HeaderSection header{};
    ContentType type{};
    Disposition disposition{};
    TransferEncoding encoding = TransferEncoding::seven_bit;
    // Offsets in the content; the line end before a boundary belongs to the boundary.
    std::uint64_t begin = 0, body_begin = 0, body_end = 0;
    bool is_container = false;  // a multipart or an enclosed message: its children hold the text
    bool is_cut = false;        // a multipart without its last boundary
};

class MimeSink {
  public:
    virtual ~MimeSink() = default;
    virtual void on_part(std::uint32_t index, MimePart const& part) = 0;     // its header is known
    virtual void on_body(std::uint32_t index, std::string_view octets) = 0;  // of no container
    virtual void on_end(std::uint32_t index, MimePart const& part) = 0;
};

class MimeScanner {
  public:
    explicit MimeScanner(MimeLimits limits = {}, MimeSink* sink = nullptr);

    // Errors: too_many (parts, depth, fields), too_long (headers). They stay.
    ErrorCode feed(std::string_view piece);
    ErrorCode finish();

    std::vector<MimePart> const& parts() const noexcept { return parts_; }
    std::vector<MimePart> take() noexcept { return std::move(parts_); }

  private:
    struct Open {
        std::uint32_t part;
        std::string boundary;  // with the dashes; "" unless an open multipart
    };
    enum class Place : std::uint8_t { header, body, aside };  // aside: preamble or epilogue

    void on_line(std::string_view line);
    void on_header_line(std::string_view line);
    bool on_boundary(std::string_view line);
    void emit(std::string_view octets);
    void put(std::string_view octets);
    void begin_part(std::uint32_t parent);
    void begin_body(std::uint64_t body_begin);
    void end_header();
    void end_parts(std::size_t keep, std::uint64_t end);
    std::size_t line_limit() const noexcept;

    MimeLimits limits_;
    MimeSink* sink_;
    std::vector<MimePart> parts_;
    std::vector<Open> open_;  // from part 0 to the innermost
    HeaderScanner header_;
    std::size_t headers_size_ = 0;
    std::string line_;          // of which the end has not come yet
    std::string held_;          // a line end that may belong to a boundary
    std::uint64_t offset_ = 0;  // of the line, or the piece of a long one, that is looked at
    Place place_ = Place::header;
    bool in_long_line_ = false;
    bool at_end_ = false;
    ErrorCode error_;
};

// A whole content at once.
Result<std::vector<MimePart>> parse_mime(std::string_view content, MimeLimits limits = {});

class BodyDecoder {
  public:
    explicit BodyDecoder(TransferEncoding encoding) : encoding_(encoding) {}
    void feed(std::string_view octets, std::string& out);
    void finish(std::string& out);
    bool is_defective() const noexcept {
        return base64_.is_defective() || printable_.is_defective();
    }

  private:
    TransferEncoding encoding_;
    Base64Decoder base64_;
    QuotedPrintableDecoder printable_;
};

// The body of a part without its transfer encoding; content is the whole that was scanned.
std::string decoded_body(MimePart const& part, std::string_view content);
// The same as UTF-8, by the charset of the part.
std::string decoded_text(MimePart const& part, std::string_view content);
// The name a part wants to be saved under, from Content-Disposition or Content-Type; "" if none. It
// is the sender's word: never a path for anybody to open.
std::string_view file_name(MimePart const& part) noexcept;

}  // namespace dawk::mail
