#include "dawk/mta/reception.hpp"

#include <algorithm>
#include <utility>

#include "dawk/base/check.hpp"

namespace dawk::mta {

namespace {

using namespace std::chrono_literals;
constexpr std::size_t buffer_idle = 4096;       // per connection, whatever it does
constexpr std::size_t buffer_max = 64U << 10U;  // while a large content flows
constexpr auto farewell_time = 5s;              // for a last reply to a peer we are done with
constexpr std::uint64_t transaction_unit = 64ULL
                                           << 20U;  // each of them has ServerTimeouts::transaction

Duration transaction_time(std::chrono::seconds unit, std::uint64_t size) {
    return unit * static_cast<std::int64_t>(1 + size / transaction_unit);
}

}  // namespace

Reception::Reception(ReceiverPorts& ports, ContextPtr context, std::unique_ptr<rt::Stream> stream)
    : ports_(ports),
      context_(std::move(context)),
      stream_(std::move(stream)),
      remote_(stream_->remote()),
      session_(context_->smtp, context_->listener.tls == ListenerTls::implicit) {}

Task<void> Reception::run() {
    bool going = true;
    if (context_->listener.tls == ListenerTls::implicit) {
        going = co_await start_tls();  // RFC 8314 §3.3: before anything is said
        if (!going) co_return;
    }
    look_up_client();
    going = co_await greet();
    while (going) {
        if (stopping_ && session_.want() == smtp::Want::none &&
            (stop_at_once_ || !session_.has_transaction())) {
            session_.shut_down();
        }
        going = co_await flush();
        if (!going) break;
        going = co_await read();
    }
    if (!stream_) co_return;
    if (session_.in_content()) {
        note(envelope::Event::Kind::session_error, "the connection ended within a message");
    }
    stream_->expires_at(in(farewell_time));
    co_await stream_->shutdown();  // RFC 5321 §4.1.1.10: the end is orderly, not a reset
}

void Reception::look_up_client() {
    if (!context_->settings->dns.client_names || remote_.is_unix()) return;
    if (is_loopback(remote_.address)) return;
    name_ = std::make_shared<ClientName>(ports_.env.executor);
    ports_.lookups.spawn(find_client_name(ports_.env, remote_.address, name_));
}

bool Reception::is_stranger() const {
    return !remote_.is_unix() && !is_loopback(remote_.address) &&
           !context_->allow.contains(remote_.address);
}

// The greeting, or why there is none. False: the client has gone.
Task<bool> Reception::greet() {
    auto const& limits = context_->settings->limits;
    if (context_->listener.service == Service::relay && !remote_.is_unix() &&
        !context_->allow.contains(remote_.address)) {
        session_.refuse_service(554, "5.7.1", "Your address may not relay here");
        co_return true;
    }
    // RFC 5321 §4.3.1: the client waits for the greeting. Who does not is no mail server, or tries
    // to get commands past a check of the connection.
    bool is_early = stream_->has_input();
    if (!is_early && limits.banner_delay.count() > 0 && is_stranger()) {
        bool const is_there = co_await wait_before_banner();
        if (!is_there) co_return false;
        is_early = !early_.empty();
    }
    if (is_early && limits.refuse_early_talkers) {
        Verdict const verdict{554, "5.5.0", "You talk before you are greeted"};
        note_refusal(verdict, {});
        session_.refuse_service(verdict.code, verdict.status, verdict.text);
        co_return true;
    }
    if (is_early) note(envelope::Event::Kind::session_error, "the client talks before the banner");
    session_.start();
    if (early_.empty()) co_return true;
    bool const sent = co_await flush();
    if (!sent) co_return false;
    std::string const early = std::exchange(early_, {});
    co_await consume(early);
    co_return stream_ != nullptr;
}

Task<bool> Reception::wait_before_banner() {
    stream_->expires_at(in(context_->settings->limits.banner_delay));
    if (!buffer_) fit_buffer(false);
    std::span<char> const room(buffer_.get(), buffer_size_);
    reading_ = true;
    auto const got = co_await stream_->read_some(room);
    reading_ = false;
    if (got) early_.assign(buffer_.get(), *got);
    co_return got || got.error() == Errc::timed_out;
}

Task<void> Reception::turn_away(std::string text) {
    if (context_->listener.tls != ListenerTls::implicit) {
        session_.refuse_service(421, "4.7.0", text);
        stream_->expires_at(in(farewell_time));
        auto const sent = co_await stream_->write_all(session_.output());
        if (!sent) co_return;
        co_await stream_->shutdown();
    }
}

void Reception::stop(bool at_once) {
    stopping_ = true;
    stop_at_once_ = stop_at_once_ || at_once;
    // Wakes the read that waits for a client with nothing under way.
    if (reading_ && (stop_at_once_ || !session_.has_transaction())) {
        stream_->expires_at(ports_.env.clock.steady());
    }
}

// Writes what has piled up: one write for a whole group of replies. False: the session is over.
Task<bool> Reception::flush() {
    bool const closing = session_.want() == smtp::Want::close;
    std::string& output = session_.output();
    if (!output.empty()) {
        Duration const patience = closing ? Duration(farewell_time)
                                          : Duration(context_->settings->server_timeouts.command);
        stream_->expires_at(in(patience));
        auto const sent = co_await stream_->write_all(output);
        if (!sent) co_return false;
        output.clear();
        if (output.capacity() > buffer_idle) output.shrink_to_fit();
    }
    co_return !closing;
}

// A command has its time from the last reply on, however many octets trickle in; content has time
// between blocks and for the whole.
Task<bool> Reception::read() {
    auto const& timeouts = context_->settings->server_timeouts;
    if (session_.in_content()) {
        SteadyTime const whole =
            content_began_ + transaction_time(timeouts.transaction, session_.content_size());
        stream_->expires_at(std::min(in(timeouts.data_block), whole));
    }
    if (!buffer_) fit_buffer(false);
    std::span<char> const room(buffer_.get(), buffer_size_);
    reading_ = true;
    auto const got = co_await stream_->read_some(room);
    reading_ = false;
    if (!got) {
        if (got.error() != Errc::timed_out) co_return false;
        if (stopping_)
            session_.shut_down();
        else
            session_.time_out();
        co_return co_await flush();
    }
    std::string_view const input(buffer_.get(), *got);
    co_await consume(input);
    fit_buffer(*got == buffer_size_);
    co_return stream_ != nullptr;
}

Task<void> Reception::consume(std::string_view input) {
    while (!input.empty() && session_.want() != smtp::Want::close) {
        input.remove_prefix(session_.feed(input));
        while (session_.want() != smtp::Want::none && session_.want() != smtp::Want::close) {
            if (satisfy_now()) continue;
            co_await satisfy();
            if (!stream_) co_return;
        }
    }
}

// A full buffer in the middle of content means that more is waiting: read more at a time. Idle
// connections go back to little.
void Reception::fit_buffer(bool was_full) {
    std::size_t size = buffer_idle;
    if (session_.in_content()) {
        size = was_full ? buffer_max : std::max(buffer_size_, buffer_idle);
    }
    if (buffer_ && size == buffer_size_) return;
    buffer_ = std::make_unique_for_overwrite<char[]>(size);
    buffer_size_ = size;
}

// The wants that need nobody's answer.
bool Reception::satisfy_now() {
    switch (session_.want()) {
        case smtp::Want::content_open:
            open_content();
            return true;
        case smtp::Want::content_drop:
            drop_content();
            return true;
        default:
            return false;
    }
}

Task<void> Reception::satisfy() {
    switch (session_.want()) {
        case smtp::Want::sender:
            co_return co_await judge_sender();
        case smtp::Want::recipient:
            co_return co_await judge_recipient();
        case smtp::Want::content:
            co_return co_await take_content();
        case smtp::Want::content_close:
            co_return co_await close_content();
        case smtp::Want::authenticate:
            co_return co_await authenticate();
        case smtp::Want::auth_keys:
            co_return co_await fetch_keys();
        default:
            break;
    }
    DAWK_CHECK(session_.want() == smtp::Want::start_tls);
    intake_.reset();
    bool going = co_await flush();
    if (going) going = co_await start_tls();
    if (!going) {
        stream_.reset();
        co_return;
    }
    // No reply follows, so that the time for the next command (RFC 5321 §4.5.3.2.7) begins here.
    stream_->expires_at(in(context_->settings->server_timeouts.command));
    session_.tls_started();
}

Task<bool> Reception::start_tls() {
    stream_->expires_at(in(context_->settings->server_timeouts.tls_handshake));
    auto plain = std::move(stream_);
    auto secured = co_await ports_.env.network.tls_accept(std::move(plain), context_->identity);
    if (!secured) {
        note(envelope::Event::Kind::session_error, "TLS: " + secured.error().detail);
        co_return false;
    }
    stream_ = std::move(*secured);
    co_return true;
}

void Reception::drop_content() {
    auto const& reply = session_.content_refusal();
    if (reply.code != 0) note_refusal({reply.code, reply.status, reply.text}, {});
    intake_.reset();
    recipients_.clear();
    expanded_.clear();
    session_.resume();
}

void Reception::open_content() {
    if (ports_.spool.is_in_trouble()) {
        return session_.refuse(452, "4.3.1", "Insufficient system storage");
    }
    auto const& settings = *context_->settings;
    bool const submission = context_->listener.service == Service::submission;
    IntakeOptions options{.submission = submission,
                          .durability = context_->listener.durability,
                          .limits = settings.limits.smtp,
                          .hostname = settings.hostname,
                          .from = session_.transaction().reverse_path,
                          .authserv_id = context_->auth->id,
                          .signing = settings.signing,
                          .right = signing_right(),
                          .settings = context_->settings,
                          .router = context_->router};
    auto& rng = ports_.env.rng;
    std::uint64_t const high = rng.next();
    MessageId const id = MessageId::make(ports_.env.clock.wall(), high, rng.next());
    std::unique_ptr<Examination> examination;
    if (sender_check_)
        examination = std::make_unique<Examination>(ports_, context_->auth, sender_check_);
    intake_.emplace(ports_, std::move(options), id, session_.transaction().size,
                    std::move(examination));
    content_began_ = ports_.env.clock.steady();
    session_.accept();
}

// Who may relay here may be signed for wherever we hold a key; a user only for domains that are
// his: the one he logged in with, and that of a sender address that was found to be his own.
SigningRight Reception::signing_right() const {
    SigningRight right;
    right.any = context_->listener.service == Service::relay;
    if (context_->listener.service != Service::submission) return right;
    auto const user = mail::parse_mailbox(session_.identity(), {.utf8 = true});
    if (user) right.domains.push_back(user->domain);
    auto const& sender = session_.transaction().reverse_path;
    if (!sender.is_null()) right.domains.push_back(sender.domain);
    return right;
}

Task<void> Reception::take_content() {
    std::string_view const octets = session_.content();
    Verdict const taken = co_await intake_->write(octets);
    if (taken.is_good()) {
        session_.resume();
        co_return;
    }
    session_.fail_content(taken.code, taken.status, taken.text);
    intake_.reset();  // the rest is only read to its end
}

Task<void> Reception::close_content() {
    if (name_) co_await name_->known();
    auto envelope = make_envelope();
    MessageId const id = intake_->id();
    auto expanded = std::exchange(expanded_, {});
    Verdict const done = co_await intake_->finish(std::move(envelope), std::move(expanded));
    intake_.reset();
    recipients_.clear();
    if (done.is_good()) {
        session_.accept("Ok: queued as " + id.text());
    } else if (done.facts.empty()) {
        refuse(done);
    } else {
        keep_refusal(done, id);
        session_.refuse(done.code, done.status, done.text);
    }
}

void Reception::refuse(Verdict const& verdict, mail::Address const& recipient) {
    note_refusal(verdict, recipient);
    session_.refuse(verdict.code, verdict.status, verdict.text);
}

envelope::Event Reception::refusal(Verdict const& verdict, mail::Address const& recipient) const {
    envelope::Event event;
    event.kind = envelope::Event::Kind::refused;
    event.at = ports_.env.clock.wall();
    event.sender = session_.transaction().reverse_path.text();
    event.recipient = recipient.text();
    event.outcome.kind =
        verdict.code >= 500 ? envelope::Outcome::Kind::failed : envelope::Outcome::Kind::deferred;
    event.outcome.code = verdict.code;
    event.outcome.status = verdict.status;
    event.outcome.text = verdict.text;
    event.origin = origin();
    event.note = verdict.note;
    event.authentication = verdict.facts;
    return event;
}

void Reception::note_refusal(Verdict const& verdict, mail::Address const& recipient) {
    ports_.events.on_event(refusal(verdict, recipient));
}

namespace {

Task<void> write_history(spool::Spool& spool, spool::Batch batch) {
    auto const done = co_await spool.commit(std::move(batch));
    (void)done;  // the event has been logged; a spool in trouble says so itself
}

}  // namespace

// A message that was refused for who it claims to be from can be explained later: its event goes
// into the history, and the reply names its id. The reply does not wait for that.
void Reception::keep_refusal(Verdict const& verdict, MessageId id) {
    auto event = refusal(verdict, {});
    event.id = id;
    ports_.events.on_event(event);
    spool::Batch batch;
    batch.events.push_back(std::move(event));
    ports_.later.spawn(write_history(ports_.spool, std::move(batch)));
}

void Reception::note(envelope::Event::Kind kind, std::string text) {
    envelope::Event event;
    event.kind = kind;
    event.at = ports_.env.clock.wall();
    event.origin = origin();
    event.note = std::move(text);
    ports_.events.on_event(event);
}

envelope::Origin Reception::origin() const {
    envelope::Origin out;
    out.listener = context_->listener.address;
    if (!remote_.is_unix()) out.client_address = remote_.address;
    if (name_) out.client_name = name_->text();
    out.helo = session_.client_name();
    out.protocol = session_.protocol();
    rt::TlsFacts const* const tls = stream_ ? stream_->tls() : nullptr;
    if (tls != nullptr) out.tls = tls->version + ' ' + tls->cipher;
    out.identity = session_.identity();
    return out;
}

}  // namespace dawk::mta
