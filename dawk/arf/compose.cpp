#include <algorithm>

#include "dawk/arf/arf.hpp"
#include "dawk/base/ascii.hpp"
#include "dawk/base/base64.hpp"
#include "dawk/mail/address_list.hpp"
#include "dawk/mail/date.hpp"
#include "dawk/mail/field.hpp"
#include "dawk/mail/quoted_printable.hpp"

namespace dawk::arf {
namespace {

constexpr std::size_t field_bytes_max = 4000;     // of a peer's text
constexpr std::size_t word_bytes_max = 900;       // of a peer's text, so that a line holds it
constexpr std::size_t blob_bytes_max = 64 << 10;  // of a canonicalized header or body
constexpr std::size_t original_bytes_max = 1 << 20;

// Printable ASCII in words that fit a line.
std::string safe(std::string_view text) {
    std::string out;
    std::size_t word = 0;
    for (char const c : text.substr(0, field_bytes_max)) {
        char const kept = ascii::is_print(c)                             ? c
                          : ascii::is_space(c) || c == '\r' || c == '\n' ? ' '
                                                                         : '?';
        word = kept == ' ' ? 0 : word + 1;
        if (word > word_bytes_max) {
            out += ' ';
            word = 1;
        }
        if (kept == ' ' && (out.empty() || out.back() == ' ')) continue;
        out += kept;
    }
    return out;
}

class Fields {
  public:
    void add(std::string_view name, std::string_view value) {
        auto const words = safe(value);
        if (ascii::trim(words).empty()) return;
        mail::FieldBuilder field(name);
        field.add_words(ascii::trim(words));
        text_ += std::move(field).finish();
    }
    void add(std::string_view name, std::vector<std::string> const& values) {
        for (auto const& value : values) add(name, value);
    }
    // Base64, folded.
    void add_blob(std::string_view name, std::string_view octets) {
        if (octets.empty()) return;
        auto const digits = base64::encode(octets.substr(0, blob_bytes_max));
        mail::FieldBuilder field(name);
        for (std::size_t at = 0; at < digits.size(); at += 64) field.add(digits.substr(at, 64));
        text_ += std::move(field).finish();
    }
    std::string take() { return std::move(text_); }

  private:
    std::string text_;
};

std::string fields_of(Report const& r) {
    Fields out;
    out.add("Feedback-Type", r.feedback_type);
    out.add("User-Agent", r.user_agent);
    out.add("Version", std::to_string(r.version));
    out.add("Auth-Failure", r.auth_failure);
    out.add("Identity-Alignment", r.identity_alignment);
    out.add("Delivery-Result", r.delivery_result);
    out.add("Original-Envelope-Id", r.original_envelope_id);
    if (!r.original_mail_from.empty())
        out.add("Original-Mail-From", "<" + r.original_mail_from + ">");
    for (auto const& to : r.original_rcpt_to) out.add("Original-Rcpt-To", "<" + to + ">");
    if (r.arrival) out.add("Arrival-Date", mail::format_date(*r.arrival));
    if (!r.reporting_mta.empty()) out.add("Reporting-MTA", "dns; " + r.reporting_mta);
    out.add("Source-IP", r.source_ip);
    if (r.source_port != 0) out.add("Source-Port", std::to_string(r.source_port));
    if (r.incidents != 1) out.add("Incidents", std::to_string(r.incidents));
    out.add("Authentication-Results", r.authentication_results);
    out.add("Reported-Domain", r.reported_domain);
    out.add("Reported-URI", r.reported_uri);
    out.add("DKIM-Domain", r.dkim_domain);
    out.add("DKIM-Identity", r.dkim_identity);
    out.add("DKIM-Selector", r.dkim_selector);
    out.add_blob("DKIM-Canonicalized-Header", r.dkim_canonicalized_header);
    out.add_blob("DKIM-Canonicalized-Body", r.dkim_canonicalized_body);
    out.add("DKIM-Selector-DNS", r.dkim_selector_dns);
    out.add("DKIM-ADSP-DNS", r.dkim_adsp_dns);
    out.add("SPF-DNS", r.spf_dns);
    return out.take();
}

std::string printable_text(std::string_view text) {
    std::string out;
    mail::QuotedPrintableEncoder encoder{mail::QuotedPrintableEncoder::Kind::text};
    encoder.feed(text, out);
    encoder.finish(out);
    if (!out.ends_with("\r\n")) out += "\r\n";
    return out;
}

bool is_seven_bit_lines(std::string_view text) {
    while (!text.empty()) {
        auto const end = text.find("\r\n");
        auto const line = text.substr(0, end);
        if (line.size() > 998 || !ascii::is_ascii(line)) return false;
        if (line.find_first_of(std::string_view("\r\n\0", 3)) != line.npos) return false;
        if (end == text.npos) return true;
        text.remove_prefix(end + 2);
    }
    return true;
}

// What can be given back whole is; else the header section, as text that survives any way.
std::string original_part(Draft const& draft) {
    auto const original = draft.original.substr(0, original_bytes_max);
    bool const is_whole = !draft.headers_only && original.size() == draft.original.size();
    if (is_whole && is_seven_bit_lines(original)) {
        return "Content-Type: message/rfc822\r\n\r\n" + std::string(original) +
               (original.ends_with("\r\n") ? "" : "\r\n");
    }
    auto const header = mail::HeaderSection::parse(original);
    return "Content-Type: text/rfc822-headers\r\nContent-Transfer-Encoding: "
           "quoted-printable\r\n\r\n" +
           printable_text(header ? header->block() : std::string_view());
}

std::string boundary_of(Draft const& draft, std::string_view all) {
    std::string boundary = "=_arf_" + draft.unique;
    while (all.find(boundary) != all.npos) boundary += 'x';
    return boundary;
}

}  // namespace

Result<std::string> compose(Draft const& draft) {
    if (draft.report.feedback_type.empty() || draft.from.is_null() || draft.to.is_null())
        return Errc::bad_syntax;
    mail::AddressList const from{{{}, {{draft.from_name, draft.from}}}};
    mail::AddressList const to{{{}, {{"", draft.to}}}};
    DAWK_TRY(auto const from_field, mail::format_address_list("From", from));
    DAWK_TRY(auto const to_field, mail::format_address_list("To", to));
    Fields top;
    top.add("Subject", draft.subject);
    if (!draft.message_id.empty()) top.add("Message-ID", "<" + draft.message_id + ">");
    auto const text = printable_text(draft.text);
    auto const fields = fields_of(draft.report);
    auto const original = original_part(draft);
    auto const boundary = boundary_of(draft, text + fields + original);
    std::string out = from_field + to_field + "Date: " + mail::format_date(draft.date) + "\r\n";
    out += top.take();
    out += "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n";  // RFC 3834 §5
    out += "Content-Type: multipart/report; report-type=feedback-report;\r\n boundary=\"" +
           boundary + "\"\r\n\r\n";
    out += "--" + boundary +
           "\r\nContent-Type: text/plain; charset=utf-8\r\n"
           "Content-Transfer-Encoding: quoted-printable\r\n\r\n" +
           text;
    out += "--" + boundary + "\r\nContent-Type: message/feedback-report\r\n\r\n" + fields + "\r\n";
    out += "--" + boundary + "\r\n" + original;
    out += "\r\n--" + boundary + "--\r\n";
    return out;
}

}  // namespace dawk::arf
