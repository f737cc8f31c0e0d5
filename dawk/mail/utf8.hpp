// UTF-8, decoded strictly: no overlong form, no surrogate, nothing above U+10FFFF.
//
//     while (!text.empty()) if (auto c = mail::utf8_take(text); !c) return Errc::bad_syntax;
//
// Never guesses and never replaces; what is not UTF-8 is said to be not UTF-8.
// Standards: RFC 3629 §3, §4; RFC 6532 §3.1.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace dawk::mail {

// Takes the first code point off text; nothing (and text unchanged) when it does not start with
// one.
std::optional<char32_t> utf8_take(std::string_view& text) noexcept;

bool is_utf8(std::string_view text) noexcept;

// Appends the code point; U+FFFD in place of a surrogate or a value above U+10FFFF.
void utf8_append(std::string& out, char32_t code);

// C1 controls (U+0080 to U+009F), which terminals obey, and the line and paragraph separators.
constexpr bool is_utf8_control(char32_t code) noexcept {
    return (code >= 0x80 && code < 0xA0) || code == 0x2028 || code == 0x2029;
}

}  // namespace dawk::mail
