// Who may send what to whom: the questions of Reception that the directory and the router answer.
#include <algorithm>
#include <utility>

#include "dawk/base/ascii.hpp"
#include "dawk/mail/idna.hpp"
#include "dawk/mail/trace.hpp"
#include "dawk/mta/reception.hpp"

namespace dawk::mta {

namespace {

// An envelope may hold more recipients than RCPT commands, by aliases; this many times the limit.
constexpr std::size_t expansion_max = 10;
constexpr std::size_t compared_max = 32;

Verdict local_error() {
    return {451, "4.3.0", "Local error, try again later"};
}

// The directory has no name like this: that is an answer, not a failure.
bool is_no_name(ErrorCode error) noexcept {
    return error == Errc::bad_syntax || error == Errc::too_long;
}

bool is_same(mail::Address const& a, mail::Address const& b) noexcept {
    return ascii::iequals(a.local, b.local) && a.domain == b.domain;
}

std::string a_labels(std::string const& domain) {
    if (ascii::is_ascii(domain)) return domain;
    auto converted = mail::to_a_labels(domain);
    return converted ? std::move(*converted) : domain;
}

}  // namespace

Task<void> Reception::judge_sender() {
    recipients_.clear();
    expanded_.clear();
    if (ports_.spool.is_in_trouble()) {
        session_.refuse(452, "4.3.1", "Insufficient system storage");
        co_return;
    }
    begin_sender_check();
    mail::Address const sender = session_.transaction().reverse_path;
    if (context_->listener.service != Service::submission || sender.is_null()) {
        session_.accept();
        co_return;
    }
    // RFC 6409 §6.1: a user sends as an address of his own: his mailbox, with or without a
    // subaddress, or an alias that leads to it.
    auto const user = mail::parse_mailbox(session_.identity(), {.utf8 = true});
    bool owned = user && is_same(*user, sender);
    if (user && !owned) {
        auto const found = co_await ports_.directory.find(sender);
        if (!found && !is_no_name(found.error())) {
            refuse(local_error());
            co_return;
        }
        auto const own = [&](mail::Address const& target) { return is_same(target, *user); };
        owned = found && std::any_of(found->targets.begin(), found->targets.end(), own);
    }
    if (owned) {
        session_.accept();
    } else {
        refuse({553, "5.7.1", "Sender address is not yours"});
    }
}

// SPF and the client's name are looked up while the conversation goes on; most often the answers
// are there before DATA.
void Reception::begin_sender_check() {
    auto const& auth = *context_->auth;
    if (context_->listener.service != Service::mx || !auth.verify || remote_.is_unix() ||
        auth.exempt.contains(remote_.address)) {
        sender_check_.reset();
        return;
    }
    auto const& sender = session_.transaction().reverse_path;
    mailauth::Client client{remote_.address, session_.client_name(),
                            sender.is_null() ? std::string() : sender.text(), auth.id,
                            ports_.env.clock.wall()};
    // Message after message of one sender: what holds for one holds for the next.
    if (sender_check_ && sender_check_->holds_for(client, ports_.env.clock.steady())) return;
    sender_check_ = std::make_shared<SenderCheck>(ports_.env, std::move(client), auth.timeout);
    ports_.lookups.spawn(SenderCheck::run(sender_check_));
}

Task<Result<bool>> Reception::is_ours(std::string domain) {
    if (domain.empty() || domain.front() == '[') co_return false;
    if (context_->router->has_domain(domain)) co_return true;
    co_return co_await ports_.directory.has_domain(std::move(domain));
}

Task<void> Reception::judge_recipient() {
    mail::Address to = session_.recipient().forward_path;
    // RFC 5321 §4.5.1: <postmaster> without a domain is the postmaster of this server.
    bool const postmaster = to.domain.empty();
    if (postmaster) to = context_->postmaster;
    if (postmaster && to.is_null()) to = {"postmaster", context_->settings->hostname};
    auto const ours = co_await is_ours(a_labels(to.domain));
    if (!ours) {
        refuse(local_error(), to);
        co_return;
    }
    if (!*ours && !postmaster && context_->listener.service == Service::mx) {
        refuse({550, "5.7.1", "Relaying denied"}, to);
        co_return;
    }
    Verdict const verdict = co_await expand(to, *ours);
    if (verdict.is_good()) {
        session_.accept();
    } else {
        refuse(verdict, to);
    }
}

// Finds where mail for an address goes, and adds it to the transaction.
Task<Verdict> Reception::expand(mail::Address to, bool ours) {
    std::vector<mail::Address> targets;
    std::vector<std::string> keys;
    if (!ours) {
        keys.push_back(context_->router->route_remote(a_labels(to.domain)).key);
        targets.push_back(std::move(to));
        co_return add_recipients(std::move(targets), std::move(keys));
    }
    auto found = co_await ports_.directory.find(to);
    using Kind = directory::Found::Kind;
    if (!found && is_no_name(found.error())) co_return Verdict{550, "5.1.1", "No such user here"};
    if (!found) co_return local_error();
    if (found->kind == Kind::disabled) co_return Verdict{550, "5.2.1", "Mailbox is disabled"};
    if (found->kind == Kind::unknown || found->targets.empty()) {
        co_return Verdict{550, "5.1.1", "No such user here"};
    }
    if (found->kind == Kind::mailbox) {
        // The subaddress goes on with the user's name, for the next host to make something of it; a
        // mailbox here is the user's own, and finds the subaddress in the original recipient.
        mail::Address& user = found->targets.front();
        auto const route = context_->router->route_local(a_labels(user.domain));
        bool const here = route.kind == routing::Route::Kind::maildir;
        if (!here && !found->detail.empty()) user.local += '+' + found->detail;
        keys.push_back(route.key);
        targets.push_back(std::move(user));
        co_return add_recipients(std::move(targets), std::move(keys));
    }
    for (auto const& target : found->targets) {
        std::string const domain = a_labels(target.domain);
        auto const local = co_await is_ours(domain);
        if (!local) co_return local_error();
        keys.push_back(*local ? context_->router->route_local(domain).key
                              : context_->router->route_remote(domain).key);
    }
    targets = std::move(found->targets);
    co_return add_recipients(std::move(targets), std::move(keys));
}

// Few recipients are compared one by one; from some number on a set keeps it from being quadratic.
envelope::Recipient* Reception::known(mail::Address const& address) {
    if (recipients_.size() < compared_max) {
        known_.clear();
        auto const found = std::ranges::find(recipients_, address, &envelope::Recipient::address);
        return found == recipients_.end() ? nullptr : &*found;
    }
    if (known_.empty()) {
        for (std::size_t i = 0; i < recipients_.size(); ++i)
            known_.emplace(recipients_[i].address, i);
    }
    auto const [place, is_new] = known_.emplace(address, recipients_.size());
    return is_new ? nullptr : &recipients_[place->second];
}

namespace {

// Who wanted to hear of one of two, hears of the one that is left. Success is the first one's
// alone: a report names the address that the first was given as (RFC 3461 §5.2.7.3).
envelope::Notify both(envelope::Notify const& a, envelope::Notify const& b) {
    if (a == b) return a;
    envelope::Notify out;
    out.success = a.wants_success();
    out.failure = a.wants_failure() || b.wants_failure();
    out.delay = a.wants_delay() || b.wants_delay();
    out.never = out.is_unset();
    return out;
}

}  // namespace

Verdict Reception::add_recipients(std::vector<mail::Address> targets,
                                  std::vector<std::string> keys) {
    auto const& command = session_.recipient();
    if (recipients_.size() + targets.size() >
        context_->settings->limits.smtp.recipients * expansion_max) {
        return {452, "4.5.3", "Too many recipients"};
    }
    // RFC 3461 §5.2.7.3 (c): to the many targets of an alias NOTIFY goes without SUCCESS.
    envelope::Notify notify = command.notify;
    if (targets.size() > 1 && notify.success) {
        notify.success = false;
        notify.never = notify.is_unset();
        envelope::Recipient alias;
        alias.address = alias.original = command.forward_path;
        alias.orcpt = command.orcpt;
        expanded_.push_back(std::move(alias));
    }
    for (std::size_t i = 0; i < targets.size(); ++i) {
        // Nobody gets a message twice because he was named twice, and nobody waits in vain for the
        // report that he asked for one of the two times.
        if (auto* const same = known(targets[i])) {
            same->notify = both(same->notify, notify);
            continue;
        }
        envelope::Recipient recipient;
        recipient.original = command.forward_path;
        if (recipient.original.domain.empty()) recipient.original = targets[i];
        recipient.address = std::move(targets[i]);
        recipient.orcpt = command.orcpt;
        recipient.notify = notify;
        recipient.destination = std::move(keys[i]);
        recipients_.push_back(std::move(recipient));
    }
    return {};
}

std::unique_ptr<envelope::Envelope> Reception::make_envelope() {
    auto const& settings = *context_->settings;
    auto const& transaction = session_.transaction();
    auto out = std::make_unique<envelope::Envelope>();
    out->id = intake_->id();
    out->reverse_path = transaction.reverse_path;
    out->ret = transaction.ret;
    out->envid = transaction.envid;
    out->body = transaction.body;
    out->smtputf8 = transaction.smtputf8;
    out->origin = origin();
    out->arrived = ports_.env.clock.wall();
    out->expires = out->arrived + (out->reverse_path.is_null() ? settings.queue.expire_bounce
                                                               : settings.queue.expire);
    out->recipients = std::move(recipients_);
    recipients_.clear();
    known_.clear();
    for (auto& recipient : out->recipients) recipient.next_attempt = out->arrived;
    mail::ReceivedInfo trace;
    trace.helo = out->origin.helo;
    trace.client_name = out->origin.client_name;
    if (name_ && trace.client_name.empty()) trace.client_name = "unknown";
    trace.client_address = out->origin.client_address;
    trace.by = settings.hostname;
    trace.with = out->origin.protocol;
    trace.tls = out->origin.tls;
    trace.id = out->id.text();
    // RFC 5321 §7.2: with several recipients, nobody is told of the others.
    if (session_.recipients() == 1) trace.sole_recipient = out->recipients.front().original;
    trace.smtputf8 = out->smtputf8;
    trace.time = out->arrived;
    out->trace = mail::received_field(trace);
    return out;
}

Task<void> Reception::fetch_keys() {
    std::string name = session_.credentials().name;
    auto keys = co_await ports_.directory.scram_keys(std::move(name));
    if (keys) {
        session_.supply_keys(std::move(*keys));
    } else {
        session_.authenticated(smtp::ServerSession::Login::unavailable);
    }
}

Task<Result<directory::LoginResult>> Reception::log_in() {
    auto& credentials = session_.credentials();
    using Proof = sasl::Credentials::Proof;
    if (credentials.proof == Proof::refused) co_return directory::LoginResult::bad_credentials;
    std::string name = credentials.name;
    if (credentials.proof == Proof::shown) {
        co_return co_await ports_.directory.may_log_in(std::move(name));
    }
    std::string password = credentials.password;
    co_return co_await ports_.directory.login(std::move(name), std::move(password));
}

Task<void> Reception::authenticate() {
    std::string const name = session_.credentials().name;
    auto const result = co_await log_in();
    using Login = smtp::ServerSession::Login;
    using Found = directory::LoginResult;
    Login login = Login::unavailable;
    if (result && *result == Found::ok) login = Login::ok;
    if (result && *result == Found::bad_credentials) login = Login::bad_credentials;
    if (result && *result == Found::disabled) login = Login::disabled;
    envelope::Event event;
    event.kind =
        login == Login::ok ? envelope::Event::Kind::auth_ok : envelope::Event::Kind::auth_failed;
    event.at = ports_.env.clock.wall();
    event.origin = origin();
    event.origin.identity = name;
    if (!result) event.note = result.error().message();
    ports_.events.on_event(event);
    session_.authenticated(login);
}

}  // namespace dawk::mta
