// Reply: what a server says to a command, as a value; how it is written to the wire, and a parser
// for what comes from there. Used by both sides of SMTP and LMTP.
//
//     append_reply(output, 550, "5.1.1", "No such user here");        // server
//     ReplyParser parser;                                             // client
//     while (parser.state() == ReplyParser::State::more) input.remove_prefix(parser.feed(input));
//     if (parser.state() == ReplyParser::State::complete) use(parser.take());
//
// What is written never holds a control octet, an octet above 127 or a line above 512 octets,
// whatever the text came from. What is parsed is bounded in line length, number of lines and
// octets. Standards: RFC 5321 §4.2, §4.2.1, §4.5.3.1.5; RFC 2034 §4; RFC 3463 §2.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace dawk::smtp {

struct Reply {
    std::uint16_t code = 0;  // 200..559 when it came from a peer
    std::string status;      // enhanced status code "5.1.1"; "" if there is none
    std::string text;        // without code and status; '\n' between lines, none at the end

    int severity() const noexcept { return code / 100; }
    bool is_positive() const noexcept { return code >= 200 && code < 300; }      // 2yz
    bool is_intermediate() const noexcept { return code >= 300 && code < 400; }  // 3yz
    bool is_transient() const noexcept { return code >= 400 && code < 500; }     // 4yz
    bool is_permanent() const noexcept { return code >= 500 && code < 600; }     // 5yz
    // The enhanced status code, or "X.0.0" of the code's class: detail is never invented.
    std::string status_or_class() const;
    // "550 5.1.1 No such user here", lines joined by a space; for logs and reports.
    std::string one_line() const;

    friend bool operator==(Reply const&, Reply const&) = default;
};

// Writes one reply, with a line for each line of text (separated by '\n') and the status, if any,
// in every line (RFC 2034 §4). Text octets that do not belong on the wire become '?'; long lines
// are cut.
void append_reply(std::string& out, unsigned code, std::string_view status, std::string_view text);
void append_reply(std::string& out, Reply const& reply);

// "2.1.5": class 2, 4 or 5, subject and detail of one to three digits (RFC 3463 §2).
bool is_status(std::string_view text) noexcept;
// Length of the status that text begins with, if it fits the class of code and a space or the end
// follows; else 0. Tolerant of nothing else.
std::size_t status_prefix(std::string_view text, unsigned code) noexcept;

struct ReplyLimits {
    std::uint32_t line_bytes = 4096;  // the standard's 512 is often passed (§4.5.3.1.5)
    std::uint32_t lines = 512;
    std::uint32_t total_bytes = 65'536;
};

class ReplyParser {
  public:
    enum class State {
        more,      // needs more octets
        complete,  // take() has it
        bad,       // not SMTP, or beyond a limit; the connection is of no use any more
    };

    explicit ReplyParser(ReplyLimits limits = {}) : limits_(limits) {}

    // Takes octets up to the end of one reply and returns how many it took; takes none unless the
    // state is more. A line may end with LF alone: servers that do so exist, and no mail can be
    // split by it.
    std::size_t feed(std::string_view bytes);
    State state() const noexcept { return state_; }
    // No octet of a reply has come yet.
    bool is_idle() const noexcept { return state_ == State::more && total_ == 0; }
    // The complete reply; the parser then waits for the next one.
    Reply take();
    void reset();

  private:
    void end_line();

    ReplyLimits limits_;
    State state_ = State::more;
    std::string line_;
    std::uint32_t lines_ = 0;
    std::uint32_t total_ = 0;
    Reply reply_;
};

}  // namespace dawk::smtp
