// Who gets a delivery status notification about what.
//
//     auto const decision = dsn::decide(envelope, news, {.postmaster = ...});
//     for (auto const& report : decision.reports) ...   // dsn::compose each
//
// Nobody is told what he did not want to know (NOTIFY), nothing is ever sent about a bounce to its
// null reverse-path: a bounce that fails is reported to the postmaster. When even mail to the
// postmaster fails, no report can help; those recipients are in `stranded` and their message must
// be kept for an operator. Standards: RFC 3461 §4.1, §5.2, §6.1; RFC 5321 §3.6.3, §4.5.5, §6.1; RFC
// 3834 §2.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "dawk/dsn/compose.hpp"
#include "dawk/envelope/envelope.hpp"
#include "dawk/mail/header.hpp"

namespace dawk::dsn {

struct DecideOptions {
    mail::Address postmaster{};
    bool is_automatic = false;  // the subject is: is_automatic(header); it gets no delay reports
    std::size_t recipients_per_report = 100;
};

struct Report {
    mail::Address to{};
    bool to_postmaster = false;
    std::vector<Reported> recipients{};
};

struct Decision {
    std::vector<Report> reports;
    std::vector<std::uint32_t> stranded;  // failed recipients of whom nobody can be told
};

// What a final state has to say: failed, delivered, relayed (only when the next hop will not report
// itself), or nothing.
std::optional<Kind> kind_of(envelope::Recipient const& recipient) noexcept;

// news: what has newly happened to recipients, delays included.
Decision decide(envelope::Envelope const& envelope, std::span<Reported const> news,
                DecideOptions const& options);

// Mail that no person wrote: Auto-Submitted, list and bulk mail.
bool is_automatic(mail::HeaderSection const& header);

}  // namespace dawk::dsn
