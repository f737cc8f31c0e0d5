// Lexer: the tokens that structured header fields are made of, taken off one text from the left.
//
//     mail::Lexer in{body};
//     auto const type = in.atom_of(mail::is_token_char);
//     if (!in.take('/')) return Errc::bad_syntax;
//
// For the parsers of this module and of others that read structured fields. Comments and folding
// white space are skipped before each token. Nothing recurses; comments may nest as deep as they
// like. Standards: RFC 5322 §3.2, §4.1; RFC 6532 §3.2.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace dawk::mail {

// RFC 5322 §3.2.3, with the octets of UTF-8 (RFC 6532 §3.2); other octets above 127 are caught
// later.
bool is_atext(char c) noexcept;
// token of RFC 2045 §5.1, and octets above 127, which many write.
bool is_token_char(char c) noexcept;

class Lexer {
  public:
    explicit Lexer(std::string_view text) noexcept : rest_(text) {}

    // Comments and white space; false: a comment without its end.
    bool skip_cfws();
    // True when only comments and white space are left.
    bool at_end();
    // Skips comments and white space, then takes c if it stands there.
    bool take(char c);
    // What stands next after comments and white space, or NUL at the end.
    char peek();

    // One or more octets of the class.
    std::optional<std::string_view> run(bool (*is_member)(char) noexcept);
    std::optional<std::string_view> atom() { return run(is_atext); }
    // The content, unquoted and unfolded; nothing if there is none or it has no end.
    std::optional<std::string> quoted_string();
    // With its brackets, without white space inside; nothing if there is none or it has no end.
    std::optional<std::string> domain_literal();

    // Text of the comments skipped last, without the outer parentheses and quoting.
    std::string const& last_comment() const noexcept { return comment_; }
    void forget_comment() noexcept { comment_.clear(); }
    std::string_view rest() const noexcept { return rest_; }
    void set_rest(std::string_view rest) noexcept { rest_ = rest; }

  private:
    bool skip_comment();

    std::string_view rest_;
    std::string comment_;
};

}  // namespace dawk::mail
