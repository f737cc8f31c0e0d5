#include "dawk/spf/macro.hpp"

#include <algorithm>
#include <vector>

#include "dawk/base/ascii.hpp"

namespace dawk::spf {
namespace {

constexpr std::string_view delimiters = ".-+,/_=";
constexpr std::size_t expansion_max =
    2048;  // of one macro string, ours: the name it makes is ≤ 253

// macro-expand = "%{" macro-letter transformers *delimiter "}" (§7.1)
struct Macro {
    char letter = 0;      // lower case
    bool escape = false;  // upper case letter: URL-escaped
    unsigned keep = 0;    // labels kept from the right, 0: all
    bool reverse = false;
    std::string_view split;  // delimiters, "" means "."
    std::size_t size = 0;    // octets of text used
};

// text starts with "%{".
std::optional<Macro> parse_macro(std::string_view text, bool explanation) {
    auto const close = text.find('}');
    if (close == text.npos || close < 3) return std::nullopt;
    Macro macro;
    macro.size = close + 1;
    auto body = text.substr(2, close - 2);
    macro.letter = ascii::lower(body.front());
    macro.escape = ascii::is_upper(body.front());
    std::string_view const letters = explanation ? "slodiphcrtv" : "slodiphv";
    if (letters.find(macro.letter) == letters.npos) return std::nullopt;
    body.remove_prefix(1);
    std::size_t digits = 0;
    while (digits < body.size() && ascii::is_digit(body[digits])) ++digits;
    if (digits > 0) {
        auto const number = body.substr(0, digits);
        if (number.find_first_not_of('0') == number.npos) return std::nullopt;  // §7.3: nonzero
        // What is too large for a number is more than there are parts: all of them count.
        macro.keep = ascii::to_number<unsigned>(number).value_or(0);
        body.remove_prefix(digits);
    }
    if (!body.empty() && ascii::lower(body.front()) == 'r') {
        macro.reverse = true;
        body.remove_prefix(1);
    }
    if (body.find_first_not_of(delimiters) != body.npos) return std::nullopt;
    macro.split = body;
    return macro;
}

bool is_literal(char c, bool explanation) noexcept {
    return (c >= 0x21 && c <= 0x7E && c != '%') || (explanation && c == ' ');
}

bool is_well_formed(std::string_view text, bool explanation) noexcept {
    while (!text.empty()) {
        if (text.front() != '%') {
            if (!is_literal(text.front(), explanation)) return false;
            text.remove_prefix(1);
            continue;
        }
        if (text.size() < 2) return false;
        if (text[1] == '{') {
            auto const macro = parse_macro(text, explanation);
            if (!macro) return false;
            text.remove_prefix(macro->size);
            continue;
        }
        if (text[1] != '%' && text[1] != '_' && text[1] != '-') return false;
        text.remove_prefix(2);
    }
    return true;
}

std::string value_of(char letter, MacroContext const& context) {
    switch (letter) {
        case 's':
            return context.sender_local + "@" + context.sender_domain;
        case 'l':
            return context.sender_local;
        case 'o':
            return context.sender_domain;
        case 'd':
            return context.domain;
        case 'i':
            return context.ip.dotted();
        case 'p':
            return context.validated_name.empty() ? "unknown" : context.validated_name;
        case 'v':
            return context.ip.is_v6 ? "ip6" : "in-addr";
        case 'h':
            return context.helo;
        case 'c':
            return context.ip.text();
        case 'r':
            return context.receiver.empty() ? "unknown" : context.receiver;
        case 't':
            return std::to_string(to_millis(context.now) / 1000);
        default:
            return {};
    }
}

std::string transformed(Macro const& macro, std::string const& value) {
    if (macro.keep == 0 && !macro.reverse && macro.split.empty()) return value;
    std::string_view const split = macro.split.empty() ? "." : macro.split;
    std::vector<std::string_view> parts;
    std::string_view rest = value;
    for (auto at = rest.find_first_of(split); at != rest.npos; at = rest.find_first_of(split)) {
        parts.push_back(rest.substr(0, at));
        rest.remove_prefix(at + 1);
    }
    parts.push_back(rest);
    if (macro.reverse) std::reverse(parts.begin(), parts.end());
    if (macro.keep != 0 && macro.keep < parts.size()) {
        parts.erase(parts.begin(), parts.end() - static_cast<std::ptrdiff_t>(macro.keep));
    }
    std::string out;
    for (auto const part : parts) {
        if (!out.empty() || part.data() != parts.front().data()) out += '.';
        out += part;
    }
    return out;
}

// RFC 3986 §2.3: everything but unreserved characters.

}  // namespace

bool is_macro_string(std::string_view text) noexcept {
    return is_well_formed(text, false);
}
bool is_explanation(std::string_view text) noexcept {
    return is_well_formed(text, true);
}

bool is_domain_spec(std::string_view text) noexcept {
    if (text.empty() || !is_macro_string(text)) return false;
    if (text.back() == '}' || text.ends_with("%%") || text.ends_with("%_") ||
        text.ends_with("%-")) {
        return text.back() == '}';
    }
    if (text.back() == '.') text.remove_suffix(1);
    auto const dot = text.rfind('.');
    if (dot == text.npos) return false;
    // toplabel: letters, digits and inner hyphens, not digits alone
    auto const top = text.substr(dot + 1);
    if (top.empty() || top.front() == '-' || top.back() == '-') return false;
    return std::all_of(top.begin(), top.end(),
                       [](char c) { return ascii::is_alnum(c) || c == '-'; }) &&
           !std::all_of(top.begin(), top.end(), ascii::is_digit);
}

bool uses_validated_name(std::string_view text) noexcept {
    return text.find("%{p") != text.npos || text.find("%{P") != text.npos;
}

bool uses_local_part(std::string_view text) noexcept {
    for (auto const* macro : {"%{l", "%{L", "%{s", "%{S"}) {
        if (text.find(macro) != text.npos) return true;
    }
    return false;
}

std::optional<std::string> expand(std::string_view text, MacroContext const& context,
                                  std::size_t max) {
    std::string out;
    while (!text.empty()) {
        if (out.size() > max) return std::nullopt;
        if (text.front() != '%' || text.size() < 2) {
            out += text.front();
            text.remove_prefix(1);
            continue;
        }
        if (text[1] != '{') {
            out += text[1] == '%' ? "%" : text[1] == '_' ? " " : "%20";
            text.remove_prefix(2);
            continue;
        }
        auto const macro = parse_macro(text, true);
        if (!macro) return std::nullopt;
        auto const value = transformed(*macro, value_of(macro->letter, context));
        out += macro->escape ? ascii::percent_encoded(value) : value;
        text.remove_prefix(macro->size);
    }
    if (out.size() > max) return std::nullopt;
    return out;
}

bool is_queryable(std::string_view name) noexcept {
    if (name.empty() || name.size() > 253 || !ascii::is_ascii(name)) return false;
    while (!name.empty()) {
        auto const dot = std::min(name.find('.'), name.size());
        if (dot == 0 || dot > 63) return false;
        if (dot + 1 == name.size()) return false;
        name.remove_prefix(std::min(dot + 1, name.size()));
    }
    return true;
}

std::optional<std::string> expand_domain(std::string_view text, MacroContext const& context) {
    auto expanded = expand(text, context, expansion_max);
    if (!expanded) return std::nullopt;
    auto& name = *expanded;
    if (name.ends_with('.')) name.pop_back();
    while (name.size() > 253) {
        auto const dot = name.find('.');
        if (dot == name.npos) return std::nullopt;
        name.erase(0, dot + 1);
    }
    if (!is_queryable(name)) return std::nullopt;
    return ascii::to_lower(name);
}

}  // namespace dawk::spf
