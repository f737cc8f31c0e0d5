#include <algorithm>

#include "dawk/arf/arf.hpp"
#include "dawk/base/ascii.hpp"
#include "dawk/mail/date.hpp"
#include "dawk/mail/mime.hpp"

namespace dawk::arf {
namespace {

// The first word, in lower case; comments and what else follows it do not count.
std::string word_of(std::string_view text) {
    auto const trimmed = ascii::trim(text);
    return ascii::to_lower(trimmed.substr(0, trimmed.find_first_of(" \t(;")));
}

std::string first_word(std::string_view text) {
    auto const trimmed = ascii::trim(text);
    return std::string(trimmed.substr(0, trimmed.find_first_of(" \t(")));
}

// "<a@b>" or "a@b"; "<>" is the empty address.
std::string address_of(std::string_view text) {
    auto const open = text.find('<');
    auto const close = text.rfind('>');
    if (open != text.npos && close != text.npos && open < close)
        text = text.substr(open + 1, close - open - 1);
    return std::string(ascii::trim(text));
}

std::string without_type(std::string_view text) {
    auto const semicolon = text.find(';');
    if (semicolon != text.npos) text.remove_prefix(semicolon + 1);
    return std::string(ascii::trim(text));
}

std::string decoded(std::string_view text) {
    std::string out;
    mail::Base64Decoder decoder;
    decoder.feed(text, out);
    decoder.finish(out);
    return out;
}

class FieldReader {
  public:
    explicit FieldReader(ParseLimits limits) : limits_(limits) {}

    void add(mail::HeaderField const& field) {
        auto const value = field.value();
        auto const name = ascii::to_lower(field.name);
        if (add_base(name, value) || add_authentication(name, value)) return;
        // Fields nobody knows are ignored (RFC 5965 §3.5).
    }
    Result<Report> finish() && {
        if (too_many_) return Errc::too_many;
        if (report_.feedback_type.empty()) return Errc::not_found;
        return std::move(report_);
    }

  private:
    void push(std::vector<std::string>& list, std::string value) {
        if (list.size() >= limits_.values)
            too_many_ = true;
        else
            list.push_back(std::move(value));
    }
    // Of a field that may stand once the first counts.
    static void once(std::string& place, std::string value) {
        if (place.empty()) place = std::move(value);
    }
    bool add_base(std::string_view name, std::string const& value) {
        if (name == "feedback-type") {
            once(report_.feedback_type, word_of(value));
        } else if (name == "user-agent") {
            once(report_.user_agent, value);
        } else if (name == "version") {
            report_.version = ascii::to_number<std::uint32_t>(first_word(value)).value_or(1);
        } else if (name == "arrival-date" || name == "received-date") {
            auto const date = mail::parse_date(value);
            if (date && !report_.arrival) report_.arrival = date->time;
        } else if (name == "incidents") {
            report_.incidents = ascii::to_number<std::uint32_t>(first_word(value)).value_or(1);
        } else if (name == "original-envelope-id") {
            once(report_.original_envelope_id, value);
        } else if (name == "original-mail-from") {
            once(report_.original_mail_from, address_of(value));
        } else if (name == "original-rcpt-to") {
            push(report_.original_rcpt_to, address_of(value));
        } else if (name == "reporting-mta") {
            once(report_.reporting_mta, without_type(value));
        } else if (name == "source-ip") {
            once(report_.source_ip, first_word(value));
        } else if (name == "source-port") {
            report_.source_port = ascii::to_number<std::uint16_t>(first_word(value)).value_or(0);
        } else if (name == "authentication-results") {
            push(report_.authentication_results, value);
        } else if (name == "reported-domain") {
            push(report_.reported_domain, first_word(value));
        } else if (name == "reported-uri") {
            push(report_.reported_uri, first_word(value));
        } else {
            return false;
        }
        return true;
    }
    bool add_authentication(std::string_view name, std::string const& value) {
        if (name == "auth-failure") {
            once(report_.auth_failure, word_of(value));
        } else if (name == "delivery-result") {
            once(report_.delivery_result, word_of(value));
        } else if (name == "dkim-domain") {
            once(report_.dkim_domain, first_word(value));
        } else if (name == "dkim-identity") {
            once(report_.dkim_identity, value);
        } else if (name == "dkim-selector") {
            once(report_.dkim_selector, first_word(value));
        } else if (name == "dkim-canonicalized-header") {
            once(report_.dkim_canonicalized_header, decoded(value));
        } else if (name == "dkim-canonicalized-body") {
            once(report_.dkim_canonicalized_body, decoded(value));
        } else if (name == "dkim-selector-dns") {
            once(report_.dkim_selector_dns, value);
        } else if (name == "dkim-adsp-dns") {
            once(report_.dkim_adsp_dns, value);
        } else if (name == "spf-dns") {
            once(report_.spf_dns, value);
        } else if (name == "identity-alignment") {
            once(report_.identity_alignment, ascii::to_lower(value));
        } else {
            return false;
        }
        return true;
    }

    ParseLimits limits_;
    Report report_;
    bool too_many_ = false;
};

bool is_feedback(mail::MimePart const& part) {
    return part.type.is("message", "feedback-report");
}

}  // namespace

Result<Report> parse_fields(std::string_view body, ParseLimits limits) {
    if (body.size() > limits.report_bytes) return Errc::too_long;
    // Blank lines before the fields are seen in the wild.
    while (!body.empty() && (body.front() == '\r' || body.front() == '\n')) body.remove_prefix(1);
    DAWK_TRY(auto const fields, mail::HeaderSection::parse(body));
    FieldReader reader(limits);
    for (auto const field : fields) reader.add(field);
    return std::move(reader).finish();
}

Result<Parsed> parse(std::string_view content, ParseLimits limits) {
    DAWK_TRY(auto parts, mail::parse_mime(content));
    auto const found = std::find_if(parts.begin(), parts.end(), is_feedback);
    if (found == parts.end()) return Errc::not_found;
    if (found->body_end - found->body_begin > limits.report_bytes) return Errc::too_long;
    Parsed out;
    DAWK_TRY(out.report, parse_fields(mail::decoded_body(*found, content), limits));
    auto const index = static_cast<std::uint32_t>(found - parts.begin());
    for (auto i = index + 1; i < parts.size(); ++i) {
        auto const& part = parts[i];
        bool const is_sibling = part.parent == found->parent;
        if (is_sibling && part.type.is("text", "rfc822-headers")) {
            auto const text = mail::decoded_body(part, content);
            DAWK_TRY(out.original, mail::HeaderSection::parse(text));
            break;
        }
        auto const* const above =
            part.parent == mail::MimePart::none ? nullptr : &parts[part.parent];
        if (above != nullptr && above->parent == found->parent && above->type.type == "message" &&
            part.parent > index) {
            out.original = std::move(parts[i].header);
            out.has_body = true;
            break;
        }
    }
    return out;
}

}  // namespace dawk::arf
