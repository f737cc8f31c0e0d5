// DataReader: finds the end of a message that comes by DATA, takes the stuffed dots away and sees
// every line end that is not CRLF.
//
//     DataReader reader;
//     while (!input.empty()) {
//         auto [text, used, end] = reader.next(input);   // text is a view into input
//         input.remove_prefix(used);
//     }
//
// Only CRLF.CRLF ends a message (the first line counts as after CRLF). A bare CR or a bare LF never
// ends a line here; it is remembered, and the message must then be refused. Nothing is copied: text
// is a view into the input and never spans a dot that was taken away. Standards: RFC 5321 §2.3.8,
// §4.1.1.4, §4.5.2.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace dawk::smtp {

class DataReader {
  public:
    struct Piece {
        std::string_view text;  // octets of the message, dots unstuffed; may be empty
        std::size_t used = 0;   // octets of input consumed; > 0 unless input is empty
        bool end = false;       // the final dot was read; what follows in input is a command
    };

    Piece next(std::string_view input) noexcept;
    // A CR without LF or a LF without CR was seen: refuse with 550 5.5.2, then close, since the
    // sender and we may not agree where the message ends.
    bool has_bare_line_end() const noexcept { return bare_; }
    void reset() noexcept { *this = DataReader{}; }

  private:
    enum class State : std::uint8_t {
        line_start,  // after CRLF
        dot,         // after CRLF "."
        dot_cr,      // after CRLF "." CR
        text,        // within a line
        cr,          // within a line, after CR
        done,
    };

    std::size_t scan_text(std::string_view input) noexcept;

    State state_ = State::line_start;
    bool bare_ = false;
};

// The same watch over octets that come counted (BDAT) and are not unstuffed.
class LineEndCheck {
  public:
    void feed(std::string_view octets) noexcept;
    bool has_bare_line_end() const noexcept { return bare_; }
    bool at_line_start() const noexcept {
        return state_ == State::line_start;
    }  // or nothing came yet
    bool ends_with_cr() const noexcept { return state_ == State::cr; }

  private:
    enum class State : std::uint8_t { line_start, text, cr };
    State state_ = State::line_start;
    bool bare_ = false;
};

}  // namespace dawk::smtp
