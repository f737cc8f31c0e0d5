#include "dawk/mail/lexer.hpp"

#include "dawk/base/ascii.hpp"

namespace dawk::mail {
namespace {

constexpr bool is_fws(char c) noexcept {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

}  // namespace

bool is_atext(char c) noexcept {
    return ascii::is_alnum(c) || ascii::is_eight_bit(c) ||
           std::string_view{"!#$%&'*+-/=?^_`{|}~"}.find(c) != std::string_view::npos;
}

bool is_token_char(char c) noexcept {
    if (ascii::is_eight_bit(c)) return true;
    return ascii::is_print(c) && c != ' ' &&
           std::string_view{"()<>@,;:\\\"/[]?="}.find(c) == std::string_view::npos;
}

bool Lexer::skip_comment() {
    int depth = 0;
    comment_.clear();
    for (std::size_t i = 0; i < rest_.size(); ++i) {
        char const c = rest_[i];
        if (c == '\\' && i + 1 < rest_.size()) {
            comment_ += rest_[++i];
            continue;
        }
        if (c == '(' && depth++ == 0) continue;
        if (c == ')' && --depth == 0) {
            rest_.remove_prefix(i + 1);
            return true;
        }
        if (c != '\r' && c != '\n') comment_ += c;
    }
    return false;
}

bool Lexer::skip_cfws() {
    while (!rest_.empty()) {
        if (is_fws(rest_[0])) {
            rest_.remove_prefix(1);
        } else if (rest_[0] == '(') {
            if (!skip_comment()) return false;
        } else {
            break;
        }
    }
    return true;
}

bool Lexer::at_end() {
    return skip_cfws() && rest_.empty();
}

bool Lexer::take(char c) {
    if (!skip_cfws() || rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
}

char Lexer::peek() {
    return skip_cfws() && !rest_.empty() ? rest_[0] : '\0';
}

std::optional<std::string_view> Lexer::run(bool (*is_member)(char) noexcept) {
    if (!skip_cfws()) return std::nullopt;
    std::size_t size = 0;
    while (size < rest_.size() && is_member(rest_[size])) ++size;
    if (size == 0) return std::nullopt;
    auto const result = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return result;
}

std::optional<std::string> Lexer::quoted_string() {
    if (!skip_cfws() || rest_.empty() || rest_[0] != '"') return std::nullopt;
    std::string result;
    for (std::size_t i = 1; i < rest_.size(); ++i) {
        char const c = rest_[i];
        if (c == '"') {
            rest_.remove_prefix(i + 1);
            return result;
        }
        if (c == '\\' && i + 1 < rest_.size()) {
            result += rest_[++i];
        } else if (c != '\r' && c != '\n') {
            result += c;
        }
    }
    return std::nullopt;
}

std::optional<std::string> Lexer::domain_literal() {
    if (!skip_cfws() || rest_.empty() || rest_[0] != '[') return std::nullopt;
    std::string result;
    for (std::size_t i = 0; i < rest_.size(); ++i) {
        char const c = rest_[i];
        if (c == '[' && i > 0) return std::nullopt;
        if (!is_fws(c)) result += c;
        if (c == ']') {
            rest_.remove_prefix(i + 1);
            return result;
        }
    }
    return std::nullopt;
}

}  // namespace dawk::mail
