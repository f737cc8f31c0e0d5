#include "dawk/base/base64.hpp"

#include <array>
#include <cstdint>

namespace dawk::base64 {

namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<std::int8_t, 256> make_values() {
    std::array<std::int8_t, 256> values{};
    values.fill(-1);
    for (std::size_t i = 0; i < alphabet.size(); ++i) {
        values[static_cast<unsigned char>(alphabet[i])] = static_cast<std::int8_t>(i);
    }
    return values;
}
constexpr std::array<std::int8_t, 256> values = make_values();
constexpr int value_of(char c) noexcept {  // -1: not of the alphabet
    return values[static_cast<unsigned char>(c)];
}

}  // namespace

std::string encode(std::string_view bytes, Padding padding) {
    std::string out;
    out.reserve((bytes.size() + 2) / 3 * 4);
    std::uint32_t bits = 0;
    int count = 0;
    for (char const c : bytes) {
        bits = bits << 8U | static_cast<unsigned char>(c);
        for (count += 8; count >= 6;) {
            count -= 6;
            out += alphabet[bits >> count & 63U];
        }
    }
    if (count > 0) out += alphabet[bits << (6 - count) & 63U];
    while (padding == Padding::with && out.size() % 4 != 0) out += '=';
    return out;
}

Result<std::string> decode(std::string_view text, Padding padding) {
    if (padding == Padding::with) {
        if (text.size() % 4 != 0) return Errc::bad_syntax;
        if (text.ends_with('=')) text.remove_suffix(text.ends_with("==") ? 2 : 1);
    }
    if (text.size() % 4 == 1) return Errc::bad_syntax;
    std::string out(text.size() / 4 * 3, '\0');
    std::size_t at = 0;
    for (; text.size() >= 4; text.remove_prefix(4), at += 3) {
        int const group = value_of(text[0]) << 18 | value_of(text[1]) << 12 |
                          value_of(text[2]) << 6 | value_of(text[3]);
        if (group < 0) return Errc::bad_syntax;  // any of them is -1
        out[at] = static_cast<char>(group >> 16);
        out[at + 1] = static_cast<char>(group >> 8 & 255);
        out[at + 2] = static_cast<char>(group & 255);
    }
    std::uint32_t bits = 0;
    int count = 0;
    for (char const c : text) {
        int const value = value_of(c);
        if (value < 0) return Errc::bad_syntax;
        bits = bits << 6U | static_cast<std::uint32_t>(value);
        count += 6;
        if (count >= 8) {
            count -= 8;
            out += static_cast<char>(bits >> count & 255U);
        }
    }
    // RFC 4648 §3.5: bits that carry nothing are zero, so that a value has one spelling.
    if (count > 0 && (bits & ((1U << count) - 1)) != 0) return Errc::bad_syntax;
    return out;
}

}  // namespace dawk::base64
