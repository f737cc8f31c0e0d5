#include "dawk/dsn/compose.hpp"

#include <algorithm>

#include "dawk/base/ascii.hpp"
#include "dawk/base/check.hpp"
#include "dawk/dsn/text_part.hpp"
#include "dawk/dsn/unitext.hpp"
#include "dawk/mail/address_list.hpp"
#include "dawk/mail/date.hpp"
#include "dawk/mail/encoded_word.hpp"
#include "dawk/mail/field.hpp"
#include "dawk/mail/header.hpp"
#include "dawk/mail/message_id.hpp"
#include "dawk/mail/quoted_printable.hpp"

namespace dawk::dsn {
namespace {

using mail::FieldBuilder;

constexpr std::size_t line_size_max = 998;    // RFC 5322 §2.1.1
constexpr std::size_t field_size_max = 2000;  // of a peer's text; ENVID and ORCPT are far shorter
constexpr std::size_t word_size_max = 900;    // of a peer's text, so that a line holds it

// One body part: its header fields and its content, which ends with a line end.
struct Part {
    std::string header;
    std::string content;
    bool eight_bit = false;
};

// One line of printable ASCII, its words short enough for a line: for text of others in fields of
// ours.
std::string field_text(std::string_view text) {
    std::string out;
    std::size_t word = 0;
    for (char const c : text.substr(0, field_size_max)) {
        char const safe = ascii::is_print(c) ? c : ascii::is_space(c) ? ' ' : '?';
        word = safe == ' ' ? 0 : word + 1;
        if (word > word_size_max) {
            out += ' ';
            word = 1;
        }
        out += safe;
    }
    return out;
}

std::string encode_qp(std::string_view text) {
    std::string out;
    mail::QuotedPrintableEncoder encoder{mail::QuotedPrintableEncoder::Kind::text};
    encoder.feed(text, out);
    encoder.finish(out);
    return out;
}

// Whether text may travel as 7bit or 8bit: CRLF lines of limited length, no NUL.
bool is_line_text(std::string_view text) {
    while (!text.empty()) {
        auto const end = text.find("\r\n");
        auto const line = text.substr(0, end);
        if (line.size() > line_size_max) return false;
        if (line.find_first_of(std::string_view{"\r\n\0", 3}) != std::string_view::npos)
            return false;
        if (end == std::string_view::npos) return true;
        text.remove_prefix(end + 2);
    }
    return true;
}

bool is_international(Request const& request) {
    auto const& subject = *request.subject;
    return subject.smtputf8 || !request.to.is_ascii() ||
           std::ranges::any_of(request.recipients, [&](Reported one) {
               auto const& recipient = subject.recipients[one.recipient];
               return !shown_address(recipient).is_ascii() || !ascii::is_ascii(recipient.orcpt);
           });
}

Part text_part(Settings const& settings, Request const& request) {
    auto text = text_of(settings, request);
    bool const plain = ascii::is_ascii(text) && is_line_text(text);
    return {std::string{"Content-Type: text/plain; charset="} + (plain ? "us-ascii" : "utf-8") +
                "\r\nContent-Language: en\r\nContent-Transfer-Encoding: " +
                (plain ? "7bit" : "quoted-printable") + "\r\n",
            plain ? std::move(text) : encode_qp(text), false};
}

// RFC 6533 §3: "utf-8" is the type of an address that ASCII cannot hold.
std::string typed_address(mail::Address const& address) {
    return (address.is_ascii() ? "rfc822; " : "utf-8; ") + address.text();
}

// RFC 3464 §2.2.2, RFC 5321 §4.1.3: a host without a name is a domain literal.
std::string dns_name(std::string const& host) {
    if (auto const six = mail::parse_domain("[IPv6:" + host + ']')) return *six;
    auto const four = mail::parse_domain('[' + host + ']');
    bool const is_address = four && host.find(':') == host.npos;
    return is_address ? *four : host;
}

// The decoded ORCPT, type and all. What xtext could hide, CR and LF too, is made harmless.
std::string original_recipient(std::string const& orcpt, bool global) {
    auto const semicolon = orcpt.find(';');
    auto const type = orcpt.substr(0, semicolon);
    auto address = semicolon == std::string::npos ? std::string{} : orcpt.substr(semicolon + 1);
    if (!global) return field_text(type + ';' + address);
    if (ascii::iequals(type, "utf-8")) address = unitext_decode(address);
    if (mail::has_forbidden(address) || address.size() > word_size_max)
        return field_text(type + ';' + address);
    return field_text(type) + ';' + address;
}

void add_recipient(std::string& out, Settings const& settings, Request const& request, Reported one,
                   bool global) {
    auto const& recipient = request.subject->recipients[one.recipient];
    auto const& last = recipient.last;
    auto const add = [&](std::string_view name, std::string_view value) {
        FieldBuilder field{name};
        field.add_words(value);
        out += std::move(field).finish();
    };
    out += "\r\n";
    if (!recipient.orcpt.empty())
        add("Original-Recipient", original_recipient(recipient.orcpt, global));
    add("Final-Recipient", typed_address(shown_address(recipient)));
    add("Action", to_string(one.kind));
    // A status of another class would contradict the action (RFC 3464 §2.3.4, RFC 3461 §6.3 g).
    char const status_class = one.kind == Kind::failed    ? '5'
                              : one.kind == Kind::delayed ? '4'
                                                          : '2';
    auto const detail = last.status.find('.');
    bool const expired = one.kind == Kind::failed && last.status.starts_with('4');
    auto status = detail == 1 && !expired ? std::string{status_class} + last.status.substr(1)
                  : expired               ? last.status
                                          : std::string{status_class} + ".0.0";
    add("Status", field_text(status));
    if (!last.remote_host.empty())
        add("Remote-MTA", "dns; " + field_text(dns_name(last.remote_host)));
    bool const smtp = last.code != 0;
    if (smtp || !last.text.empty())
        add("Diagnostic-Code",
            (smtp ? "smtp; " : "x-dawk; ") + field_text(said(last, settings.diagnostic_size_max)));
    if (recipient.attempts > 0) add("Last-Attempt-Date", mail::format_date(last.at));
    add("Final-Log-ID", request.subject->id.text());
    if (one.kind == Kind::delayed && request.subject->expires > request.now)
        add("Will-Retry-Until", mail::format_date(request.subject->expires));
}

Part status_part(Settings const& settings, Request const& request, bool global) {
    auto const& subject = *request.subject;
    std::string content;
    if (!subject.envid.empty()) {
        FieldBuilder field{"Original-Envelope-Id"};
        field.add_words(field_text(subject.envid));
        content += std::move(field).finish();
    }
    content += "Reporting-MTA: dns; " + field_text(settings.hostname) + "\r\n";
    content += "Arrival-Date: " + mail::format_date(subject.arrived) + "\r\n";
    for (auto const one : request.recipients)
        add_recipient(content, settings, request, one, global);
    bool const eight_bit = !ascii::is_ascii(content);
    return {std::string{"Content-Type: message/"} +
                (global ? "global-delivery-status" : "delivery-status") +
                (eight_bit ? "\r\nContent-Transfer-Encoding: 8bit\r\n" : "\r\n"),
            std::move(content), eight_bit};
}

// The header of the original as it would have gone on, in whole lines up to the limit.
std::string original_header(Settings const& settings, Request const& request, Original original) {
    auto text = request.subject->trace;
    auto const header = mail::HeaderSection::parse(original.octets);
    auto block = header ? header->block() : original.octets;
    auto const room = settings.header_size_max - std::min(settings.header_size_max, text.size());
    if (block.size() > room) {
        auto const end = block.substr(0, room).rfind('\n');
        block = block.substr(0, end == std::string_view::npos ? 0 : end + 1);
    }
    text += block;
    if (!text.empty() && !text.ends_with('\n')) text += "\r\n";
    return text;
}

bool may_return_content(Settings const& settings, Request const& request, Original original) {
    auto const& subject = *request.subject;
    bool const failure = std::ranges::any_of(request.recipients,
                                             [](Reported one) { return one.kind == Kind::failed; });
    // RFC 3461 §6.2: content only with failures. RFC 8689 §5: never of REQUIRETLS mail.
    return failure && subject.ret != envelope::Ret::headers && !subject.require_tls &&
           original.is_whole && original.octets.size() <= settings.content_size_max &&
           is_line_text(original.octets);
}

Part original_part(Settings const& settings, Request const& request, Original original,
                   bool global) {
    if (may_return_content(settings, request, original)) {
        auto content = request.subject->trace + std::string{original.octets};
        if (!content.ends_with("\r\n")) content += "\r\n";
        bool const eight_bit = !ascii::is_ascii(content);
        return {std::string{"Content-Type: message/"} + (global ? "global" : "rfc822") +
                    (eight_bit ? "\r\nContent-Transfer-Encoding: 8bit\r\n" : "\r\n"),
                std::move(content), eight_bit};
    }
    auto content = original_header(settings, request, original);
    bool const plain = ascii::is_ascii(content) && is_line_text(content);
    return {std::string{"Content-Type: "} +
                (global ? "message/global-headers" : "text/rfc822-headers") +
                (plain ? "\r\n" : "\r\nContent-Transfer-Encoding: quoted-printable\r\n"),
            plain ? std::move(content) : encode_qp(content), false};
}

std::string message_header(Settings const& settings, Request const& request,
                           std::string const& boundary) {
    auto from = settings.from;
    if (from.is_null()) from = {"mailer-daemon", settings.hostname};
    mail::AddressFormat const format{.utf8 = !request.to.is_ascii() || !from.is_ascii()};
    auto const from_field =
        mail::format_address_list("From", {{std::nullopt, {{settings.from_name, from}}}}, format);
    auto const to_field =
        mail::format_address_list("To", {{std::nullopt, {{"", request.to}}}}, format);
    std::string out = "Date: " + mail::format_date(request.now) + "\r\n";
    out += from_field ? *from_field : "From: mailer-daemon@localhost\r\n";
    out += to_field ? *to_field : "To: undisclosed-recipients:;\r\n";
    out += "Subject: " + subject_of(request) + "\r\n";
    out += "Message-ID: " + mail::make_message_id(request.id.text(), settings.hostname) + "\r\n";
    auto const ids = mail::parse_message_ids(request.subject->header_message_id, 1);
    if (!ids.empty() && ascii::is_ascii(ids[0]) && ids[0].size() < word_size_max) {
        out += "In-Reply-To: <" + ids[0] + ">\r\nReferences: <" + ids[0] + ">\r\n";
    }
    return out + "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n" +
           "Content-Type: multipart/report; report-type=delivery-status;\r\n boundary=\"" +
           boundary + "\"\r\n\r\n";
}

}  // namespace

std::string_view to_string(Kind kind) noexcept {
    switch (kind) {
        case Kind::failed:
            return "failed";
        case Kind::delayed:
            return "delayed";
        case Kind::delivered:
            return "delivered";
        case Kind::relayed:
            return "relayed";
        case Kind::expanded:
            return "expanded";
    }
    return "failed";
}

Message compose(Settings const& settings, Request const& request, Original original) {
    DAWK_CHECK(request.subject != nullptr && !request.recipients.empty());
    bool const global = is_international(request);
    Part const parts[] = {text_part(settings, request), status_part(settings, request, global),
                          original_part(settings, request, original, global)};
    std::string boundary = "=_" + request.id.text();
    // The id is new and random; a content that holds it all the same changes nothing.
    while (parts[2].content.find(boundary) != std::string::npos) boundary += '_';

    Message message;
    message.content = message_header(settings, request, boundary);
    bool eight_bit = !ascii::is_ascii(message.content);
    message.smtputf8 = eight_bit;
    for (auto const& part : parts) {
        message.content += "--" + boundary + "\r\n" + part.header + "\r\n" + part.content + "\r\n";
        eight_bit = eight_bit || part.eight_bit;
    }
    message.content += "--" + boundary + "--\r\n";
    message.body = eight_bit ? envelope::Body::eight_bit : envelope::Body::seven_bit;
    message.require_tls = request.subject->require_tls;
    return message;
}

}  // namespace dawk::dsn
