#include "dawk/authres/authres.hpp"

#include <algorithm>

#include "dawk/base/ascii.hpp"
#include "dawk/mail/utf8.hpp"

namespace dawk::authres {
namespace {

constexpr std::size_t value_max = 255;
constexpr std::size_t comment_depth_max = 50;

// token = 1*<any CHAR except space, controls and tspecials> (RFC 2045 §5.1)
bool is_token_char(char c) noexcept {
    return ascii::is_print(c) && c != ' ' &&
           std::string_view("()<>@,;:\\\"/[]?=").find(c) == std::string_view::npos;
}
bool is_token(std::string_view text) noexcept {
    return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

// What may stand unquoted as a value: a token, or dot-atoms around one "@" (RFC 8601 §2.2: pvalue).
bool is_plain_value(std::string_view text) noexcept {
    auto const at = text.find('@');
    if (at == text.npos) return is_token(text);
    return (at == 0 || is_token(text.substr(0, at))) && is_token(text.substr(at + 1));
}

// Octets beyond ASCII stay only as UTF-8 (RFC 6532 §3.2); no peer makes our field something else.
std::string quoted(std::string_view text) {
    std::string out = "\"";
    text = text.substr(0, value_max);
    while (!text.empty()) {
        auto const before = text;
        char const c = text.front();
        bool const known = mail::utf8_take(text).has_value();
        if (!known) text.remove_prefix(1);
        if (!known || ascii::is_control(c)) {
            out += '?';
            continue;
        }
        if (c == '"' || c == '\\') out += '\\';
        out += before.substr(0, before.size() - text.size());
    }
    return out + "\"";
}

std::string written(std::string_view value) {
    return value.size() <= value_max && is_plain_value(value) ? std::string(value) : quoted(value);
}

// Appends a word, on a new line when this one gets long.
void append(std::string& out, std::string_view word) {
    auto const line = out.rfind('\n');
    auto const used = out.size() - (line == out.npos ? 0 : line + 1);
    out += used + word.size() + 1 > 76 ? "\r\n\t" : " ";
    out += word;
}

class Reader {
  public:
    explicit Reader(std::string_view text) : rest_(text) {}

    // Comments and folding white space; false when a comment does not end.
    bool skip() {
        while (!rest_.empty()) {
            char const c = rest_.front();
            if (c == '(') {
                if (!skip_comment()) return false;
            } else if (ascii::is_space(c) || c == '\r' || c == '\n') {
                rest_.remove_prefix(1);
            } else {
                return true;
            }
        }
        return true;
    }
    bool take(char c) {
        if (!skip() || rest_.empty() || rest_.front() != c) return false;
        rest_.remove_prefix(1);
        return true;
    }
    bool at_end() { return skip() && rest_.empty(); }
    bool next_is(char c) { return skip() && !rest_.empty() && rest_.front() == c; }
    std::optional<std::string> word(std::string_view also = "") {
        if (!skip()) return std::nullopt;
        if (!rest_.empty() && rest_.front() == '"') return quoted_string();
        std::size_t size = 0;
        while (size < rest_.size() &&
               (is_token_char(rest_[size]) || ascii::is_eight_bit(rest_[size]) ||
                also.find(rest_[size]) != also.npos)) {
            ++size;
        }
        if (size == 0) return std::nullopt;
        std::string out(rest_.substr(0, size));
        rest_.remove_prefix(size);
        return out;
    }
    // Of methods, results and properties: no quotes, nothing beyond ASCII.
    std::optional<std::string> keyword() {
        if (!skip()) return std::nullopt;
        auto const end = std::find_if_not(rest_.begin(), rest_.end(), is_token_char);
        std::string out(rest_.begin(), end);
        rest_.remove_prefix(out.size());
        if (out.empty()) return std::nullopt;
        return out;
    }

  private:
    bool skip_comment() {
        std::size_t depth = 0;
        for (std::size_t i = 0; i < rest_.size(); ++i) {
            if (rest_[i] == '\\') {
                ++i;
            } else if (rest_[i] == '(') {
                if (++depth > comment_depth_max) return false;
            } else if (rest_[i] == ')' && --depth == 0) {
                rest_.remove_prefix(i + 1);
                return true;
            }
        }
        return false;
    }
    std::optional<std::string> quoted_string() {
        std::string out;
        for (std::size_t i = 1; i < rest_.size(); ++i) {
            if (rest_[i] == '"') {
                rest_.remove_prefix(i + 1);
                return out;
            }
            if (rest_[i] == '\\' && ++i == rest_.size()) break;
            if (rest_[i] != '\r' && rest_[i] != '\n') out += rest_[i];
        }
        return std::nullopt;
    }

    std::string_view rest_;
};

// propspec = ptype "." property "=" pvalue, or the reason (§2.2).
bool read_property(Reader& in, MethodResult& out) {
    auto const name = in.keyword();
    if (!name || !in.take('=')) return false;
    auto value = in.word("@:/[]");
    if (!value) return false;
    auto const dot = name->find('.');
    if (dot == name->npos) {
        if (!ascii::iequals(*name, "reason")) return false;
        out.reason = std::move(*value);
        return true;
    }
    // "local"@domain: a quoted string that goes on
    if (in.next_is('@')) {
        auto rest = in.word("@");
        if (!rest) return false;
        *value += *rest;
    }
    out.properties.push_back({name->substr(0, dot), name->substr(dot + 1), std::move(*value)});
    return true;
}

bool read_result(Reader& in, Parsed& out) {
    auto method = in.keyword();
    if (!method) return false;
    if (ascii::iequals(*method, "none") && !in.next_is('=')) return in.at_end();
    if (in.take('/')) {  // the method's version
        if (!in.keyword()) return false;
    }
    if (!in.take('=')) return false;
    auto result = in.keyword();
    if (!result) return false;
    MethodResult item{ascii::to_lower(*method), ascii::to_lower(*result), {}, {}};
    while (!in.at_end() && !in.next_is(';')) {
        if (!read_property(in, item)) return false;
    }
    out.results.push_back(std::move(item));
    return true;
}

}  // namespace

std::string compose(std::string_view authserv_id, std::vector<MethodResult> const& results,
                    std::string_view field_name) {
    std::string out = std::string(field_name) + ": " + written(authserv_id) + ";";
    if (results.empty()) return out + " none\r\n";
    for (std::size_t i = 0; i < results.size(); ++i) {
        auto const& item = results[i];
        out += i == 0 ? "" : ";";
        out += "\r\n\t" + item.method + "=" + item.result;
        if (!item.reason.empty()) append(out, "reason=" + quoted(item.reason));
        for (auto const& p : item.properties)
            append(out, p.type + "." + p.name + "=" + written(p.value));
    }
    return out + "\r\n";
}

std::optional<Parsed> parse(std::string_view body) {
    Reader in(body);
    Parsed out;
    auto id = in.word();
    if (!id) return std::nullopt;
    out.authserv_id = std::move(*id);
    if (!in.next_is(';') && !in.at_end()) {  // authres-version
        auto const version = in.word();
        if (!version || !ascii::to_number<unsigned>(*version)) return std::nullopt;
    }
    while (in.take(';')) {
        if (in.at_end()) return out;
        if (!read_result(in, out)) return std::nullopt;
    }
    if (!in.at_end()) return std::nullopt;
    return out;
}

bool has_id(std::string_view body, std::string_view authserv_id) {
    Reader in(body);
    auto const id = in.word(":[]@");
    return id && ascii::iequals(*id, authserv_id);
}

}  // namespace dawk::authres
