#include "dawk/mta/local_mail.hpp"

#include "dawk/mail/trace.hpp"
#include "dawk/mta/placement.hpp"

namespace dawk::mta {
namespace {

std::unique_ptr<envelope::Envelope> envelope_of(ReceiverPorts const& ports,
                                                Settings const& settings, MessageId id,
                                                LocalMail const& mail, Placement const& placement) {
    auto out = std::make_unique<envelope::Envelope>();
    out->id = id;
    out->reverse_path = mail.from;
    out->origin.listener = "local";
    out->arrived = ports.env.clock.wall();
    out->expires = out->arrived + settings.queue.expire;
    mail::ReceivedInfo trace;
    trace.by = settings.hostname;
    trace.id = id.text();
    trace.time = out->arrived;
    out->trace = mail::received_field(trace);
    for (auto const& place : placement.to) {
        envelope::Recipient recipient;
        recipient.address = place.address;
        recipient.original = mail.to;
        recipient.notify.never = true;
        recipient.destination = place.destination;
        recipient.next_attempt = out->arrived;
        out->recipients.push_back(std::move(recipient));
    }
    return out;
}

ErrorCode error_of(Placement const& placement) {
    return placement.kind == Placement::Kind::unavailable ? Errc::unavailable : Errc::not_found;
}

ErrorCode error_of(Verdict const& verdict) {
    return verdict.code == 452 ? Errc::no_space : Errc::io_error;
}

}  // namespace

Task<Result<MessageId>> post(ReceiverPorts& ports, SettingsPtr settings, LocalMail mail) {
    routing::Router router(settings->routing);
    auto const placement = co_await place(ports.directory, router, mail.to);
    if (placement.kind != Placement::Kind::deliverable) co_return error_of(placement);
    std::uint64_t const high = ports.env.rng.next();
    auto const id = MessageId::make(ports.env.clock.wall(), high, ports.env.rng.next());
    IntakeOptions options;
    options.limits = settings->limits.smtp;
    options.hostname = settings->hostname;
    options.from = mail.from;
    options.signing = settings->signing;  // mail of ours begins here (RFC 9990 §3.5.2)
    options.right.any = true;
    Intake intake(ports, std::move(options), id, mail.content.size());
    std::string_view const octets = mail.content;
    auto const written = co_await intake.write(octets);
    if (!written.is_good()) co_return error_of(written);
    auto envelope = envelope_of(ports, *settings, id, mail, placement);
    auto const done = co_await intake.finish(std::move(envelope));
    if (!done.is_good()) co_return error_of(done);
    co_return id;
}

}  // namespace dawk::mta
