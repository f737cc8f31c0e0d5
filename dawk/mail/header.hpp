// HeaderSection: the header fields of a message or of a MIME part, in their order, over one block
// of octets kept as received. HeaderScanner: finds where that block ends in a stream cut anywhere.
//
//     mail::HeaderScanner scanner;
//     while (scanner.feed(piece) == mail::HeaderScanner::State::more) ...   // then
//     scanner.finish() auto const header = scanner.take(); if (header.count("Received") >= limit)
//     ... for (mail::HeaderField f : header) ...
//
// Verdict, signature and delivery all read a message through this one parser. It never changes an
// octet and never guesses: the first line that is no field ends the section (RFC 7103 §7.1.1 lists
// what others do), and ended_by() says so. Lines end with CRLF; a bare LF is taken as a line end as
// well, for files, and has been refused before on the wire. A bare CR ends nothing. Standards: RFC
// 5322 §2.2, §3.6.8, §4.2, §4.5.8; RFC 6532 §3.2; RFC 7103.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dawk/base/result.hpp"

namespace dawk::mail {

struct HeaderLimits {
    std::size_t size_bytes = 256U << 10U;  // of the section, without the blank line
    std::size_t fields = 4000;
};

// A view of one field; valid as long as its HeaderSection stays where it is.
struct HeaderField {
    std::string_view name;  // as written
    std::string_view body;  // all after the colon, still folded, without the line end
    std::string_view raw;   // the whole field with its line end (absent only at the end of content)

    bool is(std::string_view other) const noexcept;  // names are compared without case
    // Unfolded (line ends removed, RFC 5322 §2.2.3) and without white space at both ends; not
    // decoded.
    std::string value() const;
};

enum class HeaderEnd : std::uint8_t {
    blank_line,      // as it should be
    no_field,        // a line that is neither field nor blank; it is the first line of the body
    end_of_content,  // no body, not even a blank line
};

class HeaderSection {
  public:
    class Iterator;

    HeaderSection() = default;

    // Parses content up to the end of its header section; what follows is ignored.
    // Errors: too_long, too_many.
    static Result<HeaderSection> parse(std::string_view content, HeaderLimits limits = {});

    std::size_t size() const noexcept { return fields_.size(); }
    bool empty() const noexcept { return fields_.empty(); }
    HeaderField operator[](std::size_t index) const noexcept;
    Iterator begin() const noexcept;
    Iterator end() const noexcept;

    std::optional<HeaderField> first(std::string_view name) const noexcept;
    std::optional<HeaderField> last(std::string_view name) const noexcept;
    std::vector<HeaderField> find(std::string_view name) const;  // all of that name, in order
    std::size_t count(std::string_view name) const noexcept;
    bool has(std::string_view name) const noexcept { return first(name).has_value(); }
    // Value of the first field of that name, or "".
    std::string value(std::string_view name) const;

    // All fields as received, without the blank line.
    std::string_view block() const noexcept { return block_; }
    // The same without the fields of these names (Bcc of a submission, Return-Path at delivery).
    std::string block_without(std::initializer_list<std::string_view> names) const;
    // Where the body begins in the content.
    std::uint64_t body_offset() const noexcept { return body_offset_; }
    HeaderEnd ended_by() const noexcept { return end_; }

  private:
    friend class HeaderScanner;
    struct Span {
        std::uint32_t begin, name_size, body_begin, body_end;
    };
    std::string block_;
    std::vector<Span> fields_;
    std::uint64_t body_offset_ = 0;
    HeaderEnd end_ = HeaderEnd::end_of_content;
};

class HeaderSection::Iterator {
  public:
    Iterator(HeaderSection const& section, std::size_t index) noexcept
        : section_(&section), index_(index) {}
    HeaderField operator*() const noexcept { return (*section_)[index_]; }
    Iterator& operator++() noexcept {
        ++index_;
        return *this;
    }
    friend bool operator==(Iterator const&, Iterator const&) = default;

  private:
    HeaderSection const* section_;
    std::size_t index_;
};

// The result depends on the content alone, never on how it was cut. Keeps at most limits.size_bytes
// + 2.
class HeaderScanner {
  public:
    enum class State : std::uint8_t { more, done, too_large, too_many };

    explicit HeaderScanner(HeaderLimits limits = {});

    // The next piece of the content, of any size; after the end it is ignored.
    State feed(std::string_view piece);
    // The content has ended.
    State finish();
    State state() const noexcept { return state_; }

    // The section, once state() is done. body_offset() counts from the first octet fed.
    HeaderSection take() noexcept { return std::move(section_); }

  private:
    void on_line(std::size_t end);
    void on_overflow();
    void end_section(HeaderEnd how, std::size_t block_end, std::size_t body_offset);

    HeaderLimits limits_;
    HeaderSection section_;
    std::size_t line_begin_ = 0;
    State state_ = State::more;
};

// Whether a line (without its end) starts a field: size of the name, or nothing. White space may
// stand between name and colon (obs-optional, RFC 5322 §4.5.8).
std::optional<std::size_t> field_name_size(std::string_view line) noexcept;

// Removes line ends that are followed by white space, and any other CR, LF or NUL becomes a space.
std::string unfold(std::string_view text);

}  // namespace dawk::mail
