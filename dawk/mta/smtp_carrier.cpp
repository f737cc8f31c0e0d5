#include "dawk/mta/smtp_carrier.hpp"

#include <algorithm>
#include <set>

#include "dawk/base/ascii.hpp"
#include "dawk/base/mutation.hpp"
#include "dawk/mta/downgrade.hpp"
#include "dawk/mta/signing.hpp"
#include "dawk/sasl/server.hpp"

namespace dawk::mta {
namespace {

using envelope::Outcome;
using routing::Route;
using routing::TlsMode;
using smtp::ClientFailure;
using smtp::RecipientResult;
using Want = smtp::ClientStep::Want;

constexpr std::size_t reply_text_max = 1000;
constexpr std::size_t password_max = 1024;

std::uint32_t millis_between(SteadyTime from, SteadyTime to) {
    auto const ms = std::chrono::duration_cast<Millis>(to - from).count();
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(ms, 0, UINT32_MAX));
}

std::string words_of(smtp::Reply const& reply) {
    auto text = reply.text;
    std::replace(text.begin(), text.end(), '\n', ' ');
    return ascii::printable(text, reply_text_max);
}

}  // namespace

Outcome outcome_of_failure(ClientFailure const& failure) {
    Outcome outcome;
    bool const takes_no_mail = failure.stage == "banner" && failure.reply.code == 521;
    bool const is_final = takes_no_mail || failure.kind == ClientFailure::Kind::loop;
    outcome.kind = is_final ? Outcome::Kind::failed : Outcome::Kind::deferred;
    outcome.code = failure.reply.code;
    outcome.status = failure.reply.status_or_class();
    // RFC 3463 §3.5: a 5yz to the connection does not fail recipients: system not accepting
    // messages.
    bool const contradicts = !is_final && !outcome.status.starts_with('4');
    if (contradicts) outcome.status = "4.3.2";
    outcome.text = words_of(failure.reply);
    outcome.stage = std::string(failure.stage);
    outcome.whole_host = true;
    return outcome;
}

SmtpCarrier::SmtpCarrier(rt::Env& env, HostMemory& memory, std::shared_ptr<JobFeed> feed)
    : env_(env),
      memory_(memory),
      feed_(std::move(feed)),
      settings_(feed_->settings()),
      route_(feed_->route()),
      held_(env.clock, feed_) {}

Task<void> SmtpCarrier::run() {
    for (;;) {
        if (held_.empty() && held_.take(1) == 0) co_return;
        settings_ = feed_->settings();  // a reload holds from the next connection on
        route_ = feed_->route();
        auto const reached = co_await reach();
        if (!reached) co_return;
        auto const go_on = co_await converse();
        connection_.reset();
        if (!go_on) co_return;
    }
}

// ---- finding a host -----------------------------------------------------------------------------

Task<bool> SmtpCarrier::reach() {
    auto const password = co_await read_password();
    if (!password) {
        Outcome outcome;
        outcome.status = "4.3.5";  // RFC 3463 §3.4: system incorrectly configured
        outcome.text = "cannot read the password in " + route_.password_file + ": " +
                       password.error().message();
        outcome.stage = "auth";
        outcome.at = env_.clock.wall();
        outcome.whole_host = true;
        give_up(outcome);
        co_return false;
    }
    HostWalk walk(env_, memory_, route_, *settings_);
    for (;;) {
        auto target = co_await walk.next();
        if (!target) break;
        auto const up = co_await try_target(std::move(*target), walk);
        if (!up) continue;
        feed_->host_ready();
        co_return true;
    }
    give_up(walk.verdict());
    co_return false;
}

Task<bool> SmtpCarrier::try_target(Target target, HostWalk& walk) {
    auto const& address = target.endpoint.address;
    auto const start = env_.clock.steady();
    bool const known_broken = memory_.is_tls_broken(address, start);
    auto up = co_await open(target, route_.tls == TlsMode::opportunistic && known_broken);
    bool const may_do_without =
        route_.tls == TlsMode::opportunistic || mutated(Mutation::tls_downgrade);
    if (!up && may_do_without && connection_->tls_broke()) {
        // RFC 7435 §3: opportunistic security does not stand in the way of the mail.
        memory_.tls_broke(address, start);
        up = co_await open(target, true);
    }
    if (up) {
        memory_.answered(address);
        connected_at_ = env_.clock.steady();
        co_return true;
    }
    auto const failure = connection_->failure();
    auto outcome = outcome_of(*failure);
    outcome.took_ms = millis_between(start, env_.clock.steady());
    if (!connection_->reached()) memory_.did_not_answer(address, env_.clock.steady());
    if (failure->kind == ClientFailure::Kind::loop) {
        walk.found_ourselves(std::move(outcome));
    } else {
        walk.failed(std::move(outcome));
    }
    co_await connection_->finish();
    connection_.reset();
    co_return false;
}

Task<bool> SmtpCarrier::open(Target const& target, bool without_tls) {
    host_ = target.host;
    transactions_ = 0;
    heard_ = false;
    connection_.emplace(env_, settings_->client_timeouts, session_config(target, without_tls),
                        tls_config(target));
    co_return co_await connection_->open(target.endpoint, std::string());
}

smtp::ClientConfig SmtpCarrier::session_config(Target const& target, bool without_tls) const {
    using StartTls = smtp::ClientConfig::StartTls;
    smtp::ClientConfig config;
    if (route_.kind == Route::Kind::lmtp) config.protocol = smtp::ClientConfig::Protocol::lmtp;
    config.name = settings_->hostname;
    config.is_loopback = target.is_loopback();
    config.refuse_own_name = route_.kind == Route::Kind::mx;
    config.user = route_.user;
    config.password = password_;
    switch (route_.tls) {
        case TlsMode::none:
        case TlsMode::implicit:
            config.starttls = StartTls::never;
            break;
        case TlsMode::opportunistic:
            config.starttls = without_tls ? StartTls::never : StartTls::if_offered;
            break;
        case TlsMode::required:
        case TlsMode::verified:
            config.starttls = StartTls::required;
            if (without_tls && mutated(Mutation::tls_downgrade)) config.starttls = StartTls::never;
            break;
    }
    return config;
}

ConnectionTls SmtpCarrier::tls_config(Target const& target) const {
    ConnectionTls tls;
    // Credentials go to nobody whose certificate was not checked, whatever the mode asks for.
    bool const verify =
        route_.tls == TlsMode::verified || route_.tls == TlsMode::implicit || !route_.user.empty();
    tls.policy.verify =
        verify ? rt::TlsClientPolicy::Verify::webpki : rt::TlsClientPolicy::Verify::none;
    tls.policy.server_name = target.host;
    tls.policy.ca_file = route_.ca_file;
    tls.implicit = route_.tls == TlsMode::implicit;
    return tls;
}

Task<Result<void>> SmtpCarrier::read_password() {
    if (route_.user.empty() || route_.password_file.empty()) co_return Result<void>();
    auto const job = [&files = env_.files, path = route_.password_file]() -> Result<std::string> {
        auto file = files.open(path);
        if (!file) return file.error();
        auto const mode = (*file)->mode();
        if (mode && (*mode & 07U) != 0) return Errc::denied;  // anybody could read it
        std::string text(password_max, '\0');
        auto const n = (*file)->read_at(0, text);
        if (!n) return n.error();
        text.resize(*n);
        text.resize(std::min(text.size(), text.find_first_of("\r\n")));
        return text;
    };
    auto password = co_await rt::offload(env_.pool, job);
    if (!password) co_return password.error();
    sasl::wipe(password_);
    password_ = std::move(*password);
    co_return Result<void>();
}

// Nobody of this destination can be helped now (deferred), or ever (failed).
void SmtpCarrier::give_up(Outcome const& outcome) {
    bool const is_final = outcome.kind == Outcome::Kind::failed;
    if (!is_final) feed_->host_failed(outcome);
    held_.return_all(outcome, is_final);
}

// ---- transactions -------------------------------------------------------------------------------

// Talks until the connection is over. False: the carrier ends, too.
Task<bool> SmtpCarrier::converse() {
    auto& session = connection_->session();
    for (;;) {
        collect();
        while (auto* const held = begin_more()) {
            co_await examine(*held);
        }
        auto const want = co_await connection_->advance();
        if (want == Want::content) {
            co_await send_content();
        } else if (want == Want::closed) {
            break;
        } else if (want == Want::idle) {
            collect();
            if (is_worn_out()) {
                session.quit();
            } else if (held_.first_not_begun() == nullptr) {
                auto const until = env_.clock.steady() + settings_->queue.connection_idle;
                auto const more = co_await feed_->wait(until);
                if (!more) session.quit();
            }
        }
    }
    collect();
    auto const failure = connection_->failure();
    if (!failure) {
        co_await connection_->finish();
        co_return true;
    }
    if (heard_) co_return true;  // a connection that had worked: those not begun get a fresh one
    give_up(outcome_of(*failure));
    co_return false;
}

// The result must be looked through before it can be begun; nothing when there is none like this.
HeldJob* SmtpCarrier::begin_more() {
    auto& session = connection_->session();
    while (session.can_begin() && !is_worn_out()) {
        auto* held = held_.first_not_begun();
        if (held == nullptr) {
            if (held_.take(1) == 0) return nullptr;
            held = held_.first_not_begun();
        }
        bool const in_memory = held->job().content->in_memory().has_value();
        auto const& offered = session.extensions();
        bool const is_in_question = may_need_downgrade(held->envelope().body, offered) ||
                                    (held->envelope().smtputf8 && !offered.smtputf8);
        if (!in_memory && !held->is_examined && is_in_question) return held;
        held->is_begun = true;
        session.begin(make_transaction(*held));
    }
    return nullptr;
}

// A large content for a host that may not take it as it is: what to make of it. When that cannot be
// told the session says what is in the way, and reading it for sending what is wrong with it.
Task<void> SmtpCarrier::examine(HeldJob& held) {
    auto const content = held.job().content;
    auto const body = held.envelope().body;
    auto const offered = connection_->session().extensions();
    held.is_examined = true;
    held.downgrade.reset();
    held.header_is_ascii = false;
    if (held.envelope().smtputf8 && !offered.smtputf8) {
        auto const ascii_header = co_await has_ascii_header(content);
        held.header_is_ascii = ascii_header.value_or(true);
        if (!held.header_is_ascii) co_return;
    }
    if (!may_need_downgrade(body, offered)) co_return;
    auto plan = co_await plan_downgrade(content, body, offered);
    if (plan) held.downgrade = std::move(*plan);
}

bool SmtpCarrier::is_worn_out() const {
    auto const& policy = settings_->queue;
    return transactions_ >= policy.messages_per_connection || connection_->session().is_used_up() ||
           env_.clock.steady() - connected_at_ >= policy.connection_reuse;
}

smtp::Transaction SmtpCarrier::make_transaction(HeldJob& held) const {
    auto const& offered = connection_->session().extensions();
    std::size_t limit = settings_->queue.recipients_per_transaction;
    if (offered.recipients_max != 0) limit = std::min<std::size_t>(limit, offered.recipients_max);
    smtp::Transaction transaction;
    std::set<std::string_view> domains;
    held.begun_positions.clear();
    for (auto const position : held.open()) {
        auto const index = held.job().recipients[position];
        auto const& domain = held.envelope().recipients[index].address.domain;
        bool const new_domain_fits = offered.recipient_domains_max == 0 ||
                                     domains.contains(domain) ||
                                     domains.size() < offered.recipient_domains_max;
        if (held.begun_positions.size() >= std::max<std::size_t>(limit, 1)) break;
        if (!new_domain_fits) continue;  // RFC 9422 §4.3: they follow in a transaction of their own
        if (offered.recipient_domains_max != 0) domains.insert(domain);
        held.begun_positions.push_back(position);
        if (mutated(Mutation::drop_second_recipient) && !transaction.recipients.empty()) continue;
        transaction.recipients.push_back(index);
    }
    transaction.envelope = &held.envelope();
    transaction.head = held.envelope().trace;
    transaction.content = held.job().content->in_memory();
    transaction.content_size = held.job().content->size();
    transaction.header_is_ascii = held.header_is_ascii;
    transaction.tag = held.id();
    auto converted = transaction.content
                         ? downgrade(*transaction.content, held.envelope().body, offered)
                         : std::nullopt;
    if (converted) {
        held.converted = std::move(converted->content);
        transaction.content = held.converted;
        transaction.content_size = held.converted.size();
        transaction.converted = converted->body;
        held.converted_head = sign_again(settings_->signing.get(), held.envelope().trace,
                                         held.converted, env_.clock.wall());
        transaction.head = held.converted_head;
    }
    if (!transaction.content && held.downgrade) {
        held.reader = converting_reader(held.job().content, *held.downgrade);
        if (!held.downgrade->edits.is_empty()) {
            // Too large to be signed again: better no signature of ours than a broken one.
            held.converted_head = sign_again(nullptr, held.envelope().trace, {}, env_.clock.wall());
            transaction.head = held.converted_head;
        }
        transaction.content_size = held.downgrade->size;
        transaction.converted = held.downgrade->body;
    } else if (!transaction.content) {
        held.reader = held.job().content->reader();
    }
    return transaction;
}

Task<void> SmtpCarrier::send_content() {
    auto& session = connection_->session();
    // Content is asked for the transaction that was begun first.
    auto& all = held_.all();
    auto const held = std::find_if(
        all.begin(), all.end(), [](HeldJob const& h) { return h.is_begun && h.reader != nullptr; });
    if (held == all.end()) {
        session.on_content_failed("nothing to read it from");
        co_return;
    }
    auto const piece = co_await held->reader->next();
    if (!piece) {
        session.on_content_failed(piece.error().message());
    } else {
        session.on_content(*piece);
    }
}

void SmtpCarrier::collect() {
    auto& session = connection_->session();
    bool any = false;
    while (auto result = session.take_result()) {
        accept_result(*result);
        any = true;
    }
    if (any) held_.return_finished();
}

void SmtpCarrier::accept_result(smtp::TransactionResult& result) {
    auto* held = held_.find(result.tag);
    held->is_begun = false;
    held->is_examined = false;  // the next host may take other things
    held->downgrade.reset();
    held->reader.reset();
    // RFC 5321 §4.5.4.1 leaves retries to the queue; but an idle connection that the host had
    // closed meanwhile says nothing about the message.
    if (result.untouched && heard_ && !held->was_retried) {
        held->was_retried = true;
        return;
    }
    ++transactions_;
    if (!result.untouched) heard_ = true;
    for (std::size_t i = 0; i < result.recipients.size(); ++i) {
        auto const& recipient = result.recipients[i];
        if (recipient.kind == RecipientResult::Kind::again) continue;
        auto outcome = outcome_of(recipient, held->since());
        outcome.remote_has_dsn = result.dsn_passed && outcome.kind == Outcome::Kind::delivered;
        if (mutated(Mutation::deliver_again) && held->id() % 4 == 1)
            outcome.kind = Outcome::Kind::deferred;
        held->settle(held->begun_positions[i], std::move(outcome));
    }
    if (!mutated(Mutation::drop_second_recipient)) return;
    for (auto i = result.recipients.size(); i < held->begun_positions.size(); ++i)
        held->settle(held->begun_positions[i], outcome_of(result.recipients[0], held->since()));
}

// ---- outcomes -----------------------------------------------------------------------------------

Outcome SmtpCarrier::outcome_of(RecipientResult const& result, SteadyTime since) const {
    Outcome outcome;
    switch (result.kind) {
        case RecipientResult::Kind::accepted:
            outcome.kind = Outcome::Kind::delivered;
            break;
        case RecipientResult::Kind::permanent:
            outcome.kind = Outcome::Kind::failed;
            break;
        default:
            outcome.kind = Outcome::Kind::deferred;
            break;
    }
    outcome.code = result.reply.code;
    outcome.status = result.reply.status_or_class();
    // 552 read as 452: a status of class 5 would contradict the deferral.
    if (outcome.kind == Outcome::Kind::deferred && outcome.status.starts_with('5')) {
        outcome.status.front() = '4';
    }
    outcome.text = words_of(result.reply);
    outcome.stage = std::string(result.stage);
    outcome.whole_host = result.reply.code == 421;
    outcome.took_ms = millis_between(since, env_.clock.steady());
    add_remote(outcome);
    return outcome;
}

Outcome SmtpCarrier::outcome_of(ClientFailure const& failure) const {
    auto outcome = outcome_of_failure(failure);
    add_remote(outcome);
    return outcome;
}

void SmtpCarrier::add_remote(Outcome& outcome) const {
    outcome.remote_host = host_;
    outcome.remote_address = connection_->remote();
    outcome.tls = connection_->tls_text();
    outcome.at = env_.clock.wall();
}

}  // namespace dawk::mta
