#include "dawk/dsn/text_part.hpp"

#include <algorithm>

#include "dawk/base/ascii.hpp"
#include "dawk/dsn/words.hpp"
#include "dawk/mail/date.hpp"
#include "dawk/mail/encoded_word.hpp"

namespace dawk::dsn {
namespace {

constexpr std::size_t columns = 74;  // stays whole in quoted-printable, too
constexpr std::size_t shown_subject_max = 200;

// Appends a paragraph: words filled into lines behind an indent.
void paragraph(std::string& out, std::string_view text, std::size_t indent = 0) {
    std::size_t column = 0;
    while (!text.empty()) {
        auto const word = text.substr(0, text.find(' '));
        text.remove_prefix(std::min(word.size() + 1, text.size()));
        if (word.empty()) continue;
        if (column > 0 && column + 1 + word.size() > columns) {
            out += "\r\n";
            column = 0;
        }
        if (column == 0) {
            out.append(indent, ' ');
            column = indent;
        } else {
            out += ' ';
            ++column;
        }
        out += word;
        column += word.size();
    }
    if (column > 0) out += "\r\n";
}

bool has(Request const& request, Kind kind) {
    return std::ranges::any_of(request.recipients,
                               [&](Reported const& r) { return r.kind == kind; });
}

bool is_all(Request const& request, Kind kind) {
    return std::ranges::all_of(request.recipients,
                               [&](Reported const& r) { return r.kind == kind; });
}

std::string_view opening(Request const& request) {
    if (request.to_postmaster)
        return "A message without a return address (a bounce, or another message of a machine) "
               "could not be "
               "delivered. As nobody else can be told, you are, as the postmaster. What could not "
               "be delivered "
               "comes with this message.";
    if (is_all(request, Kind::failed))
        return "Your message could not be delivered to the recipients named below. It will not be "
               "tried again.";
    if (is_all(request, Kind::delayed))
        return "Your message has not yet been delivered to the recipients named below. You need "
               "not do anything: "
               "it will be tried again, and you will be told if it fails in the end.";
    if (has(request, Kind::failed) || has(request, Kind::delayed))
        return "Your message did not reach all of its recipients. What became of it stands below.";
    return "You asked to be told what became of your message.";
}

void about_message(std::string& out, Request const& request) {
    auto const& subject = *request.subject;
    if (!subject.header_subject.empty()) {
        auto const text =
            ascii::printable(mail::decode_text(subject.header_subject), shown_subject_max);
        paragraph(out, "Subject: " + text, 4);
    }
    paragraph(out, "Received here: " + mail::format_date(subject.arrived), 4);
    paragraph(out, "Identifier here: " + subject.id.text(), 4);
}

void about_recipient(std::string& out, Settings const& settings, Request const& request,
                     Reported one) {
    auto const& recipient = request.subject->recipients[one.recipient];
    auto const& last = recipient.last;
    auto const words = words_for(last.status, one.kind);
    out += '<' + shown_address(recipient).text() + ">\r\n";
    bool const gave_up = one.kind == Kind::failed && last.kind == envelope::Outcome::Kind::deferred;
    paragraph(out, words.what, 4);
    if (gave_up) paragraph(out, "It was tried until the time allowed for it was over.", 4);
    bool const with_cause = one.kind == Kind::failed || one.kind == Kind::delayed;
    if (with_cause && !(last.text.empty() && last.code == 0)) {
        auto const who = last.remote_host.empty() ? std::string{"The reason in detail: "}
                                                  : "The server " + last.remote_host + " said: ";
        paragraph(out, ascii::printable(who, 300) + said(last, settings.diagnostic_size_max), 4);
    }
    if (one.kind == Kind::delayed && request.subject->expires > request.now)
        paragraph(out,
                  "It will be tried until " + mail::format_date(request.subject->expires) + ".", 4);
    if (!request.to_postmaster) paragraph(out, words.advice, 4);
    out += "\r\n";
}

}  // namespace

mail::Address const& shown_address(envelope::Recipient const& recipient) noexcept {
    return recipient.original.is_null() ? recipient.address : recipient.original;
}

std::string said(envelope::Outcome const& outcome, std::size_t size_max) {
    std::string text;
    if (outcome.code != 0) text = std::to_string(outcome.code) + ' ';
    bool const has_status = outcome.text.starts_with(outcome.status);
    if (!outcome.status.empty() && !has_status) text += outcome.status + ' ';
    for (char const c : std::string_view{outcome.text}.substr(0, size_max)) {
        bool const space = ascii::is_space(c) || c == '\r' || c == '\n';
        if (!space) {
            text += c;
        } else if (!text.ends_with(' ')) {
            text += ' ';
        }
    }
    while (text.ends_with(' ')) text.pop_back();
    return ascii::printable(text, size_max);
}

std::string subject_of(Request const& request) {
    if (request.to_postmaster) return "A message of a machine could not be delivered";
    if (is_all(request, Kind::failed)) return "Your message could not be delivered";
    if (is_all(request, Kind::delayed)) return "Your message is delayed";
    if (is_all(request, Kind::delivered)) return "Your message was delivered";
    if (is_all(request, Kind::relayed)) return "Your message was passed on";
    if (is_all(request, Kind::expanded)) return "Your message was passed on";
    if (has(request, Kind::failed)) return "Your message could not be delivered to all recipients";
    return "What became of your message";
}

std::string text_of(Settings const& settings, Request const& request) {
    std::string out;
    paragraph(out, "This is the mail system at " + settings.hostname + ".");
    out += "\r\n";
    paragraph(out, opening(request));
    out += "\r\n";
    about_message(out, request);
    out += "\r\n";
    for (auto const one : request.recipients) about_recipient(out, settings, request, one);
    return out;
}

}  // namespace dawk::dsn
