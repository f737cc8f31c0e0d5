#include "dawk/smtp/xtext.hpp"

#include "dawk/base/ascii.hpp"

namespace dawk::smtp {

namespace {

// RFC 3461 §4: hexchar = "+" and two of 0-9, A-F; lower case is not among them.
int upper_hex(char c) noexcept {
    return ascii::is_lower(c) ? -1 : ascii::hex_value(c);
}

// RFC 3461 §4: xchar = any character from "!" to "~" except "+" and "=".
bool is_xchar(char c) noexcept {
    return c > ' ' && c < 127 && c != '+' && c != '=';
}

}  // namespace

std::string xtext_encode(std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string out;
    out.reserve(text.size());
    for (char const c : text) {
        if (is_xchar(c)) {
            out.push_back(c);
            continue;
        }
        auto const octet = static_cast<unsigned char>(c);
        out.push_back('+');
        out.push_back(digits[octet >> 4U]);
        out.push_back(digits[octet & 15U]);
    }
    return out;
}

Result<std::string> xtext_decode(std::string_view text, bool utf8) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '+') {
            if (text.size() - i < 3) return Errc::bad_syntax;
            int const high = upper_hex(text[i + 1]);
            int const low = upper_hex(text[i + 2]);
            if (high < 0 || low < 0) return Errc::bad_syntax;
            c = static_cast<char>(high * 16 + low);
            i += 2;
        } else if (!is_xchar(c) && !ascii::is_eight_bit(c)) {
            return Errc::bad_syntax;
        }
        if (ascii::is_control(c) || (ascii::is_eight_bit(c) && !utf8)) return Errc::bad_syntax;
        out.push_back(c);
    }
    return out;
}

}  // namespace dawk::smtp
