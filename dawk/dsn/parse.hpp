// Reads the delivery status notifications of others: what became of which recipient.
//
//     dsn::ReportReader reader;
//     while (more) if (auto error = reader.feed(piece)) return error;
//     auto const report = reader.finish();          // not_found: this is no such report
//     for (auto const& r : report->recipients) if (r.action == dsn::Kind::failed) ...
//
// Tolerant, because everybody writes them a little differently: a missing or doubled blank line,
// fields in any order, comments, a wrong outer type. Only fields are read, never prose. Every word
// in a report is its sender's and may be forged: match it with mail that was really sent before
// acting on it. Memory is bounded however large the report is. Standards: RFC 3464 §2; RFC 6522;
// RFC 6533 §4.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dawk/base/result.hpp"
#include "dawk/dsn/compose.hpp"
#include "dawk/mail/date.hpp"
#include "dawk/mail/header.hpp"

namespace dawk::dsn {

struct ParsedRecipient {
    std::string final_recipient{};     // the address alone; "" if it is not named
    std::string original_recipient{};  // likewise
    std::optional<Kind> action{};
    std::string status{};           // "5.1.1", "" if it is none
    std::string remote_mta{};       // without its type
    std::string diagnostic{};       // without its type
    std::string diagnostic_type{};  // "smtp", in lower case
    std::optional<mail::Date> last_attempt{}, will_retry_until{};

    // The one the sender wrote to, as far as it is known.
    std::string const& recipient() const noexcept {
        return original_recipient.empty() ? final_recipient : original_recipient;
    }
    friend bool operator==(ParsedRecipient const&, ParsedRecipient const&) = default;
};

struct ParsedReport {
    std::string reporting_mta{};
    std::string envelope_id{};
    std::optional<mail::Date> arrival{};
    std::vector<ParsedRecipient> recipients{};
    mail::HeaderSection
        original{};  // header of the message the report is about; empty if not returned
};

struct ParseLimits {
    std::size_t status_size_bytes = 1U << 20U;
    std::size_t recipients = 1000;
};

class ReportReader {
  public:
    explicit ReportReader(ParseLimits limits = {});
    ~ReportReader();
    ReportReader(ReportReader&&) noexcept;
    ReportReader& operator=(ReportReader&&) noexcept;

    // Errors: those of mail::MimeScanner.
    ErrorCode feed(std::string_view piece);
    // Errors: not_found (no delivery status in it), too_long, too_many.
    Result<ParsedReport> finish();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

// A whole report at once.
Result<ParsedReport> parse_report(std::string_view content, ParseLimits limits = {});

// The content of a message/delivery-status part alone. Errors: not_found, too_many.
Result<ParsedReport> parse_status(std::string_view body, ParseLimits limits = {});

}  // namespace dawk::dsn
