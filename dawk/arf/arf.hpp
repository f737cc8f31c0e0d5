// Abuse Reporting Format: what people and filters said about a message, read and written.
//
//     auto const report = arf::parse(content);          // not_found: it is no feedback report
//     if (report && report->feedback_type == "abuse") unsubscribe(report->original_rcpt_to);
//
//     arf::Draft draft{.report = {.feedback_type = "auth-failure", .auth_failure = "dmarc"}};
//     auto const message = arf::compose(draft);
//
// Read generously, written strictly. Every word in a report is its sender's and may be forged:
// authenticate the message that carries it before acting on it (RFC 6650 §6.3), match it with mail
// that was really sent. Bounded: what passes a limit is refused, not cut.
// Standards: RFC 5965; RFC 6591 (auth-failure); RFC 6650 (when to send); RFC 6692 (Source-Port);
// RFC 6522 (multipart/report).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dawk/base/result.hpp"
#include "dawk/base/time.hpp"
#include "dawk/mail/address.hpp"
#include "dawk/mail/header.hpp"

namespace dawk::arf {

// The fields of message/feedback-report; "" and empty lists where they are absent.
struct Report {
    // In lower case: "abuse", "fraud", "virus", "other", "not-spam", "auth-failure", or a word
    // that is not registered (to be read as "other", RFC 5965 §3.1).
    std::string feedback_type{};
    std::string user_agent{};
    std::uint32_t version = 1;

    std::optional<WallTime> arrival{};  // Arrival-Date, or Received-Date as older drafts had it
    std::uint32_t incidents = 1;
    std::string original_envelope_id{};
    std::string original_mail_from{};  // the address alone
    std::vector<std::string> original_rcpt_to{};
    std::string reporting_mta{};  // without its type
    std::string source_ip{};
    std::uint16_t source_port = 0;
    std::vector<std::string> authentication_results{};  // bodies of fields, unfolded
    std::vector<std::string> reported_domain{};
    std::vector<std::string> reported_uri{};

    // RFC 6591 §3.1, §3.2; words in lower case.
    std::string auth_failure{};     // "adsp", "bodyhash", "revoked", "signature", "spf", "dmarc"
    std::string delivery_result{};  // "delivered", "spam", "policy", "reject", "other"
    std::string dkim_domain{}, dkim_identity{}, dkim_selector{};
    std::string dkim_canonicalized_header{}, dkim_canonicalized_body{};  // decoded
    std::string dkim_selector_dns{}, dkim_adsp_dns{}, spf_dns{};
    std::string identity_alignment{};  // RFC 9991: the methods that failed, or "none"

    friend bool operator==(Report const&, Report const&) = default;
};

struct Parsed {
    Report report;
    mail::HeaderSection original;  // header of the message it is about; empty if not enclosed
    bool has_body = false;         // the message was enclosed with its body
};

struct ParseLimits {
    std::size_t report_bytes = 256U << 10U;  // of the part for machines
    std::size_t values = 1000;               // of one field that may be given several times
};

// A whole message. Errors: not_found (no feedback report in it, or one without a type), too_long,
// too_many, and those of mail::MimeScanner.
Result<Parsed> parse(std::string_view content, ParseLimits limits = {});
// The body of the message/feedback-report part alone.
Result<Report> parse_fields(std::string_view body, ParseLimits limits = {});

struct Draft {
    Report report{};
    mail::Address from{}, to{};
    std::string from_name{};  // "" for none
    std::string subject{};
    std::string message_id{};  // "x@y"
    WallTime date{};
    std::string text{};           // for people
    std::string_view original{};  // of the message it is about: from its first octet on
    bool headers_only = true;     // give back the header section alone
    std::string unique{};         // letters and digits nobody can foresee
};

// CRLF lines of at most 998 octets, 7-bit throughout. Text of others in fields is made harmless.
// Errors: bad_syntax (no type, no address), unsupported (addresses beyond ASCII).
Result<std::string> compose(Draft const& draft);

}  // namespace dawk::arf
