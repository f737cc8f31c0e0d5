#include "dawk/mta/intake.hpp"

#include <chrono>
#include <utility>

#include "dawk/base/check.hpp"
#include "dawk/mail/date.hpp"
#include "dawk/mail/trace.hpp"

namespace dawk::mta {

namespace {

constexpr std::size_t shown_max = 500;  // octets of a field kept for people

std::string shown(mail::HeaderSection const& header, std::string_view name) {
    std::string value = header.value(name);
    if (value.size() > shown_max) value.resize(shown_max);
    return value;
}

// With durability "memory" the client has its 250 already: the commit is tried until it is done or
// the server stops.
Task<void> commit_until_done(ReceiverPorts& ports, spool::Batch batch, spool::EnvelopePtr envelope,
                             spool::ContentPtr content) {
    for (;;) {
        spool::Batch copy = batch;
        auto const done = co_await ports.spool.commit(std::move(copy));
        if (done) break;
        SteadyTime const again = ports.env.clock.steady() + std::chrono::seconds(1);
        co_await ports.env.clock.sleep_until(again);
    }
    for (auto const& event : batch.events) ports.events.on_event(event);
    ports.accepted.accepted(std::move(envelope), std::move(content));
}

}  // namespace

Intake::Intake(ReceiverPorts& ports, IntakeOptions options, MessageId id,
               std::uint64_t announced_size)
    : ports_(ports),
      options_(std::move(options)),
      id_(id),
      writer_(ports.spool.create_content(id, announced_size)),
      scanner_(mail::HeaderLimits{.size_bytes = options_.limits.header_bytes}) {}

Task<Verdict> Intake::put(std::string_view octets) {
    if (octets.empty()) co_return Verdict{};
    size_ += octets.size();
    auto const written = co_await writer_->write(octets);
    if (!written) co_return spool_failed(written.error());
    co_return Verdict{};
}

Task<Verdict> Intake::write(std::string_view octets) {
    if (header_done_) co_return co_await put(octets);
    scanner_.feed(octets);
    if (options_.submission) {
        held_.append(octets);
    } else {
        Verdict written = co_await put(octets);
        if (!written.is_good()) co_return written;
    }
    if (scanner_.state() == mail::HeaderScanner::State::more) co_return Verdict{};
    co_return co_await end_header();
}

Task<Verdict> Intake::end_header() {
    header_done_ = true;
    Verdict judged = judge_header();
    if (!judged.is_good() || !options_.submission) co_return judged;
    std::string const edited = edited_header();
    Verdict written = co_await put(edited);
    if (!written.is_good()) co_return written;
    std::string_view const body = std::string_view(held_).substr(header_.body_offset());
    written = co_await put(body);
    held_ = std::string();
    co_return written;
}

Verdict Intake::judge_header() {
    using State = mail::HeaderScanner::State;
    if (scanner_.state() == State::too_large) {
        return {552, "5.3.4", "Header section is too large"};
    }
    if (scanner_.state() == State::too_many) return {550, "5.6.0", "Too many header fields"};
    header_ = scanner_.take();
    // Deviation: RFC 7103 §7.1.1 names ways to go on where a header section breaks off. Each is one
    // that somebody else does not take, so that a filter and a reader see different messages:
    // refuse. A message that has no header at all is harmless.
    if (header_.ended_by() == mail::HeaderEnd::no_field && !header_.empty()) {
        return {550, "5.6.0", "Malformed header: a line is neither field nor blank"};
    }
    if (header_.count("From") > 1) return {550, "5.6.0", "Malformed header: several From fields"};
    if (header_.count("Received") >= options_.limits.hops) {  // RFC 5321 §6.3
        return {554, "5.4.6", "Too many hops, this is a mail loop"};
    }
    return {};
}

// RFC 6409 §8.1 to §8.3: what a message must have and the client left out is added; RFC 5322
// §3.6.3: Bcc goes nowhere. Return-Path is for final delivery alone (RFC 5321 §4.4).
std::string Intake::edited_header() const {
    std::string out = header_.block_without({"Bcc", "Resent-Bcc", "Return-Path"});
    if (!header_.has("From") && !options_.from.is_null()) {
        out += "From: <" + options_.from.text() + ">\r\n";
    }
    if (!header_.has("Date")) {
        out += "Date: " + mail::format_date(ports_.env.clock.wall()) + "\r\n";
    }
    if (!header_.has("Message-ID")) {
        out += "Message-ID: <" + id_.text() + "@" + options_.hostname + ">\r\n";
    }
    out += "\r\n";
    return out;
}

void Intake::fill(envelope::Envelope& envelope) const {
    envelope.content_size = size_;
    envelope.hops = static_cast<std::uint32_t>(header_.count("Received"));
    envelope.header_message_id = shown(header_, "Message-ID");
    envelope.header_from = shown(header_, "From");
    envelope.header_subject = shown(header_, "Subject");
    // Without a header section of its own the content would run into ours: a blank line parts them.
    bool const no_header = !options_.submission && header_.empty() &&
                           header_.ended_by() != mail::HeaderEnd::blank_line;
    if (no_header) envelope.trace += "\r\n";
}

Task<Verdict> Intake::finish(std::unique_ptr<envelope::Envelope> envelope) {
    if (!header_done_) {
        scanner_.finish();
        Verdict judged = co_await end_header();
        if (!judged.is_good()) co_return judged;
    }
    auto finished = co_await writer_->finish();
    if (!finished) co_return spool_failed(finished.error());
    fill(*envelope);
    envelope::Event event;
    event.kind = envelope::Event::Kind::received;
    event.at = envelope->arrived;
    event.id = id_;
    event.sender = envelope->reverse_path.text();
    if (envelope->recipients.size() == 1) event.recipient = envelope->recipients[0].address.text();
    event.size_bytes = size_;
    event.origin = envelope->origin;
    spool::Batch batch;
    batch.due_add = due_entries(*envelope);
    spool::EnvelopePtr shared = std::move(envelope);
    spool::ContentPtr content = std::move(*finished);
    batch.inserts.push_back({shared, content});
    batch.events.push_back(std::move(event));
    co_return co_await commit(std::move(batch), std::move(shared), std::move(content));
}

Task<Verdict> Intake::commit(spool::Batch batch, spool::EnvelopePtr envelope,
                             spool::ContentPtr content) {
    if (options_.durability == Durability::memory) {
        auto task =
            commit_until_done(ports_, std::move(batch), std::move(envelope), std::move(content));
        ports_.later.spawn(std::move(task));
        co_return Verdict{};
    }
    envelope::Event const event = batch.events.front();
    auto const done = co_await ports_.spool.commit(std::move(batch));
    if (!done) co_return spool_failed(done.error());
    ports_.events.on_event(event);
    ports_.accepted.accepted(std::move(envelope), std::move(content));
    co_return Verdict{};
}

Verdict Intake::spool_failed(ErrorCode error) {
    envelope::Event event;
    event.kind = envelope::Event::Kind::spool_trouble;
    event.at = ports_.env.clock.wall();
    event.note = "a message could not be taken: " + error.message();
    ports_.events.on_event(event);
    if (error == Errc::no_space) return {452, "4.3.1", "Insufficient system storage"};
    return {451, "4.3.0", "Local error, try again later"};
}

}  // namespace dawk::mta
