#include "dawk/mail/content.hpp"

#include <algorithm>
#include <map>

#include "dawk/base/ascii.hpp"
#include "dawk/mail/charset.hpp"
#include "dawk/mail/encoded_word.hpp"
#include "dawk/mail/header.hpp"
#include "dawk/mail/lexer.hpp"

namespace dawk::mail {
namespace {

constexpr std::size_t params_max = 200;  // sections counted one by one
constexpr unsigned sections_max = 200;   // of one parameter
constexpr std::size_t value_size_max = 16'384;

struct RawParameter {
    std::string name;       // in lower case
    int section = -1;       // of "name*3"; -1 for the whole value
    bool extended = false;  // ends with "*": percent-encoded
    std::string value;
};

// name, name*, name*0, name*0*
std::optional<RawParameter> parse_name(std::string_view text) {
    RawParameter raw;
    if (text.ends_with('*')) {
        raw.extended = true;
        text.remove_suffix(1);
    }
    auto const star = text.find('*');
    if (star != std::string_view::npos) {
        auto const number = ascii::to_number<unsigned>(text.substr(star + 1));
        if (!number || *number >= sections_max) return std::nullopt;
        raw.section = static_cast<int>(*number);
        text = text.substr(0, star);
    }
    if (text.empty()) return std::nullopt;
    raw.name = ascii::to_lower(text);
    return raw;
}

// A token, a quoted string, or, as many write file names, anything up to the next ";".
std::string take_value(Lexer& in) {
    if (in.peek() == '"') {
        if (auto quoted = in.quoted_string()) return *quoted;
        auto const rest = in.rest().substr(1);  // no closing quote: the rest of the field
        in.set_rest({});
        return unfold(ascii::trim(rest));
    }
    auto const rest = in.rest();
    auto const token = in.run(is_token_char);
    if (token && (in.at_end() || in.peek() == ';')) return std::string{*token};
    auto const end = std::min(rest.find(';'), rest.size());
    in.set_rest(rest.substr(end));
    return unfold(ascii::trim(rest.substr(0, end)));
}

std::string percent_decode(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        int const high = i + 2 < text.size() && text[i] == '%' ? ascii::hex_value(text[i + 1]) : -1;
        int const low = high >= 0 ? ascii::hex_value(text[i + 2]) : -1;
        if (low >= 0) {
            out += static_cast<char>(high * 16 + low);
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

std::string in_utf8(std::string_view bytes, std::string_view charset) {
    auto const text = to_utf8(bytes, charset);
    return text ? *text : scrub_utf8(bytes);
}

// charset'language'text, taken apart; charset and language go.
std::string take_charset(std::string& value) {
    auto const first = value.find('\'');
    auto const second = first == std::string::npos ? first : value.find('\'', first + 1);
    if (second == std::string::npos) return "utf-8";
    auto charset = value.substr(0, first);
    value.erase(0, second + 1);
    return charset.empty() ? "utf-8" : charset;
}

// The sections of one name put together: those in order from 0; the first gap ends the value.
std::string join(std::map<int, RawParameter>& sections) {
    std::string bytes;
    std::string charset = "utf-8";
    for (int i = 0;; ++i) {
        auto const found = sections.find(i);
        if (found == sections.end() || bytes.size() > value_size_max) break;
        auto& section = found->second;
        if (i == 0 && section.extended) charset = take_charset(section.value);
        bytes += section.extended ? percent_decode(section.value) : section.value;
    }
    return in_utf8(bytes, charset);
}

struct Collected {
    std::optional<std::string> plain, extended;
    std::map<int, RawParameter> sections;
};

Parameters decode(std::vector<RawParameter> raw) {
    std::vector<std::string> order;
    std::map<std::string, Collected> by_name;
    for (auto& one : raw) {
        auto const [found, fresh] = by_name.try_emplace(one.name);
        if (fresh) order.push_back(one.name);
        auto& all = found->second;
        if (one.section >= 0) {
            all.sections.try_emplace(one.section, std::move(one));
        } else if (one.extended) {
            auto const charset = take_charset(one.value);
            if (!all.extended) all.extended = in_utf8(percent_decode(one.value), charset);
        } else if (!all.plain) {
            // RFC 2047 §5 forbids encoded words in quoted strings; half the world writes them
            // there.
            bool const encoded = one.value.find("=?") != std::string::npos;
            all.plain = encoded ? decode_text(one.value) : scrub_utf8(one.value);
        }
    }
    Parameters params;
    for (auto const& name : order) {
        auto& all = by_name[name];
        bool const joined = !all.extended && all.sections.contains(0);
        auto value = all.extended ? all.extended : joined ? join(all.sections) : all.plain;
        if (value) params.push_back({name, std::move(*value)});
    }
    return params;
}

Parameters parse_parameters(Lexer& in) {
    std::vector<RawParameter> raw;
    while (raw.size() < params_max) {
        while (in.take(';')) {
        }
        if (in.at_end()) break;
        auto const name = in.run(is_token_char);
        if (!name || !in.take('=')) {  // no parameter: on to the next
            auto const rest = in.rest();
            auto const next = rest.find(';');
            if (next == std::string_view::npos) break;
            in.set_rest(rest.substr(next));
            continue;
        }
        auto one = parse_name(*name);
        auto value = take_value(in);
        if (!one || value.size() > value_size_max) continue;
        one->value = std::move(value);
        raw.push_back(std::move(*one));
    }
    return decode(std::move(raw));
}

bool is_type_char(char c) noexcept {
    return is_token_char(c) && !ascii::is_eight_bit(c);
}

}  // namespace

std::optional<std::string_view> find_parameter(Parameters const& params,
                                               std::string_view name) noexcept {
    auto const found = std::ranges::find(params, name, &Parameter::name);
    if (found == params.end()) return std::nullopt;
    return found->value;
}

std::string_view ContentType::param(std::string_view name) const noexcept {
    return find_parameter(params, name).value_or(std::string_view{});
}

std::string_view Disposition::param(std::string_view name) const noexcept {
    return find_parameter(params, name).value_or(std::string_view{});
}

ContentType parse_content_type(std::string_view body) {
    Lexer in{body};
    ContentType result;
    auto const type = in.run(is_type_char);
    if (!type || !in.take('/')) return result;
    auto const subtype = in.run(is_type_char);
    if (!subtype) return result;
    result.type = ascii::to_lower(*type);
    result.subtype = ascii::to_lower(*subtype);
    result.params = parse_parameters(in);
    return result;
}

Disposition parse_disposition(std::string_view body) {
    Lexer in{body};
    auto const kind = in.run(is_type_char);
    if (!kind) return {};
    return {ascii::to_lower(*kind), parse_parameters(in)};
}

TransferEncoding parse_transfer_encoding(std::string_view body) {
    Lexer in{body};
    auto const token = in.run(is_type_char);
    if (!token) return in.at_end() ? TransferEncoding::seven_bit : TransferEncoding::unknown;
    if (ascii::iequals(*token, "7bit")) return TransferEncoding::seven_bit;
    if (ascii::iequals(*token, "8bit")) return TransferEncoding::eight_bit;
    if (ascii::iequals(*token, "binary")) return TransferEncoding::binary;
    if (ascii::iequals(*token, "quoted-printable")) return TransferEncoding::quoted_printable;
    if (ascii::iequals(*token, "base64")) return TransferEncoding::base64;
    return TransferEncoding::unknown;
}

namespace {

constexpr std::size_t section_size = 60;  // of a value; the line stays within 78

// attribute-char of RFC 2231 §7, and nothing that needs a thought.
bool is_extended_plain(char c) noexcept {
    return ascii::is_alnum(c) || c == '-' || c == '.' || c == '_';
}

std::string percent_encode(char c) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    auto const octet = static_cast<unsigned char>(c);
    if (is_extended_plain(c)) return {c};
    return {'%', digits[octet >> 4U], digits[octet & 15U]};
}

std::string format_extended(std::string_view name, std::string_view value) {
    std::vector<std::string> sections{"utf-8''"};
    for (char const c : value) {
        auto const piece = percent_encode(c);
        if (sections.back().size() + piece.size() > section_size) sections.emplace_back();
        sections.back() += piece;
    }
    std::string out;
    for (std::size_t i = 0; i < sections.size(); ++i) {
        if (i > 0) out += ' ';
        out.append(name).append("*");
        if (sections.size() > 1) out.append(std::to_string(i)).append("*");
        out.append("=").append(sections[i]);
        if (i + 1 < sections.size()) out += ';';
    }
    return out;
}

}  // namespace

std::string format_parameter(std::string_view name, std::string_view value, bool utf8) {
    bool const plain_octets = utf8 || ascii::is_ascii(value);
    bool const encoded_word = value.find("=?") != std::string_view::npos;
    if (!plain_octets || encoded_word || value.size() > section_size)
        return format_extended(name, value);
    bool const token = !value.empty() && std::ranges::all_of(value, is_type_char);
    std::string out{name};
    out += '=';
    if (token) return out.append(value);
    out += '"';
    for (char const c : value) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + '"';
}

}  // namespace dawk::mail
