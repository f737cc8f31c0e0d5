#include "dawk/mta/intake.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "dawk/authres/authres.hpp"
#include "dawk/base/check.hpp"
#include "dawk/base/mutation.hpp"
#include "dawk/mail/date.hpp"
#include "dawk/mail/trace.hpp"
#include "dawk/mta/report_message.hpp"

namespace dawk::mta {

namespace {

constexpr std::size_t shown_max = 500;  // octets of a field kept for people

std::string shown(mail::HeaderSection const& header, std::string_view name) {
    std::string value = header.value(name);
    if (value.size() > shown_max) value.resize(shown_max);
    return value;
}

// It was acknowledged, and there is no more time.
void note_loss(ReceiverPorts& ports, envelope::Envelope const& envelope, ErrorCode error) {
    envelope::Event event;
    event.kind = envelope::Event::Kind::spool_trouble;
    event.at = ports.env.clock.wall();
    event.id = envelope.id;
    event.sender = envelope.reverse_path.text();
    event.note = "acknowledged by a listener with durability memory, and lost: " + error.message();
    ports.events.on_event(event);
}

// What was committed: to the log, and to the queue.
void tell(ReceiverPorts& ports, std::vector<envelope::Event> const& events,
          std::vector<spool::Batch::Insert> inserts) {
    for (auto const& event : events) ports.events.on_event(event);
    for (auto& insert : inserts)
        ports.accepted.accepted(std::move(insert.envelope), std::move(insert.content));
}

// With durability "memory" the client has its 250 already: the commit is tried until it is done, at
// a stop for as long as Receiver::stop() allows.
Task<void> commit_until_done(ReceiverPorts& ports, spool::Batch batch) {
    for (;;) {
        spool::Batch copy = batch;
        auto const done = co_await ports.spool.commit(std::move(copy));
        if (done) break;
        SteadyTime const now = ports.env.clock.steady();
        if (now >= ports.give_up_at) {
            note_loss(ports, *batch.inserts.front().envelope, done.error());
            co_return;
        }
        co_await ports.env.clock.sleep_until(now + std::chrono::seconds(1));
    }
    tell(ports, batch.events, std::move(batch.inserts));
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

Task<Verdict> Intake::finish(std::unique_ptr<envelope::Envelope> envelope,
                             std::vector<envelope::Recipient> expanded) {
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
    if (!signed_by_.empty())
        event.note += (event.note.empty() ? "signed by " : ", signed by ") + signed_by_;
    spool::Batch batch;
    batch.due_add = due_entries(*envelope);
    batch.inserts.push_back({std::move(envelope), std::move(*finished)});
    batch.events.push_back(std::move(event));
    if (!expanded.empty()) {
        Verdict added = co_await add_report(batch, std::move(expanded));
        if (!added.is_good()) co_return added;
    }
    co_return co_await commit(std::move(batch));
}

// The report goes to disk with what it tells of: both are there, or none.
Task<Verdict> Intake::add_report(spool::Batch& batch, std::vector<envelope::Recipient> expanded) {
    envelope::Envelope subject = *batch.inserts.front().envelope;
    routing::Router router = *options_.router;
    std::string header(header_.block());
    auto report =
        co_await expansion_report(ports_, options_.settings, std::move(router), std::move(subject),
                                  std::move(expanded), std::move(header));
    if (!report) co_return spool_failed(report.error());
    if (!*report) co_return Verdict{};
    auto& message = (*report)->message;
    for (auto& due : due_entries(*message.envelope)) batch.due_add.push_back(std::move(due));
    for (auto& event : message.events) batch.events.push_back(std::move(event));
    batch.inserts.push_back({std::move(message.envelope), std::move((*report)->content)});
    co_return Verdict{};
}

Task<Verdict> Intake::commit(spool::Batch batch) {
    if (options_.durability == Durability::memory || mutated(Mutation::acknowledge_before_sync)) {
        ports_.later.spawn(commit_until_done(ports_, std::move(batch)));
        co_return Verdict{};
    }
    auto const events = batch.events;
    auto inserts = batch.inserts;
    auto const done = co_await ports_.spool.commit(std::move(batch));
    if (!done) co_return spool_failed(done.error());
    tell(ports_, events, std::move(inserts));
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
