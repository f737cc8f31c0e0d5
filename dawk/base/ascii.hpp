// ASCII without locale: what protocols need, and nothing more. Octets above 127 are never letters.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dawk::ascii {

constexpr bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}
constexpr bool is_upper(char c) noexcept {
    return c >= 'A' && c <= 'Z';
}
constexpr bool is_lower(char c) noexcept {
    return c >= 'a' && c <= 'z';
}
constexpr bool is_alpha(char c) noexcept {
    return is_upper(c) || is_lower(c);
}
constexpr bool is_alnum(char c) noexcept {
    return is_alpha(c) || is_digit(c);
}
constexpr bool is_space(char c) noexcept {
    return c == ' ' || c == '\t';
}
constexpr bool is_control(char c) noexcept {
    return static_cast<unsigned char>(c) < 32 || static_cast<unsigned char>(c) == 127;
}
constexpr bool is_print(char c) noexcept {
    return c >= 32 && c < 127;
}
constexpr bool is_eight_bit(char c) noexcept {
    return static_cast<unsigned char>(c) > 127;
}
constexpr char lower(char c) noexcept {
    return is_upper(c) ? static_cast<char>(c + 32) : c;
}
constexpr char upper(char c) noexcept {
    return is_lower(c) ? static_cast<char>(c - 32) : c;
}
// The value of a hexadecimal digit, or -1.
constexpr int hex_value(char c) noexcept {
    if (is_digit(c)) return c - '0';
    char const l = lower(c);
    return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

constexpr bool iequals(std::string_view a, std::string_view b) noexcept {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return lower(x) == lower(y); });
}
constexpr bool istarts_with(std::string_view text, std::string_view prefix) noexcept {
    return text.size() >= prefix.size() && iequals(text.substr(0, prefix.size()), prefix);
}
constexpr bool iends_with(std::string_view text, std::string_view suffix) noexcept {
    return text.size() >= suffix.size() &&
           iequals(text.substr(text.size() - suffix.size()), suffix);
}
std::string to_lower(std::string_view text);
std::string to_upper(std::string_view text);
// Without the spaces and tabs (and CR, LF) at both ends.
std::string_view trim(std::string_view text) noexcept;
bool is_ascii(std::string_view text) noexcept;
// Well-formed UTF-8 (RFC 3629 §4: shortest forms only, no surrogates).
bool is_utf8(std::string_view text) noexcept;

// A decimal number that fills the whole text; nothing on any other octet, sign or overflow.
template <class T>
std::optional<T> to_number(std::string_view text) noexcept {
    T value{};
    if (text.empty() || !is_digit(text.front())) return std::nullopt;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

// Peer text made safe for one line of a log or terminal: control octets and backslash become \xHH,
// a byte above 127 stays only inside valid UTF-8, and what is longer than max is cut and marked
// with "...".
std::string printable(std::string_view text, std::size_t max = 1024);
// As part of a URI: all but unreserved characters (RFC 3986 §2.3) as %XX.
std::string percent_encoded(std::string_view text);

}  // namespace dawk::ascii
