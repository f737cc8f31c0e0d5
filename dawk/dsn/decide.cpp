#include "dawk/dsn/decide.hpp"

#include <algorithm>
#include <utility>

#include "dawk/base/ascii.hpp"
#include "dawk/base/check.hpp"

namespace dawk::dsn {
namespace {

bool same_mailbox(mail::Address const& a, mail::Address const& b) noexcept {
    return ascii::iequals(a.local, b.local) && ascii::iequals(a.domain, b.domain);
}

bool is_wanted(envelope::Recipient const& recipient, Kind kind,
               DecideOptions const& options) noexcept {
    auto const& notify = recipient.notify;
    switch (kind) {
        case Kind::failed:
            return notify.wants_failure();
        case Kind::delayed:
            // Not required of anybody (RFC 3461 §5.2.5); said once, and not to machines.
            return notify.wants_delay() && !recipient.delay_notified && !options.is_automatic;
        case Kind::delivered:
        case Kind::expanded:
            return notify.wants_success();
        case Kind::relayed:
            return notify.wants_success() && !recipient.last.remote_has_dsn;
    }
    return false;
}

// RFC 5321 §6.1: no report about a report. Failures of them go to the postmaster, whatever NOTIFY
// says (our own reports ask for NEVER); only mail to the postmaster himself has nowhere left to go.
void decide_null_path(envelope::Envelope const& envelope, std::span<Reported const> news,
                      DecideOptions const& options, Report& report, Decision& decision) {
    report.to = options.postmaster;
    report.to_postmaster = true;
    for (auto const& one : news) {
        if (one.kind != Kind::failed) continue;
        auto const& recipient = envelope.recipients[one.recipient];
        bool const was_postmaster = same_mailbox(recipient.address, options.postmaster) ||
                                    same_mailbox(recipient.original, options.postmaster);
        if (was_postmaster || options.postmaster.is_null()) {
            decision.stranded.push_back(one.recipient);
        } else {
            report.recipients.push_back(one);
        }
    }
}

void add_split(Report&& report, std::size_t size_max, Decision& decision) {
    for (std::size_t i = 0; i < report.recipients.size(); i += size_max) {
        auto const begin = report.recipients.begin() + static_cast<std::ptrdiff_t>(i);
        auto const count = std::min(size_max, report.recipients.size() - i);
        decision.reports.push_back(
            {report.to, report.to_postmaster, {begin, begin + static_cast<std::ptrdiff_t>(count)}});
    }
}

}  // namespace

std::optional<Kind> kind_of(envelope::Recipient const& recipient) noexcept {
    switch (recipient.state) {
        case envelope::State::delivered:
            return Kind::delivered;
        case envelope::State::relayed:
            if (recipient.last.remote_has_dsn) return std::nullopt;
            return Kind::relayed;
        case envelope::State::failed:
        case envelope::State::expired:
            return Kind::failed;
        case envelope::State::waiting:
        case envelope::State::held:
        case envelope::State::removed:
            return std::nullopt;
    }
    return std::nullopt;
}

Decision decide(envelope::Envelope const& envelope, std::span<Reported const> news,
                DecideOptions const& options) {
    DAWK_CHECK(options.recipients_per_report > 0);
    Decision decision;
    Report report;
    if (envelope.reverse_path.is_null()) {
        decide_null_path(envelope, news, options, report, decision);
    } else {
        report.to = envelope.reverse_path;
        for (auto const& one : news) {
            if (is_wanted(envelope.recipients[one.recipient], one.kind, options))
                report.recipients.push_back(one);
        }
    }
    // Failures first: a report is split by size, and the worst news should not stand behind the
    // rest.
    std::ranges::sort(report.recipients, {}, [](Reported r) {
        return std::pair{r.kind, r.recipient};
    });
    add_split(std::move(report), options.recipients_per_report, decision);
    return decision;
}

bool is_automatic(mail::HeaderSection const& header) {
    if (header.has("List-Id") || header.has("List-Unsubscribe")) return true;
    auto const submitted = header.value("Auto-Submitted");
    if (!submitted.empty() && !ascii::istarts_with(submitted, "no")) return true;  // RFC 3834 §5
    auto const precedence = header.value("Precedence");
    return ascii::iequals(precedence, "bulk") || ascii::iequals(precedence, "list") ||
           ascii::iequals(precedence, "junk");
}

}  // namespace dawk::dsn
