#include "dawk/mail/encoded_word.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include "dawk/base/ascii.hpp"
#include "dawk/base/base64.hpp"
#include "dawk/mail/base64.hpp"
#include "dawk/mail/charset.hpp"
#include "dawk/mail/header.hpp"
#include "dawk/mail/utf8.hpp"

namespace dawk::mail {
namespace {

constexpr std::size_t word_size_max = 75;    // RFC 2047 §2
constexpr std::size_t plain_word_max = 900;  // longer ones would not fit a line (RFC 5322 §2.1.1)
constexpr std::string_view word_start = "=?utf-8?Q?";
constexpr std::size_t payload_max = word_size_max - word_start.size() - 2;

struct EncodedWord {
    std::string charset;  // without the language (RFC 2231 §5)
    char encoding;        // 'q' or 'b'
    std::string bytes;
    std::size_t size;  // octets it takes in the text
};

std::string decode_q(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char const c = text[i];
        if (c == '=' && i + 2 < text.size() && ascii::hex_value(text[i + 1]) >= 0 &&
            ascii::hex_value(text[i + 2]) >= 0) {
            out += static_cast<char>(ascii::hex_value(text[i + 1]) * 16 +
                                     ascii::hex_value(text[i + 2]));
            i += 2;
        } else {
            out += c == '_' ? ' ' : c;
        }
    }
    return out;
}

std::string decode_b(std::string_view text) {
    std::string out;
    Base64Decoder decoder;
    decoder.feed(text, out);
    decoder.finish(out);
    return out;
}

// The encoded word that text starts with.
std::optional<EncodedWord> take_word(std::string_view text) {
    if (!text.starts_with("=?")) return std::nullopt;
    auto const charset_end = text.find('?', 2);
    if (charset_end == std::string_view::npos || charset_end + 2 >= text.size())
        return std::nullopt;
    auto const charset = text.substr(2, charset_end - 2);
    if (charset.empty() || charset.find_first_of(" \t\"=") != std::string_view::npos)
        return std::nullopt;
    char const encoding = ascii::lower(text[charset_end + 1]);
    if ((encoding != 'q' && encoding != 'b') || text[charset_end + 2] != '?') return std::nullopt;
    auto const begin = charset_end + 3;
    auto const end = text.find("?=", begin);
    if (end == std::string_view::npos) return std::nullopt;
    auto const payload = text.substr(begin, end - begin);
    return EncodedWord{std::string{charset.substr(0, charset.find('*'))}, encoding,
                       encoding == 'q' ? decode_q(payload) : decode_b(payload), end + 2};
}

std::size_t space_size(std::string_view text) noexcept {
    return std::min(text.find_first_not_of(" \t"), text.size());
}

// Adjacent words of one charset, joined before they are converted: a character may be torn.
std::string decode_run(std::string_view& text, EncodedWord word) {
    std::string out;
    text.remove_prefix(word.size);
    while (true) {
        auto const space = space_size(text);
        auto next = take_word(text.substr(space));
        bool const joins = next && ascii::iequals(next->charset, word.charset);
        if (joins) {
            word.bytes += next->bytes;
        } else {
            auto const converted = to_utf8(word.bytes, word.charset);
            out += converted ? *converted : scrub_utf8(word.bytes);
            if (!next) return out;
            word = *next;
        }
        text.remove_prefix(space + next->size);
    }
}

void remove_controls(std::string& text) {
    std::string out;
    std::string_view rest = text;
    while (!rest.empty()) {
        auto const before = rest;
        auto const code = utf8_take(rest);
        if (!code) {  // never: the text was scrubbed
            rest.remove_prefix(1);
            continue;
        }
        bool const control = *code < 32 || *code == 127 || is_utf8_control(*code);
        if (control) {
            out += ' ';
        } else {
            out += before.substr(0, before.size() - rest.size());
        }
    }
    text = std::move(out);
}

// Whether the octet may stand for itself in a Q word (RFC 2047 §4.2, §5).
bool is_q_plain(char c, WordPlace place) noexcept {
    if (ascii::is_alnum(c)) return true;
    if (place == WordPlace::phrase)
        return std::string_view{"!*+-/"}.find(c) != std::string_view::npos;
    return ascii::is_print(c) && std::string_view{"=?_ "}.find(c) == std::string_view::npos;
}

std::string encode_q(std::string_view bytes, WordPlace place) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string out;
    for (char const c : bytes) {
        auto const octet = static_cast<unsigned char>(c);
        if (c == ' ') {
            out += '_';
        } else if (is_q_plain(c, place)) {
            out += c;
        } else {
            out.append({'=', digits[octet >> 4U], digits[octet & 15U]});
        }
    }
    return out;
}

bool needs_encoding(std::string_view word) noexcept {
    return !ascii::is_ascii(word) || word.find("=?") != std::string_view::npos ||
           word.size() > plain_word_max || std::ranges::any_of(word, ascii::is_control);
}

}  // namespace

std::string decode_text(std::string_view body) {
    auto const unfolded = unfold(ascii::trim(body));
    std::string_view text = unfolded;
    std::string out;
    while (!text.empty()) {
        auto const start = text.find("=?");
        out += scrub_utf8(text.substr(0, start));
        if (start == std::string_view::npos) break;
        text.remove_prefix(start);
        if (auto word = take_word(text)) {
            out += decode_run(text, std::move(*word));
        } else {
            out += "=?";
            text.remove_prefix(2);
        }
    }
    remove_controls(out);
    return out;
}

std::string encode_words(std::string_view text, WordPlace place) {
    std::size_t const q_size = encode_q(text, place).size();
    std::size_t const b_size = (text.size() + 2) / 3 * 4;
    bool const base64 = q_size * 2 > b_size * 3;  // Q can be read without decoding
    std::size_t const b_octets = payload_max / 4 * 3;
    std::string out;
    while (!text.empty()) {
        std::size_t taken = 0;
        std::size_t used = 0;
        while (taken < text.size()) {  // whole characters while they fit
            auto rest = text.substr(taken);
            auto const before = rest.size();
            if (!utf8_take(rest)) rest.remove_prefix(1);
            auto const size = before - rest.size();
            auto const cost = base64 ? size : encode_q(text.substr(taken, size), place).size();
            if (used + cost > (base64 ? b_octets : payload_max)) break;
            used += cost;
            taken += size;
        }
        auto const piece = text.substr(0, taken);
        if (!out.empty()) out += ' ';
        out += base64 ? "=?utf-8?B?" + base64::encode(piece)
                      : std::string{word_start} + encode_q(piece, place);
        out += "?=";
        text.remove_prefix(taken);
    }
    return out;
}

std::string encode_text(std::string_view text) {
    if (text.empty()) return {};
    struct Word {
        std::string_view text;
        bool encoded;
    };
    std::vector<Word> words;
    for (auto rest = text;;) {
        auto const space = rest.find(' ');
        auto const word = rest.substr(0, space);
        words.push_back({word, word.empty() || needs_encoding(word)});
        if (space == std::string_view::npos) break;
        rest.remove_prefix(space + 1);
    }
    // An empty word is a space that folding would lose: it is encoded together with its neighbour.
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (!words[i].text.empty()) continue;
        if (i + 1 < words.size()) words[i + 1].encoded = true;
        if (i + 1 == words.size() && i > 0) words[i - 1].encoded = true;
    }
    std::string out;
    for (std::size_t i = 0; i < words.size();) {
        if (i > 0) out += ' ';
        if (!words[i].encoded) {
            out += words[i++].text;
            continue;
        }
        auto const begin = words[i].text.data();
        while (i + 1 < words.size() && words[i + 1].encoded) ++i;
        auto const end = words[i].text.data() + words[i].text.size();
        out += encode_words({begin, static_cast<std::size_t>(end - begin)}, WordPlace::text);
        ++i;
    }
    return out;
}

bool has_forbidden(std::string_view text) noexcept {
    return !is_utf8(text) ||
           std::ranges::any_of(text, [](char c) { return ascii::is_control(c) && c != '\t'; });
}

}  // namespace dawk::mail
