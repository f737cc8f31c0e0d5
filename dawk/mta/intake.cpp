#include "dawk/mta/intake.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "dawk/authres/authres.hpp"
#include "dawk/base/check.hpp"
#include "dawk/base/mutation.hpp"
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
               std::uint64_t announced_size, std::unique_ptr<Examination> examination)
    : ports_(ports),
      options_(std::move(options)),
      id_(id),
      writer_(ports.spool.create_content(id, announced_size)),
      examination_(std::move(examination)),
      scanner_(mail::HeaderLimits{.size_bytes = options_.limits.header_bytes}) {}

Task<Verdict> Intake::put(std::string_view octets) {
    if (octets.empty()) co_return Verdict{};
    size_ += octets.size();
    auto const written = co_await writer_->write(octets);
    if (!written) co_return spool_failed(written.error());
    co_return Verdict{};
}

// What comes before the header is complete is held, for it may have to be edited. Most often one
// piece has it all, and nothing is copied.
Task<Verdict> Intake::write(std::string_view octets) {
    if (header_done_) {
        if (examination_) examination_->body(octets);
        if (signer_) signer_->body(octets);
        co_return co_await put(octets);
    }
    scanner_.feed(octets);
    bool const more = scanner_.state() == mail::HeaderScanner::State::more;
    if (!more && held_.empty()) co_return co_await end_header(octets);
    held_.append(octets);
    if (more) co_return Verdict{};
    std::string const received = std::move(held_);
    co_return co_await end_header(received);
}

Task<Verdict> Intake::end_header(std::string_view received) {
    header_done_ = true;
    Verdict judged = judge_header();
    if (!judged.is_good()) co_return judged;
    auto const offset = std::min<std::uint64_t>(header_.body_offset(), received.size());
    std::string_view const body = received.substr(offset);
    if (examination_) {
        examination_->begin(header_);
        examination_->body(body);
    }
    if (!must_edit()) {
        if (header_.ended_by() != mail::HeaderEnd::no_field) begin_signing(header_, body);
        co_return co_await put(received);
    }
    std::string const edited = edited_header();
    Verdict const written = co_await put(edited);
    if (!written.is_good()) co_return written;
    // RFC 6376 §5.1: signed is what goes on, not what came in.
    mail::HeaderLimits const limits{.size_bytes = edited.size()};
    if (auto section = mail::HeaderSection::parse(edited, limits)) {
        edited_ = std::move(*section);
        begin_signing(edited_, body);
    }
    co_return co_await put(body);
}

void Intake::begin_signing(mail::HeaderSection const& header, std::string_view body) {
    if (!options_.signing) return;
    signer_ = options_.signing->begin(header, options_.right, ports_.env.clock.wall());
    if (signer_) signer_->body(body);
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

// What nobody but we may say: results in our name (RFC 8601 §5), and our marks. What a submission
// must not carry on: Bcc (RFC 5322 §3.6.3), Return-Path (RFC 5321 §4.4).
bool Intake::is_unwanted(mail::HeaderField const& field) const {
    if (field.is(quarantine_field) || field.is(warning_field)) return true;
    if (field.is("Authentication-Results"))
        return authres::has_id(field.body, options_.authserv_id);
    return options_.submission &&
           (field.is("Bcc") || field.is("Resent-Bcc") || field.is("Return-Path"));
}

bool Intake::must_edit() const {
    if (options_.submission) return true;
    for (auto const field : header_)
        if (is_unwanted(field)) return true;
    return false;
}

// RFC 6409 §8.1 to §8.3: what a message must have and the client of a submission left out is added.
std::string Intake::edited_header() const {
    std::string out;
    for (auto const field : header_)
        if (!is_unwanted(field)) out += field.raw;
    bool const whole = header_.ended_by() == mail::HeaderEnd::blank_line;
    if (!options_.submission) return whole ? out + "\r\n" : out;
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

Task<Result<void>> Intake::add_signatures(envelope::Envelope& envelope) {
    Result<void> done;
    if (!signer_) co_return done;
    auto prepared = signer_->prepare();
    signed_by_ = prepared.names();
    auto const fields = co_await sign(ports_.env.pool, std::move(prepared));
    if (fields) {
        envelope.trace += *fields;
    } else {
        done = fields.error();
    }
    co_return done;
}

Task<Verdict> Intake::finish(std::unique_ptr<envelope::Envelope> envelope) {
    if (!header_done_) {
        scanner_.finish();
        std::string const received = std::move(held_);
        Verdict judged = co_await end_header(received);
        if (!judged.is_good()) co_return judged;
    }
    if (examination_) {
        Verdict judged = co_await examination_->finish(*envelope);
        if (!judged.is_good()) co_return judged;
    }
    auto const is_signed = co_await add_signatures(*envelope);
    // Unsigned it would be taken for forged where our DMARC policy is strict: later is better.
    if (!is_signed) co_return Verdict{451, "4.3.0", "The message cannot be signed now"};
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
    if (examination_) {
        event.authentication = examination_->facts();
        event.note = examination_->summary();
    }
    if (!signed_by_.empty()) event.note = "signed by " + signed_by_;
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
    if (options_.durability == Durability::memory || mutated(Mutation::acknowledge_before_sync)) {
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
