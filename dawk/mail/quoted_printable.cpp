#include "dawk/mail/quoted_printable.hpp"

#include <algorithm>

#include "dawk/base/ascii.hpp"

namespace dawk::mail {
namespace {

constexpr std::size_t held_size_max = 998;  // no line may be longer (RFC 5322 §2.1.1)

std::string escaped(char c) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    auto const octet = static_cast<unsigned char>(c);
    return {'=', digits[octet >> 4U], digits[octet & 15U]};
}

}  // namespace

// Appends what must not be torn apart, behind a soft line break if the line is full.
void QuotedPrintableEncoder::put(std::string_view token, std::string& out) {
    if (column_ + token.size() > line_size - 1) {
        out += "=\r\n";
        column_ = 0;
    }
    out += token;
    column_ += token.size();
}

void QuotedPrintableEncoder::flush_space(bool encoded, std::string& out) {
    if (space_ == 0) return;
    char const c = space_;
    space_ = 0;
    put(encoded ? escaped(c) : std::string(1, c), out);
}

void QuotedPrintableEncoder::on_octet(char c, std::string& out) {
    flush_space(false, out);
    if (ascii::is_space(c)) {
        space_ = c;
    } else if (ascii::is_print(c) && c != '=') {
        put({&c, 1}, out);
    } else {
        put(escaped(c), out);
    }
}

void QuotedPrintableEncoder::feed(std::string_view bytes, std::string& out) {
    for (char const c : bytes) {
        if (cr_) {
            cr_ = false;
            if (c == '\n') {
                flush_space(true, out);
                out += "\r\n";
                column_ = 0;
                continue;
            }
            on_octet('\r', out);
        }
        if (c == '\r' && kind_ == Kind::text) {
            cr_ = true;
        } else {
            on_octet(c, out);
        }
    }
}

void QuotedPrintableEncoder::finish(std::string& out, bool end_line) {
    if (cr_) on_octet('\r', out);
    cr_ = false;
    flush_space(true, out);
    if (column_ > 0 && end_line) out += kind_ == Kind::text ? "\r\n" : "=\r\n";
    column_ = 0;
}

void QuotedPrintableDecoder::on_escape(char c, std::string& out) {
    if (held_.size() == 1 && ascii::hex_value(c) >= 0) {
        held_ += c;
        return;
    }
    if (held_.size() == 2 && ascii::hex_value(held_[1]) >= 0 && ascii::hex_value(c) >= 0) {
        out += static_cast<char>(ascii::hex_value(held_[1]) * 16 + ascii::hex_value(c));
        held_.clear();
        return;
    }
    bool const only_space = std::all_of(held_.begin() + 1, held_.end(),
                                        [](char h) { return ascii::is_space(h) || h == '\r'; });
    if (only_space && c == '\n') {  // a soft line break
        held_.clear();
    } else if (only_space && (ascii::is_space(c) || c == '\r') && held_.size() < held_size_max) {
        held_ += c;
    } else {
        defective_ = true;
        std::string literal;
        std::swap(literal, held_);
        out += literal;
        on_octet(c, out);
    }
}

void QuotedPrintableDecoder::on_octet(char c, std::string& out) {
    if (held_.starts_with('=')) return on_escape(c, out);
    if (c == '\n') {  // white space before a line end is none of the sender's
        bool const crlf = held_.ends_with('\r');
        held_.clear();
        out += crlf ? "\r\n" : "\n";
        return;
    }
    bool const after_cr = held_.ends_with('\r');
    if ((ascii::is_space(c) || c == '\r') && !after_cr && held_.size() < held_size_max) {
        held_ += c;
        return;
    }
    out += held_;
    held_.clear();
    if (c == '=' || ascii::is_space(c) || c == '\r') {
        held_ = c;
    } else {
        out += c;
    }
}

void QuotedPrintableDecoder::feed(std::string_view text, std::string& out) {
    for (char const c : text) on_octet(c, out);
}

void QuotedPrintableDecoder::finish(std::string& out) {
    if (held_.starts_with('=')) {
        // "=" at the very end is a soft line break whose line end went with the boundary.
        bool const soft = std::all_of(held_.begin() + 1, held_.end(),
                                      [](char h) { return ascii::is_space(h) || h == '\r'; });
        if (!soft) {
            defective_ = true;
            out += held_;
        }
    } else if (held_.ends_with('\r')) {
        out += held_;
    }
    held_.clear();
}

std::string quoted_printable_decode(std::string_view text) {
    std::string out;
    QuotedPrintableDecoder decoder;
    decoder.feed(text, out);
    decoder.finish(out);
    return out;
}

}  // namespace dawk::mail
