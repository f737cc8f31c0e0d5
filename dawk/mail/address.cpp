#include "dawk/mail/address.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "dawk/base/ascii.hpp"
#include "dawk/mail/idna.hpp"
#include "dawk/mail/utf8.hpp"

namespace dawk::mail {
namespace {

constexpr std::size_t local_size_max = 64;     // RFC 5321 §4.5.3.1.1
constexpr std::size_t domain_size_max = 255;   // RFC 5321 §4.5.3.1.2
constexpr std::size_t mailbox_size_max = 254;  // RFC 5321 §4.5.3.1.3: 256 with the brackets
constexpr std::size_t label_size_max = 63;     // RFC 1035 §2.3.4

// RFC 5322 §3.2.3, without the octets above 127.
constexpr bool is_atext(char c) noexcept {
    return ascii::is_alnum(c) ||
           std::string_view{"!#$%&'*+-/=?^_`{|}~"}.find(c) != std::string_view::npos;
}

// Takes one UTF8-non-ascii (RFC 6531 §3.3) off text.
// Deviation: C1 controls and line separators are refused; a name has no use for them, a terminal
// has.
bool take_utf8(std::string_view& text) noexcept {
    auto const code = utf8_take(text);
    return code && *code >= 0x80 && !is_utf8_control(*code);
}

// Dot-string = Atom *("." Atom)
bool is_dot_string(std::string_view text, bool utf8) noexcept {
    bool in_atom = false;
    while (!text.empty()) {
        char const c = text[0];
        if (c == '.') {
            if (!in_atom) return false;
            in_atom = false;
            text.remove_prefix(1);
        } else if (is_atext(c)) {
            in_atom = true;
            text.remove_prefix(1);
        } else if (utf8 && ascii::is_eight_bit(c)) {
            if (!take_utf8(text)) return false;
            in_atom = true;
        } else {
            return false;
        }
    }
    return in_atom;
}

struct LocalPart {
    std::string value;       // unquoted
    std::string_view after;  // what follows, from "@" on
};

// Quoted-string = DQUOTE *QcontentSMTP DQUOTE; text starts with the quote.
Result<LocalPart> take_quoted(std::string_view text, bool utf8) {
    std::string value;
    text.remove_prefix(1);
    while (!text.empty() && text[0] != '"') {
        char c = text[0];
        if (utf8 && ascii::is_eight_bit(c)) {
            auto const before = text;
            if (!take_utf8(text)) return Errc::bad_syntax;
            value += before.substr(0, before.size() - text.size());
            continue;
        }
        if (c == '\\') {  // quoted-pairSMTP
            text.remove_prefix(1);
            if (text.empty()) return Errc::bad_syntax;
            c = text[0];
        }
        if (!ascii::is_print(c)) return Errc::bad_syntax;
        value += c;
        text.remove_prefix(1);
    }
    if (text.empty()) return Errc::bad_syntax;
    return LocalPart{std::move(value), text.substr(1)};
}

Result<LocalPart> take_local_part(std::string_view text, bool utf8) {
    if (text.starts_with('"')) return take_quoted(text, utf8);
    auto const local = text.substr(0, text.find('@'));
    if (!is_dot_string(local, utf8)) return Errc::bad_syntax;
    return LocalPart{std::string{local}, text.substr(local.size())};
}

// sub-domain = Let-dig [Ldh-str]
bool is_ldh_label(std::string_view label) noexcept {
    return !label.empty() && ascii::is_alnum(label.front()) && ascii::is_alnum(label.back()) &&
           std::ranges::all_of(label, [](char c) { return ascii::is_alnum(c) || c == '-'; });
}

ErrorCode check_ldh_name(std::string_view name) noexcept {
    while (true) {
        auto const dot = name.find('.');
        auto const label = name.substr(0, dot);
        if (!is_ldh_label(label)) return Errc::bad_syntax;
        if (label.size() > label_size_max) return Errc::too_long;
        if (dot != std::string_view::npos) {
            name.remove_prefix(dot + 1);
            continue;
        }
        // Deviation: the last label is not all digits. No such domain exists (RFC 3696 §2), and
        // "u@127.0.0.1" would be taken for an address by less careful resolvers.
        bool const number = std::ranges::all_of(label, ascii::is_digit);
        return number ? make_error_code(Errc::bad_syntax) : ErrorCode{};
    }
}

// IPv4-address-literal = Snum 3("." Snum); without leading zeros, which some take for octal.
std::optional<std::string> ipv4_text(std::string_view text) {
    std::string result;
    for (int i = 0; i < 4; ++i) {
        auto const dot = i < 3 ? text.find('.') : text.size();
        if (dot == std::string_view::npos || dot > 3) return std::nullopt;
        auto const number = ascii::to_number<unsigned>(text.substr(0, dot));
        if (!number || *number > 255) return std::nullopt;
        if (i > 0) result += '.';
        result += std::to_string(*number);
        text.remove_prefix(i < 3 ? dot + 1 : dot);
    }
    return result;
}

// Groups of one side of "::", or of a whole address without one; nothing on bad syntax. An IPv4
// address may end the last side and counts as two groups.
std::optional<int> count_groups(std::string_view side, bool last) {
    if (side.empty()) return 0;
    for (int groups = 1;; ++groups) {
        auto const colon = side.find(':');
        auto const group = side.substr(0, colon);
        bool const end = colon == std::string_view::npos;
        if (end && last && group.find('.') != std::string_view::npos) {
            if (!ipv4_text(group)) return std::nullopt;
            return groups + 1;
        }
        if (group.empty() || group.size() > 4) return std::nullopt;
        if (std::ranges::any_of(group, [](char c) { return ascii::hex_value(c) < 0; }))
            return std::nullopt;
        if (end) return groups;
        side.remove_prefix(colon + 1);
    }
}

// IPv6-addr. Deviation: "::" may stand for a single group too (RFC 4291 §2.2); RFC 5321 wants two.
bool is_ipv6(std::string_view text) {
    auto const gap = text.find("::");
    if (gap == std::string_view::npos) return count_groups(text, true) == 8;
    auto const left = count_groups(text.substr(0, gap), false);
    auto const right = count_groups(text.substr(gap + 2), true);
    return left && right && *left + *right <= 7;
}

// address-literal, text with its brackets.
Result<std::string> parse_literal(std::string_view text) {
    if (text.size() < 3 || !text.ends_with(']')) return Errc::bad_syntax;
    auto const inside = text.substr(1, text.size() - 2);
    if (auto const ipv4 = ipv4_text(inside)) return '[' + *ipv4 + ']';
    auto const colon = inside.find(':');
    if (colon == std::string_view::npos) return Errc::bad_syntax;
    auto const tag = inside.substr(0, colon);
    auto const content = inside.substr(colon + 1);
    if (ascii::iequals(tag, "IPv6")) {
        if (!is_ipv6(content)) return Errc::bad_syntax;
        return "[IPv6:" + ascii::to_lower(content) + ']';
    }
    // General-address-literal = Standardized-tag ":" 1*dcontent
    bool const tag_ok =
        !tag.empty() && ascii::is_alnum(tag.back()) &&
        std::ranges::all_of(tag, [](char c) { return ascii::is_alnum(c) || c == '-'; });
    bool const content_ok = !content.empty() && std::ranges::all_of(content, [](char c) {
        return c > 32 && c < 127 && c != '[' && c != '\\' && c != ']';
    });
    if (!tag_ok || !content_ok) return Errc::bad_syntax;
    return ascii::to_lower(text);
}

}  // namespace

bool Address::is_ascii() const noexcept {
    return ascii::is_ascii(local) && ascii::is_ascii(domain);
}

std::string Address::text() const {
    if (is_null()) return {};
    std::string result;
    result.reserve(local.size() + domain.size() + 3);
    if (is_dot_string(local, true)) {
        result = local;
    } else {
        result += '"';
        for (char const c : local) {
            if (c == '"' || c == '\\') result += '\\';
            result += c;
        }
        result += '"';
    }
    if (!domain.empty()) result.append(1, '@').append(domain);
    return result;
}

Result<std::string> parse_domain(std::string_view text, AddressOptions options) {
    if (text.empty()) return Errc::bad_syntax;
    if (text.size() > domain_size_max) return Errc::too_long;
    if (text[0] == '[') return parse_literal(text);
    if (ascii::is_ascii(text)) {
        if (auto const error = check_ldh_name(text)) return error;
        return ascii::to_lower(text);
    }
    if (!options.utf8) return Errc::bad_syntax;
    // The one canonical spelling: mapped to A-labels, checked there, and written in U-labels again.
    DAWK_TRY(auto const a_labels, to_a_labels(text));
    if (auto const error = check_ldh_name(a_labels)) return error;
    auto u_labels = to_u_labels(a_labels);
    if (u_labels.size() > domain_size_max) return Errc::too_long;
    return u_labels;
}

Result<Address> parse_mailbox(std::string_view text, AddressOptions options) {
    if (!options.need_domain && ascii::iequals(text, "postmaster"))
        return Address{std::string{text}, {}};
    DAWK_TRY(auto local, take_local_part(text, options.utf8));
    if (!local.after.starts_with('@')) return Errc::bad_syntax;
    auto const local_size = text.size() - local.after.size();
    DAWK_TRY(auto domain, parse_domain(local.after.substr(1), options));
    Address address{std::move(local.value), std::move(domain)};
    if (local_size > local_size_max && !options.long_local) return Errc::too_long;
    if (text.size() > mailbox_size_max) return Errc::too_long;
    // A domain may have grown when it was mapped to its canonical spelling.
    if (address.text().size() > mailbox_size_max) return Errc::too_long;
    return address;
}

}  // namespace dawk::mail
