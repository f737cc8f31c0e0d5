#include "dawk/dsn/unitext.hpp"

#include <charconv>
#include <optional>

#include "dawk/base/ascii.hpp"
#include "dawk/mail/utf8.hpp"

namespace dawk::dsn {
namespace {

struct Point {
    char32_t code;
    std::size_t size;  // of the whole \x{...}
};

std::optional<Point> take_point(std::string_view text) {
    if (!text.starts_with("\\x{")) return std::nullopt;
    auto const end = text.find('}');
    if (end == std::string_view::npos || end < 5 || end > 9) return std::nullopt;
    auto const digits = text.substr(3, end - 3);
    unsigned value = 0;
    auto const [rest, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    bool const whole = error == std::errc{} && rest == digits.data() + digits.size();
    bool const valid = value > 0 && value <= 0x10FFFF && !(value >= 0xD800 && value < 0xE000);
    if (!whole || !valid) return std::nullopt;
    return Point{static_cast<char32_t>(value), end + 1};
}

}  // namespace

std::string unitext_decode(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        if (auto const point = take_point(text)) {
            mail::utf8_append(out, point->code);
            text.remove_prefix(point->size);
        } else {
            out += text[0];
            text.remove_prefix(1);
        }
    }
    return out;
}

std::string unitext_encode(std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string out;
    while (!text.empty()) {
        auto const code = mail::utf8_take(text);
        if (!code) {
            text.remove_prefix(1);
            continue;
        }
        bool const plain =
            *code > 32 && *code < 127 && *code != '\\' && *code != '+' && *code != '=';
        if (plain) {
            out += static_cast<char>(*code);
            continue;
        }
        std::string hex;
        for (char32_t rest = *code; rest > 0 || hex.size() < 2; rest >>= 4U)
            hex.insert(0, 1, digits[rest & 15U]);
        out += "\\x{" + hex + '}';
    }
    return out;
}

}  // namespace dawk::dsn
