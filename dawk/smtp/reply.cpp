#include "dawk/smtp/reply.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "dawk/base/ascii.hpp"
#include "dawk/base/check.hpp"

namespace dawk::smtp {

namespace {

constexpr std::size_t line_bytes_max = 512;  // RFC 5321 §4.5.3.1.5, with CRLF

void append_line(std::string& out, unsigned code, char separator, std::string_view status,
                 std::string_view text) {
    char const digits[4] = {static_cast<char>('0' + code / 100 % 10),
                            static_cast<char>('0' + code / 10 % 10),
                            static_cast<char>('0' + code % 10), separator};
    out.append(digits, 4);
    out.append(status);
    if (!status.empty() && !text.empty()) out.push_back(' ');
    std::size_t const head = 4 + status.size() + 1;
    text = text.substr(0, line_bytes_max - 2 - head);
    std::size_t const start = out.size();
    out.append(text);
    std::replace_if(
        out.begin() + static_cast<std::ptrdiff_t>(start), out.end(),
        [](char c) { return !ascii::is_print(c); }, '?');
    out.append("\r\n", 2);
}

// The code a reply line begins with, or 0. RFC 5321 §4.2: Reply-code = %x32-35 %x30-35 %x30-39; a
// second digit up to 9 is taken too, because it changes nothing for us.
unsigned line_code(std::string_view line) noexcept {
    if (line.size() < 3 || line[0] < '2' || line[0] > '5') return 0;
    if (!ascii::is_digit(line[1]) || !ascii::is_digit(line[2])) return 0;
    return static_cast<unsigned>((line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0'));
}

// Digits of one part of a status: one to three, no leading zero but "0" itself; 0 if it is none.
std::size_t number_length(std::string_view text) noexcept {
    std::size_t n = 0;
    while (n < text.size() && n < 4 && ascii::is_digit(text[n])) ++n;
    return n <= 3 && (n <= 1 || text[0] != '0') ? n : 0;
}

std::size_t status_length(std::string_view text) noexcept {
    if (text.size() < 5 || text[1] != '.') return 0;
    if (text[0] != '2' && text[0] != '4' && text[0] != '5') return 0;
    std::size_t const subject = number_length(text.substr(2));
    std::size_t const dot = 2 + subject;
    if (subject == 0 || dot >= text.size() || text[dot] != '.') return 0;
    std::size_t const detail = number_length(text.substr(dot + 1));
    return detail == 0 ? 0 : dot + 1 + detail;
}

}  // namespace

bool is_status(std::string_view text) noexcept {
    return !text.empty() && status_length(text) == text.size();
}

std::size_t status_prefix(std::string_view text, unsigned code) noexcept {
    std::size_t const length = status_length(text);
    if (length == 0 || static_cast<unsigned>(text[0] - '0') != code / 100) return 0;
    return length == text.size() || text[length] == ' ' ? length : 0;
}

std::string Reply::status_or_class() const {
    if (!status.empty()) return status;
    char const klass = is_positive() ? '2' : is_permanent() ? '5' : '4';
    return std::string(1, klass) + ".0.0";
}

std::string Reply::one_line() const {
    std::string out = std::to_string(code);
    if (!status.empty()) out += ' ' + status;
    if (!text.empty()) out += ' ' + text;
    std::replace(out.begin(), out.end(), '\n', ' ');
    return out;
}

void append_reply(std::string& out, unsigned code, std::string_view status, std::string_view text) {
    DAWK_CHECK(code >= 200 && code < 600);
    for (;;) {
        std::size_t const end = text.find('\n');
        if (end == std::string_view::npos) break;
        append_line(out, code, '-', status, text.substr(0, end));
        text.remove_prefix(end + 1);
    }
    append_line(out, code, ' ', status, text);
}

void append_reply(std::string& out, Reply const& reply) {
    append_reply(out, reply.code, reply.status, reply.text);
}

std::size_t ReplyParser::feed(std::string_view bytes) {
    std::size_t taken = 0;
    while (state_ == State::more && taken < bytes.size()) {
        std::string_view const rest = bytes.substr(taken);
        std::size_t const lf = rest.find('\n');
        std::size_t const length = lf == std::string_view::npos ? rest.size() : lf + 1;
        if (length > limits_.line_bytes - line_.size() || length > limits_.total_bytes - total_) {
            state_ = State::bad;
            break;
        }
        line_.append(rest.substr(0, length));
        total_ += static_cast<std::uint32_t>(length);
        taken += length;
        if (lf != std::string_view::npos) end_line();
    }
    return taken;
}

// RFC 5321 §4.2.1: code, then "-" when more lines follow, or SP, or nothing at all; the code of
// every line is the same. Deviation: where only the class agrees the last line counts, as clients
// have always done; where not even the class agrees the reply means nothing.
void ReplyParser::end_line() {
    std::string_view line = line_;
    line.remove_suffix(1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    unsigned const code = line_code(line);
    bool const bad_separator = line.size() > 3 && line[3] != ' ' && line[3] != '-';
    bool const bad_class = reply_.code != 0 && reply_.code / 100U != code / 100U;
    if (code == 0 || bad_separator || bad_class || lines_ == limits_.lines) {
        state_ = State::bad;
        return;
    }
    bool const more = line.size() > 3 && line[3] == '-';
    reply_.code = static_cast<std::uint16_t>(code);
    std::string_view text = line.substr(std::min<std::size_t>(4, line.size()));
    if (std::size_t const n = status_prefix(text, code); n > 0) {
        if (lines_ == 0) reply_.status = text.substr(0, n);
        if (reply_.status == text.substr(0, n)) text.remove_prefix(std::min(n + 1, text.size()));
    }
    if (lines_ > 0) reply_.text.push_back('\n');
    reply_.text.append(text);
    ++lines_;
    line_.clear();
    if (!more) state_ = State::complete;
}

Reply ReplyParser::take() {
    DAWK_CHECK(state_ == State::complete);
    Reply reply = std::move(reply_);
    reset();
    return reply;
}

void ReplyParser::reset() {
    state_ = State::more;
    line_.clear();
    lines_ = 0;
    total_ = 0;
    reply_ = Reply{};
}

}  // namespace dawk::smtp
