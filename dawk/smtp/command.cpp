#include "dawk/smtp/command.hpp"

#include <algorithm>
#include <array>

#include "dawk/base/ascii.hpp"
#include "dawk/smtp/xtext.hpp"

namespace dawk::smtp {

namespace {

using Answer = std::optional<Refusal>;

constexpr Refusal bad_argument{501, "5.5.4", "Syntax error in parameters"};
constexpr Refusal bad_sender{501, "5.1.7", "Bad sender address syntax"};
constexpr Refusal bad_recipient{501, "5.1.3", "Bad recipient address syntax"};
constexpr Refusal unknown_parameter{555, "5.5.4", "Parameter not recognized or not implemented"};
// RFC 6531 §3.5: the codes differ between the two commands.
constexpr Refusal utf8_sender{550, "5.6.7", "Non-ASCII address needs SMTPUTF8"};
constexpr Refusal utf8_recipient{553, "5.6.7", "Non-ASCII address needs SMTPUTF8"};

struct Word {
    std::string_view text;
    Verb verb;
};
constexpr std::array words{
    Word{"MAIL", Verb::mail},
    Word{"RCPT", Verb::rcpt},
    Word{"DATA", Verb::data},
    Word{"EHLO", Verb::ehlo},
    Word{"QUIT", Verb::quit},
    Word{"RSET", Verb::rset},
    Word{"NOOP", Verb::noop},
    Word{"HELO", Verb::helo},
    Word{"STARTTLS", Verb::starttls},
    Word{"AUTH", Verb::auth},
    Word{"BDAT", Verb::bdat},
    Word{"VRFY", Verb::vrfy},
    Word{"EXPN", Verb::expn},
    Word{"HELP", Verb::help},
    // Cross-protocol attacks (ALPACA): a browser or another client was led here.
    Word{"GET", Verb::foreign},
    Word{"POST", Verb::foreign},
    Word{"PUT", Verb::foreign},
    Word{"HEAD", Verb::foreign},
    Word{"DELETE", Verb::foreign},
    Word{"OPTIONS", Verb::foreign},
    Word{"CONNECT", Verb::foreign},
    Word{"TRACE", Verb::foreign},
    Word{"PATCH", Verb::foreign},
    Word{"PRI", Verb::foreign},
};

// Takes "KEYWORD=value" or "KEYWORD" from the front of text.
// RFC 5321 §4.1.2: esmtp-param = esmtp-keyword ["=" esmtp-value]
struct Parameter {
    std::string_view keyword, value;
    bool has_value = false;
};
bool take_parameter(std::string_view& text, Parameter& out) noexcept {
    std::size_t const end = std::min(text.find(' '), text.size());
    std::string_view const word = text.substr(0, end);
    text.remove_prefix(end);
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    std::size_t const equals = std::min(word.find('='), word.size());
    out.keyword = word.substr(0, equals);
    out.has_value = equals < word.size();
    out.value = out.has_value ? word.substr(equals + 1) : std::string_view{};
    auto const in_keyword = [](char c) { return ascii::is_alnum(c) || c == '-'; };
    auto const in_value = [](char c) {
        return (ascii::is_print(c) && c != ' ' && c != '=') || ascii::is_eight_bit(c);
    };
    if (out.keyword.empty() || out.keyword.front() == '-') return false;
    if (!std::all_of(out.keyword.begin(), out.keyword.end(), in_keyword)) return false;
    if (out.has_value && out.value.empty()) return false;
    // A mailbox in AUTH= or ORCPT= has its "=" encoded, but a bare one is no reason for 501 of
    // others.
    return std::all_of(out.value.begin(), out.value.end(),
                       [&](char c) { return in_value(c) || c == '='; });
}

// Where a path that begins with "<" ends: the position of its ">", or npos. A ">" inside of a
// quoted string does not count.
std::size_t path_end(std::string_view text) noexcept {
    bool quoted = false;
    for (std::size_t i = 1; i < text.size(); ++i) {
        char const c = text[i];
        if (quoted && c == '\\') {
            ++i;
        } else if (c == '"') {
            quoted = !quoted;
        } else if (c == '>' && !quoted) {
            return i;
        }
    }
    return std::string_view::npos;
}

// RFC 5321 §4.1.2: A-d-l = At-domain *("," At-domain), then ":". Accepted and ignored (§3.3,
// appendix C).
bool skip_source_route(std::string_view& path) noexcept {
    while (path.starts_with('@')) {
        path.remove_prefix(1);
        std::size_t const close = path.starts_with('[') ? path.find(']') : 0;
        if (close == path.npos) return false;
        std::size_t const end = path.find_first_of(",:", close);
        if (end == path.npos || !mail::parse_domain(path.substr(0, end), {.utf8 = true}))
            return false;
        bool const last = path[end] == ':';
        path.remove_prefix(end + 1);
        if (last) return true;
        if (!path.starts_with('@')) return false;
    }
    return true;
}

// Splits "FROM:<path> parameters" after the keyword; false on a line that is not so made.
struct PathAndRest {
    std::string_view path, rest;
};
bool take_path(std::string_view argument, std::string_view keyword, PathAndRest& out) noexcept {
    if (!ascii::istarts_with(argument, keyword)) return false;
    argument.remove_prefix(keyword.size());
    // Deviation: RFC 5321 §3.3 allows no space here; so many clients send one that all servers take
    // it.
    argument.remove_prefix(std::min(argument.find_first_not_of(' '), argument.size()));
    if (argument.starts_with('<')) {
        std::size_t const end = path_end(argument);
        if (end == argument.npos) return false;
        out.path = argument.substr(1, end - 1);
        out.rest = argument.substr(end + 1);
        if (!skip_source_route(out.path)) return false;
        if (out.path.empty() && end != 1) return false;
    } else {
        // Deviation: a mailbox without brackets, as old devices send it; it must not be quoted or
        // empty.
        std::size_t const end = std::min(argument.find(' '), argument.size());
        out.path = argument.substr(0, end);
        out.rest = argument.substr(end);
        if (out.path.empty() || out.path.find_first_of("<>\"@") == 0) return false;
    }
    if (!out.rest.empty() && out.rest.front() != ' ') return false;
    out.rest.remove_prefix(std::min(out.rest.find_first_not_of(' '), out.rest.size()));
    return true;
}

bool parse_size(std::string_view value, std::uint64_t& out) noexcept {
    // RFC 1870 §3: size-value = 1*20DIGIT, which does not fit 64 bits: saturate.
    if (value.empty() || value.size() > 20) return false;
    if (!std::all_of(value.begin(), value.end(), ascii::is_digit)) return false;
    out = ascii::to_number<std::uint64_t>(value).value_or(UINT64_MAX);
    return true;
}

bool parse_body(std::string_view value, CommandGrammar grammar, envelope::Body& out) noexcept {
    if (ascii::iequals(value, "7BIT")) {
        out = envelope::Body::seven_bit;
    } else if (ascii::iequals(value, "8BITMIME")) {
        out = envelope::Body::eight_bit;
    } else if (grammar.binarymime && ascii::iequals(value, "BINARYMIME")) {
        out = envelope::Body::binary;
    } else {
        return false;
    }
    return true;
}

bool parse_envid(std::string_view value, std::string& out) {
    if (value.empty() || value.size() > 100) return false;  // RFC 3461 §4.4
    auto decoded = xtext_decode(value);
    if (decoded) out = std::move(*decoded);
    return decoded.has_value();
}

// RFC 3461 §4.1: "NEVER" alone, or a list of the others, each at most once.
bool parse_notify(std::string_view value, envelope::Notify& out) noexcept {
    if (ascii::iequals(value, "NEVER")) {
        out.never = true;
        return true;
    }
    for (;;) {
        std::size_t const comma = value.find(',');
        std::string_view const word = value.substr(0, comma);
        bool* const flag = ascii::iequals(word, "SUCCESS")   ? &out.success
                           : ascii::iequals(word, "FAILURE") ? &out.failure
                           : ascii::iequals(word, "DELAY")   ? &out.delay
                                                             : nullptr;
        if (flag == nullptr || *flag) return false;
        *flag = true;
        if (comma == value.npos) return true;
        value.remove_prefix(comma + 1);
    }
}

// RFC 3461 §4.2: original-recipient-address = addr-type ";" xtext; addr-type = atom
bool parse_orcpt(std::string_view value, bool utf8, std::string& out) {
    if (value.size() > 500) return false;
    std::size_t const semicolon = value.find(';');
    if (semicolon == value.npos || semicolon == 0 || semicolon + 1 == value.size()) return false;
    std::string_view const type = value.substr(0, semicolon);
    auto const in_type = [](char c) { return ascii::is_alnum(c) || c == '-'; };
    if (!std::all_of(type.begin(), type.end(), in_type)) return false;
    auto decoded = xtext_decode(value.substr(semicolon + 1), utf8);
    if (!decoded || decoded->empty()) return false;
    out.assign(type).append(";").append(*decoded);
    return true;
}

// RFC 4954 §5: AUTH=xtext or AUTH=<>. Whoever is asked to be trusted for it is not (yet): the value
// is checked and dropped, as for an untrusted client.
bool check_auth(std::string_view value) {
    return value == "<>" || (value.size() <= 500 && xtext_decode(value, true).has_value());
}

enum MailSeen : unsigned {
    seen_size = 1,
    seen_body = 2,
    seen_utf8 = 4,
    seen_ret = 8,
    seen_envid = 16,
    seen_auth = 32
};

// One parameter of MAIL. `seen` guards against a second one of the kind: RFC 5321 §4.1.1.11, RFC
// 3461 §4.5.
Answer mail_parameter(Parameter const& p, CommandGrammar grammar, MailCommand& out,
                      unsigned& seen) {
    unsigned kind = 0;
    bool good = p.has_value;
    if (ascii::iequals(p.keyword, "SIZE")) {
        kind = seen_size;
        good = parse_size(p.value, out.size);
    } else if (ascii::iequals(p.keyword, "BODY")) {
        kind = seen_body;
        good = parse_body(p.value, grammar, out.body);
    } else if (ascii::iequals(p.keyword, "SMTPUTF8") && grammar.smtputf8) {
        kind = seen_utf8;
        good = !p.has_value;
        out.smtputf8 = true;
    } else if (ascii::iequals(p.keyword, "RET") && grammar.dsn) {
        kind = seen_ret;
        bool const full = ascii::iequals(p.value, "FULL");
        good = full || ascii::iequals(p.value, "HDRS");
        out.ret = full ? envelope::Ret::full : envelope::Ret::headers;
    } else if (ascii::iequals(p.keyword, "ENVID") && grammar.dsn) {
        kind = seen_envid;
        good = parse_envid(p.value, out.envid);
    } else if (ascii::iequals(p.keyword, "AUTH") && grammar.auth) {
        kind = seen_auth;
        good = p.has_value && check_auth(p.value);
    } else {
        return unknown_parameter;
    }
    if (!good || (seen & kind) != 0) return bad_argument;
    seen |= kind;
    return std::nullopt;
}

Answer rcpt_parameter(Parameter const& p, CommandGrammar grammar, bool utf8, RcptCommand& out) {
    if (ascii::iequals(p.keyword, "NOTIFY") && grammar.dsn) {
        if (!out.notify.is_unset() || !parse_notify(p.value, out.notify)) return bad_argument;
    } else if (ascii::iequals(p.keyword, "ORCPT") && grammar.dsn) {
        if (!out.orcpt.empty() || !parse_orcpt(p.value, utf8, out.orcpt)) return bad_argument;
    } else {
        return unknown_parameter;
    }
    return std::nullopt;
}

}  // namespace

CommandLine split_command(std::string_view line) noexcept {
    std::size_t const last = line.find_last_not_of(" \t");
    line = line.substr(0, last == line.npos ? 0 : last + 1);
    std::size_t const end = std::min(line.find_first_of(" \t"), line.size());
    std::string_view const word = line.substr(0, end);
    CommandLine out;
    for (auto const& known : words) {
        if (ascii::iequals(word, known.text)) {
            out.verb = known.verb;
            break;
        }
    }
    line.remove_prefix(end);
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    out.argument = line;
    return out;
}

Answer parse_mail(std::string_view argument, CommandGrammar grammar, MailCommand& out) {
    PathAndRest parts;
    if (!ascii::istarts_with(argument, "FROM:")) return bad_argument;
    if (!take_path(argument, "FROM:", parts)) return bad_sender;
    if (!parts.rest.empty() && !grammar.extensions) return unknown_parameter;
    unsigned seen = 0;
    while (!parts.rest.empty()) {
        Parameter parameter;
        if (!take_parameter(parts.rest, parameter)) return bad_argument;
        if (auto refusal = mail_parameter(parameter, grammar, out, seen)) return refusal;
    }
    // BODY's default says what a client promises; with SMTPUTF8 the headers are 8-bit (RFC 6531
    // §3.6).
    if (parts.path.empty()) return std::nullopt;
    if (!out.smtputf8 && !ascii::is_ascii(parts.path)) return utf8_sender;
    auto address = mail::parse_mailbox(parts.path, {.utf8 = out.smtputf8, .long_local = true});
    if (!address) return bad_sender;
    out.reverse_path = std::move(*address);
    return std::nullopt;
}

Answer parse_rcpt(std::string_view argument, CommandGrammar grammar, bool utf8, RcptCommand& out) {
    PathAndRest parts;
    if (!ascii::istarts_with(argument, "TO:")) return bad_argument;
    if (!take_path(argument, "TO:", parts) || parts.path.empty()) return bad_recipient;
    if (!parts.rest.empty() && !grammar.extensions) return unknown_parameter;
    while (!parts.rest.empty()) {
        Parameter parameter;
        if (!take_parameter(parts.rest, parameter)) return bad_argument;
        if (auto refusal = rcpt_parameter(parameter, grammar, utf8, out)) return refusal;
    }
    if (!utf8 && !ascii::is_ascii(parts.path)) return utf8_recipient;
    auto address =
        mail::parse_mailbox(parts.path, {.utf8 = utf8, .need_domain = false, .long_local = true});
    if (!address) return bad_recipient;
    out.forward_path = std::move(*address);
    return std::nullopt;
}

// RFC 3030 §2: bdat-cmd = "BDAT" SP chunk-size [ SP end-marker ] CRLF; chunk-size = 1*DIGIT
Answer parse_bdat(std::string_view argument, BdatCommand& out) {
    std::size_t const end = std::min(argument.find(' '), argument.size());
    if (!parse_size(argument.substr(0, end), out.size)) return bad_argument;
    std::string_view const marker = ascii::trim(argument.substr(end));
    out.last = ascii::iequals(marker, "LAST");
    if (!out.last && !marker.empty()) return bad_argument;
    return std::nullopt;
}

bool is_client_name(std::string_view argument) noexcept {
    return !argument.empty() && argument.size() <= 255 &&
           std::all_of(argument.begin(), argument.end(),
                       [](char c) { return ascii::is_print(c) && c != ' '; });
}

}  // namespace dawk::smtp
