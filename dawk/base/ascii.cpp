#include "dawk/base/ascii.hpp"

namespace dawk::ascii {

std::string to_lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), lower);
    return out;
}

std::string to_upper(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), upper);
    return out;
}

std::string_view trim(std::string_view text) noexcept {
    auto const is_blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return text;
}

bool is_ascii(std::string_view text) noexcept {
    return std::none_of(text.begin(), text.end(), is_eight_bit);
}

namespace {

// Length of the valid UTF-8 sequence of several octets at the start of text, or 0 (RFC 3629 §4).
std::size_t utf8_length(std::string_view text) noexcept {
    auto const octet = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    unsigned const lead = octet(0);
    std::size_t const size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || text.size() < size) return 0;
    for (std::size_t i = 1; i < size; ++i) {
        if ((octet(i) & 0xC0U) != 0x80U) return 0;
    }
    bool const overlong = (lead == 0xE0 && octet(1) < 0xA0) || (lead == 0xF0 && octet(1) < 0x90);
    bool const surrogate = lead == 0xED && octet(1) > 0x9F;
    bool const beyond = lead == 0xF4 && octet(1) > 0x8F;
    return overlong || surrogate || beyond ? 0 : size;
}

void append_escaped(std::string& out, char c) {
    constexpr std::string_view digits = "0123456789abcdef";
    auto const octet = static_cast<unsigned char>(c);
    out += "\\x";
    out += digits[octet >> 4U];
    out += digits[octet & 15U];
}

}  // namespace

bool is_utf8(std::string_view text) noexcept {
    while (!text.empty()) {
        auto const used = is_eight_bit(text.front()) ? utf8_length(text) : 1;
        if (used == 0) return false;
        text.remove_prefix(used);
    }
    return true;
}

std::string printable(std::string_view text, std::size_t max) {
    std::string out;
    bool const cut = text.size() > max;
    text = text.substr(0, max);
    out.reserve(text.size());
    while (!text.empty()) {
        char const c = text.front();
        std::size_t used = 1;
        if (is_eight_bit(c)) {
            used = utf8_length(text);
            if (used == 0) append_escaped(out, c);
            out.append(text.substr(0, used));
            used = std::max<std::size_t>(used, 1);
        } else if (is_control(c) || c == '\\') {
            append_escaped(out, c);
        } else {
            out += c;
        }
        text.remove_prefix(used);
    }
    if (cut) out += "...";
    return out;
}

std::string percent_encoded(std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string out;
    for (char const c : text) {
        if (is_alnum(c) || std::string_view("-._~").find(c) != std::string_view::npos) {
            out += c;
            continue;
        }
        auto const octet = static_cast<unsigned char>(c);
        out += '%';
        out += digits[octet >> 4U];
        out += digits[octet & 15U];
    }
    return out;
}

}  // namespace dawk::ascii
