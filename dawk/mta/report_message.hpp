// ReportMessage: a delivery status notification as a message that can enter the queue: its
// envelope, its content, and what history says of it.
//
//     auto made = make_report_message(settings, request, original, placement, expires);
//     auto report = co_await expansion_report(ports, settings, router, ...);   // for an alias
//
// Standards: RFC 3461 §4.1 (NOTIFY=NEVER), §5.2.7.3 (expanded); RFC 3464; RFC 5321 §6.1 (null
// reverse-path).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dawk/dsn/compose.hpp"
#include "dawk/envelope/event.hpp"
#include "dawk/mta/intake.hpp"
#include "dawk/mta/placement.hpp"

namespace dawk::mta {

struct ReportMessage {
    std::shared_ptr<envelope::Envelope> envelope;
    std::string octets;
    std::vector<envelope::Event> events;  // dsn_made of the subject, received of the report
};

// placement: where request.to leads; its recipients are those of the report.
ReportMessage make_report_message(std::string const& hostname, dsn::Request const& request,
                                  dsn::Original original, Placement const& placement,
                                  WallTime expires);

// Who asked to be told of success hears of an alias with several targets that it was expanded, and
// no more (RFC 3461 §5.2.7.3 c): the targets themselves are not his business. aliases: as RCPT
// named them. Nothing when there is nobody to tell. Errors: those of the directory and the spool.
struct ExpansionReport {
    ReportMessage message;
    spool::ContentPtr content;
};
Task<Result<std::optional<ExpansionReport>>> expansion_report(
    ReceiverPorts& ports, SettingsPtr settings, routing::Router router, envelope::Envelope subject,
    std::vector<envelope::Recipient> aliases, std::string header);

}  // namespace dawk::mta
