#include "dawk/mail/utf8.hpp"

namespace dawk::mail {
namespace {

struct Lead {
    std::size_t size;   // octets in all; 0: no lead octet
    char32_t bits;      // payload of the lead octet
    char32_t smallest;  // below this the form is overlong
};

constexpr Lead lead_of(unsigned char c) noexcept {
    if (c < 0x80) return {1, c, 0};
    if (c >= 0xC2 && c < 0xE0) return {2, c & 0x1FU, 0x80};
    if (c >= 0xE0 && c < 0xF0) return {3, c & 0x0FU, 0x800};
    if (c >= 0xF0 && c < 0xF5) return {4, c & 0x07U, 0x10000};
    return {0, 0, 0};
}

}  // namespace

std::optional<char32_t> utf8_take(std::string_view& text) noexcept {
    if (text.empty()) return std::nullopt;
    auto const lead = lead_of(static_cast<unsigned char>(text[0]));
    if (lead.size == 0 || text.size() < lead.size) return std::nullopt;
    char32_t code = lead.bits;
    for (std::size_t i = 1; i < lead.size; ++i) {
        auto const c = static_cast<unsigned char>(text[i]);
        if ((c & 0xC0U) != 0x80U) return std::nullopt;
        code = (code << 6U) | (c & 0x3FU);
    }
    bool const surrogate = code >= 0xD800 && code < 0xE000;
    if (code < lead.smallest || surrogate || code > 0x10FFFF) return std::nullopt;
    text.remove_prefix(lead.size);
    return code;
}

bool is_utf8(std::string_view text) noexcept {
    while (!text.empty()) {
        std::size_t ascii = 0;
        while (ascii < text.size() && static_cast<unsigned char>(text[ascii]) < 0x80) ++ascii;
        text.remove_prefix(ascii);
        if (text.empty()) break;
        if (!utf8_take(text)) return false;
    }
    return true;
}

void utf8_append(std::string& out, char32_t code) {
    if ((code >= 0xD800 && code < 0xE000) || code > 0x10FFFF) code = 0xFFFD;
    auto const tail = [&](unsigned shift) {
        out += static_cast<char>(0x80U | ((code >> shift) & 0x3FU));
    };
    if (code < 0x80) {
        out += static_cast<char>(code);
    } else if (code < 0x800) {
        out += static_cast<char>(0xC0U | (code >> 6U));
        tail(0);
    } else if (code < 0x10000) {
        out += static_cast<char>(0xE0U | (code >> 12U));
        tail(6);
        tail(0);
    } else {
        out += static_cast<char>(0xF0U | (code >> 18U));
        tail(12);
        tail(6);
        tail(0);
    }
}

}  // namespace dawk::mail
