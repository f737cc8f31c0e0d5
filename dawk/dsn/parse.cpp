#include "dawk/dsn/parse.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "dawk/base/ascii.hpp"
#include "dawk/dsn/unitext.hpp"
#include "dawk/mail/encoded_word.hpp"
#include "dawk/mail/lexer.hpp"
#include "dawk/mail/mime.hpp"

namespace dawk::dsn {
namespace {

struct Typed {
    std::string type, value;
};

// "type ; value", with comments before the semicolon; without one all is value.
Typed typed(mail::HeaderField const& field) {
    auto const text = field.value();
    auto const semicolon = text.find(';');
    if (semicolon == std::string::npos) return {{}, std::string{ascii::trim(text)}};
    mail::Lexer in{std::string_view{text}.substr(0, semicolon)};
    auto const type = in.atom();
    return {type ? ascii::to_lower(*type) : std::string{},
            std::string{ascii::trim(std::string_view{text}.substr(semicolon + 1))}};
}

std::string address_of(mail::HeaderField const& field) {
    auto [type, value] = typed(field);
    std::string_view text = value;
    auto const open = text.find('<');
    auto const close = text.rfind('>');
    if (open != std::string_view::npos && close != std::string_view::npos && open < close)
        text = text.substr(open + 1, close - open - 1);
    text = ascii::trim(text);
    return type == "utf-8" ? unitext_decode(text) : std::string{text};
}

struct Action {
    std::string_view stem;  // "failure" and "failed" are seen
    Kind kind;
};
constexpr std::array<Action, 5> actions{{{"fail", Kind::failed},
                                         {"delay", Kind::delayed},
                                         {"deliver", Kind::delivered},
                                         {"relay", Kind::relayed},
                                         {"expand", Kind::expanded}}};

std::optional<Kind> action_of(mail::HeaderField const& field) {
    auto const text = field.value();
    mail::Lexer in{text};
    auto const word = in.atom();
    if (!word) return std::nullopt;
    auto const found = std::ranges::find_if(
        actions, [&](Action const& a) { return ascii::istarts_with(*word, a.stem); });
    if (found == actions.end()) return std::nullopt;
    return found->kind;
}

// status-code = DIGIT "." 1*3DIGIT "." 1*3DIGIT, at the start of the text; else "".
std::string status_of(std::string_view text) {
    std::size_t at = 0;
    for (std::size_t part = 0; part < 3; ++part) {
        std::size_t digits = 0;
        while (at + digits < text.size() && ascii::is_digit(text[at + digits])) ++digits;
        if (digits == 0 || digits > (part == 0 ? 1U : 3U)) return {};
        at += digits;
        if (part < 2 && (at == text.size() || text[at++] != '.')) return {};
    }
    return std::string{text.substr(0, at)};
}

// From a reply, as some write it in place of a status: "550 5.1.1 ...", or "550 ..." for "5.0.0".
std::string status_of_reply(std::string_view text) {
    bool const is_reply = text.size() >= 3 && (text[0] == '4' || text[0] == '5') &&
                          ascii::is_digit(text[1]) && ascii::is_digit(text[2]) &&
                          (text.size() == 3 || !ascii::is_alnum(text[3]));
    if (!is_reply) return {};
    auto const status = status_of(text.substr(std::min<std::size_t>(4, text.size())));
    return status.empty() ? std::string{text[0]} + ".0.0" : status;
}

std::string status_in(std::string_view text) {
    auto const status = status_of(text);
    return status.empty() ? status_of_reply(text) : status;
}

std::optional<mail::Date> date_of(mail::HeaderField const& field) {
    auto const date = mail::parse_date(field.body);
    if (!date) return std::nullopt;
    return *date;
}

constexpr std::array<std::string_view, 7> recipient_fields{
    "final-recipient", "original-recipient", "action",           "status",
    "remote-mta",      "diagnostic-code",    "last-attempt-date"};

// Reads the groups of fields one after another.
class StatusReader {
  public:
    explicit StatusReader(ParseLimits limits) : limits_(limits) {}

    void add_group(mail::HeaderSection const& group) {
        seen_.clear();
        for (auto const field : group) add_field(field);
        end_recipient();
    }
    Result<ParsedReport> finish() && {
        if (too_many_) return Errc::too_many;
        if (report_.recipients.empty()) return Errc::not_found;
        return std::move(report_);
    }

  private:
    void add_field(mail::HeaderField const& field) {
        auto const name = ascii::to_lower(field.name);
        if (std::ranges::find(recipient_fields, name) != recipient_fields.end()) {
            // The same field again: a blank line was forgotten, and this is another recipient.
            if (!seen_.insert(name).second) {
                end_recipient();
                seen_.insert(name);
            }
        }
        if (name == "final-recipient")
            current_.final_recipient = address_of(field);
        else if (name == "original-recipient")
            current_.original_recipient = address_of(field);
        else if (name == "action")
            current_.action = action_of(field);
        else if (name == "status")
            current_.status = status_in(field.value());
        else if (name == "remote-mta")
            current_.remote_mta = typed(field).value;
        else if (name == "last-attempt-date")
            current_.last_attempt = date_of(field);
        else if (name == "will-retry-until")
            current_.will_retry_until = date_of(field);
        else if (name == "diagnostic-code") {
            auto [type, value] = typed(field);
            current_.diagnostic_type = std::move(type);
            current_.diagnostic = std::move(value);
        } else if (name == "reporting-mta" && report_.reporting_mta.empty()) {
            report_.reporting_mta = typed(field).value;
        } else if (name == "original-envelope-id" && report_.envelope_id.empty()) {
            report_.envelope_id = field.value();
        } else if (name == "arrival-date" && !report_.arrival) {
            report_.arrival = date_of(field);
        }
    }
    void end_recipient() {
        bool const named =
            !current_.final_recipient.empty() || !current_.original_recipient.empty();
        if (current_.status.empty()) current_.status = status_of_reply(current_.diagnostic);
        if (named && report_.recipients.size() == limits_.recipients) too_many_ = true;
        if (named && !too_many_) report_.recipients.push_back(std::move(current_));
        current_ = {};
        seen_.clear();
    }

    ParseLimits limits_;
    ParsedReport report_;
    ParsedRecipient current_;
    std::set<std::string> seen_;
    bool too_many_ = false;
};

std::string_view skip_line(std::string_view text) {
    auto const end = text.find('\n');
    return end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
}

bool is_blank_line(std::string_view text) {
    return ascii::trim(text.substr(0, text.find('\n'))).empty();
}

bool is_status_type(mail::ContentType const& type) {
    return type.is("message", "delivery-status") || type.is("message", "global-delivery-status");
}

bool is_header_type(mail::ContentType const& type) {
    return type.is("text", "rfc822-headers") || type.is("message", "global-headers");
}

}  // namespace

Result<ParsedReport> parse_status(std::string_view body, ParseLimits limits) {
    StatusReader reader{limits};
    while (!body.empty()) {
        if (is_blank_line(body)) {
            body = skip_line(body);
            continue;
        }
        auto const group = mail::HeaderSection::parse(body);
        if (!group) return group.error();
        if (!group->empty()) {
            reader.add_group(*group);
            body.remove_prefix(group->body_offset());
        } else {
            body = skip_line(body);  // a line that is no field
        }
    }
    return std::move(reader).finish();
}

// Watches a message stream by and keeps the status and the header of the original.
struct ReportReader::State final : mail::MimeSink {
    explicit State(ParseLimits l) : limits(l), scanner({}, this) {}

    void on_part(std::uint32_t index, mail::MimePart const& part) override {
        current = nullptr;
        decoder.emplace(part.encoding);
        auto const& parts = scanner.parts();
        std::size_t enclosed = 0;  // in how many messages
        for (auto p = part.parent; p != mail::MimePart::none; p = parts[p].parent) {
            if (parts[p].type.type == "message") ++enclosed;
        }
        if (is_status_type(part.type)) {
            on_status(enclosed);
        } else if (has_status && is_header_type(part.type) && header_text.empty()) {
            current = &header_text;
        } else if (has_status && message_part == mail::MimePart::none &&
                   enclosed == status_level + 1) {
            message_part = index;
        }
    }
    // A report may come enclosed, forwarded by somebody; but what a report returns is no news, even
    // if it is a report itself: the outermost level counts. Several parts of one level are read as
    // one.
    void on_status(std::size_t enclosed) {
        if (has_status && enclosed > status_level) return;
        if (has_status && enclosed < status_level) {
            status.clear();
            header_text.clear();
            message_part = mail::MimePart::none;
        }
        has_status = true;
        status_level = enclosed;
        current = &status;
        status += "\r\n\r\n";
    }
    void on_body(std::uint32_t, std::string_view octets) override {
        if (current == nullptr) return;
        decoder->feed(octets, *current);
        if (current->size() <= limits.status_size_bytes) return;
        if (current == &status) is_too_long = true;
        current->resize(limits.status_size_bytes);
    }
    void on_end(std::uint32_t, mail::MimePart const&) override {
        if (current != nullptr) decoder->finish(*current);
        current = nullptr;
    }
    // Behind the status comes what is returned; if that passes a limit, the news is known all the
    // same.
    ErrorCode keep(ErrorCode error) {
        is_cut = error && has_status && current == nullptr;
        return is_cut ? ErrorCode{} : error;
    }

    ParseLimits limits;
    mail::MimeScanner scanner;
    std::optional<mail::BodyDecoder> decoder;
    std::uint32_t message_part = mail::MimePart::none;
    std::string status, header_text;
    std::string* current = nullptr;  // what the part being read goes into
    bool has_status = false;
    std::size_t status_level = 0;
    bool is_too_long = false;
    bool is_cut = false;
};

ReportReader::ReportReader(ParseLimits limits) : state_(std::make_unique<State>(limits)) {}
ReportReader::~ReportReader() = default;
ReportReader::ReportReader(ReportReader&&) noexcept = default;
ReportReader& ReportReader::operator=(ReportReader&&) noexcept = default;

ErrorCode ReportReader::feed(std::string_view piece) {
    if (state_->is_cut) return {};
    return state_->keep(state_->scanner.feed(piece));
}

Result<ParsedReport> ReportReader::finish() {
    if (!state_->is_cut) {
        if (auto const error = state_->keep(state_->scanner.finish())) return error;
    }
    if (!state_->has_status) return Errc::not_found;
    if (state_->is_too_long) return Errc::too_long;
    DAWK_TRY(auto report, parse_status(state_->status, state_->limits));
    auto parts = state_->scanner.take();
    if (state_->message_part != mail::MimePart::none) {
        report.original = std::move(parts[state_->message_part].header);
    } else if (auto header = mail::HeaderSection::parse(state_->header_text)) {
        report.original = std::move(*header);
    }
    return report;
}

Result<ParsedReport> parse_report(std::string_view content, ParseLimits limits) {
    ReportReader reader{limits};
    if (auto const error = reader.feed(content)) return error;
    return reader.finish();
}

}  // namespace dawk::dsn
