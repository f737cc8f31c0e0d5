#include "dawk/mta/report_message.hpp"

#include "dawk/mail/header.hpp"
#include "dawk/mta/signing.hpp"
#include "dawk/queue/schedule.hpp"

namespace dawk::mta {
namespace {

using envelope::Envelope;
using envelope::Event;

void name_for_people(Envelope& envelope, std::string_view content) {
    auto const header = mail::HeaderSection::parse(content);
    if (!header) return;
    envelope.header_message_id = header->value("Message-ID");
    envelope.header_from = header->value("From");
    envelope.header_subject = header->value("Subject");
}

}  // namespace

ReportMessage make_report_message(std::string const& hostname, dsn::Request const& request,
                                  dsn::Original original, Placement const& placement,
                                  WallTime expires) {
    dsn::Settings settings;
    settings.hostname = hostname;
    auto message = dsn::compose(settings, request, original);
    ReportMessage out;
    out.envelope = std::make_shared<Envelope>();
    auto& envelope = *out.envelope;
    envelope.id = request.id;
    envelope.body = message.body;
    envelope.smtputf8 = message.smtputf8;
    envelope.require_tls = message.require_tls;
    envelope.origin.listener = "local";
    envelope.arrived = request.now;
    envelope.expires = expires;
    envelope.content_size = message.content.size();
    name_for_people(envelope, message.content);
    for (auto const& place : placement.to) {
        envelope::Recipient recipient;
        recipient.address = place.address;
        recipient.original = request.to;
        recipient.notify.never = true;  // RFC 3461 §4.1: no report about a report
        recipient.destination = place.destination;
        recipient.next_attempt = request.now;
        envelope.recipients.push_back(std::move(recipient));
    }
    out.octets = std::move(message.content);
    auto const& subject = *request.subject;
    Event made;
    made.kind = Event::Kind::dsn_made;
    made.at = request.now;
    made.id = subject.id;
    made.sender = subject.reverse_path.text();
    made.size_bytes = subject.content_size;
    made.recipient = request.to.text();
    made.related = request.id;
    Event received;
    received.kind = Event::Kind::received;
    received.at = request.now;
    received.id = request.id;
    received.recipient = request.to.text();
    received.origin = envelope.origin;
    received.size_bytes = envelope.content_size;
    received.related = subject.id;
    out.events.push_back(std::move(made));
    out.events.push_back(std::move(received));
    return out;
}

Task<Result<std::optional<ExpansionReport>>> expansion_report(
    ReceiverPorts& ports, SettingsPtr settings, routing::Router router, Envelope subject,
    std::vector<envelope::Recipient> aliases, std::string header) {
    std::optional<ExpansionReport> out;
    if (aliases.empty() || subject.reverse_path.is_null()) co_return out;
    auto const to = subject.reverse_path;
    auto const placement = co_await place(ports.directory, std::move(router), to);
    if (placement.kind == Placement::Kind::unavailable) co_return Errc::io_error;
    if (placement.to.empty()) co_return out;
    subject.recipients = std::move(aliases);
    auto const now = ports.env.clock.wall();
    auto const high = ports.env.rng.next();
    dsn::Request request;
    request.subject = &subject;
    for (std::uint32_t i = 0; i < subject.recipients.size(); ++i) {
        request.recipients.push_back({i, dsn::Kind::expanded});
    }
    request.to = to;
    request.id = MessageId::make(now, high, ports.env.rng.next());
    request.now = now;
    dsn::Original const original{header, false};
    auto const expires = queue::expiry(true, settings->queue, now);
    out.emplace();
    out->message = make_report_message(settings->hostname, request, original, placement, expires);
    auto& made = out->message;
    auto const signing = settings->signing;
    auto const signatures = co_await sign_own(ports.env.pool, signing, made.octets, now);
    if (signatures) made.envelope->trace = *signatures;  // a token that fails must not keep it back
    auto const writer = ports.spool.create_content(request.id, out->message.octets.size());
    auto const written = co_await writer->write(out->message.octets);
    if (!written) co_return written.error();
    auto finished = co_await writer->finish();
    if (!finished) co_return finished.error();
    out->content = std::move(*finished);
    co_return out;
}

}  // namespace dawk::mta
