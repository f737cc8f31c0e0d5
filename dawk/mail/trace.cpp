#include "dawk/mail/trace.hpp"

#include <algorithm>

#include "dawk/base/ascii.hpp"
#include "dawk/mail/date.hpp"
#include "dawk/mail/field.hpp"
#include "dawk/mail/idna.hpp"

namespace dawk::mail {
namespace {

constexpr std::size_t comment_size = 255;  // of a peer's words

// Text that may stand in a comment, whatever a peer has put into it.
std::string comment_text(std::string_view text) {
    std::string out{text.substr(0, comment_size)};
    std::ranges::replace_if(
        out, [](char c) { return !ascii::is_print(c) || c == '(' || c == ')' || c == '\\'; }, '?');
    return out;
}

std::string word_text(std::string_view text) {
    auto out = comment_text(text);
    std::ranges::replace(out, ' ', '?');
    return out;
}

// Text that may stand as an atom: the words of "with" and "id" are ours, but may come from a
// setting.
std::string atom_text(std::string_view text) {
    std::string out{text.substr(0, comment_size)};
    std::ranges::replace_if(
        out, [](char c) { return !ascii::is_alnum(c) && c != '-' && c != '.' && c != '_'; }, '?');
    return out;
}

std::string literal_of(std::string const& address) {
    bool const ipv6 = address.find(':') != std::string::npos;
    auto const parsed = parse_domain((ipv6 ? "[IPv6:" : "[") + address + ']');
    return parsed ? *parsed : std::string{};
}

// Domain or literal in ASCII, or "" when the text is neither.
std::string domain_of(std::string const& text) {
    auto const parsed = parse_domain(text, {.utf8 = true});
    if (!parsed) return {};
    auto const ascii = to_a_labels(*parsed);
    return ascii ? *ascii : std::string{};
}

// From-domain: Extended-Domain = Domain FWS "(" TCP-info ")" / address-literal FWS "(" TCP-info
// ")".
void add_from(FieldBuilder& out, ReceivedInfo const& info) {
    auto const literal = literal_of(info.client_address);
    auto const name = domain_of(info.client_name);
    auto helo = parse_domain(info.helo) ? info.helo : domain_of(info.helo);
    std::string inside = name;
    if (!literal.empty()) inside += (inside.empty() ? "" : " ") + literal;
    // A HELO that is no domain cannot stand as one: the address does, and the words go into the
    // comment.
    if (helo.empty()) {
        helo = literal.empty() ? "unknown" : literal;
        inside = "helo=" + word_text(info.helo) + (inside.empty() ? "" : " ") + inside;
    }
    out.add("from " + helo);
    if (!inside.empty()) out.add('(' + inside + ')');
}

bool is_iana_cipher(std::string_view name) {
    return name.starts_with("TLS_") &&
           std::ranges::all_of(name, [](char c) { return ascii::is_alnum(c) || c == '_'; });
}

std::string written(Address const& address, bool utf8) {
    if (utf8 || address.is_ascii()) return address.text();
    return {};
}

}  // namespace

std::string received_field(ReceivedInfo const& info) {
    FieldBuilder out{"Received"};
    if (!info.helo.empty() || !info.client_address.empty()) add_from(out, info);
    out.add("by " + comment_text(info.by));
    if (!info.with.empty()) out.add("with " + atom_text(info.with));
    auto const space = info.tls.find(' ');
    auto const cipher = space == std::string::npos ? std::string{} : info.tls.substr(space + 1);
    if (!info.tls.empty()) out.add('(' + comment_text(info.tls) + ')');
    out.add("id " + atom_text(info.id));
    if (info.sole_recipient) {
        auto const path = written(*info.sole_recipient, info.smtputf8);
        if (!path.empty()) out.add("for <" + path + '>');
    }
    if (is_iana_cipher(cipher)) out.add("tls " + cipher);  // tls-cipher-clause, RFC 8314 §4.3
    out.append(";").add_line(format_date(info.time, info.zone_minutes));
    return std::move(out).finish();
}

std::string return_path_field(Address const& reverse_path) {
    return "Return-Path: <" + reverse_path.text() + ">\r\n";
}

std::string delivered_to_field(Address const& recipient) {
    return "Delivered-To: " + recipient.text() + "\r\n";
}

}  // namespace dawk::mail
