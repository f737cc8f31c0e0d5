// DotStuffer: makes content fit for DATA without copying it: what goes to the wire is a list of
// views into the content, with a dot put before each line that begins with one, and the end of
// data.
//
//     DotStuffer stuffer;
//     stuffer.add(chunk, pieces);          // as often as there are chunks, cut anywhere
//     stuffer.finish(pieces);              // CRLF if the last line lacks it, then "." CRLF
//
// Content must be lines that end in CRLF. A CR or LF alone is never repaired: is_clean() turns
// false, and what was made must not be sent (it would be another message to the next hop: SMTP
// smuggling). The views live as long as the chunks. Standards: RFC 5321 §4.5.2, §2.3.8.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace dawk::smtp {

class DotStuffer {
  public:
    void add(std::string_view chunk, std::vector<std::string_view>& pieces);
    void finish(std::vector<std::string_view>& pieces);
    bool is_clean() const noexcept { return clean_; }

  private:
    enum class Last { line_end, cr, other };
    Last last_ =
        Last::line_end;  // nothing yet counts as after a line end: the first line may be a dot
    bool clean_ = true;
};

// Whether text, from a line's start to a line's end or in the middle of a line, has a CR or LF
// alone. A CR at the very end counts as alone.
bool has_bare_line_end(std::string_view text) noexcept;

// Whether any octet is above 127.
bool has_eight_bit(std::string_view text) noexcept;

}  // namespace dawk::smtp
