#include "dawk/mta/receiver.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "dawk/base/check.hpp"
#include "dawk/mta/reception.hpp"

namespace dawk::mta {

namespace {

using namespace std::chrono_literals;
constexpr auto last_words_time = 2s;  // after the grace, to say 421
// For the disk to take what was acknowledged before, and for a write that hangs.
constexpr auto commit_time = 10s, commit_cut_time = 15s;

mail::Address parse_postmaster(std::string const& text) {
    auto parsed = mail::parse_mailbox(text, {.utf8 = true});
    return parsed ? std::move(*parsed) : mail::Address{};
}

smtp::ServerConfig make_smtp(Settings const& settings, ListenerSettings const& listener,
                             bool has_identity) {
    smtp::ServerConfig out;
    out.hostname = settings.hostname;
    out.limits = settings.limits.smtp;
    out.starttls = has_identity && listener.tls == ListenerTls::starttls;
    // RFC 8314 §3: users' mail and passwords only within TLS.
    bool const submission = listener.service == Service::submission;
    out.require_tls = submission;
    out.auth = submission;
    out.require_auth = submission;
    return out;
}

}  // namespace

// One open session in the registry, for as long as it lives; or one that there is no room for.
struct Receiver::Slot {
    Slot(Receiver& owner, ListenerContext const& context, Reception& reception)
        : owner_(owner), reception_(reception) {
        auto const& limits = context.settings->limits;
        has_room_ = owner_.all_->enter(limits.connections);
        if (has_room_ && owner_.counts_address(context, reception_.remote())) {
            place_ = owner_.all_->enter_address(reception_.remote().address,
                                                limits.connections_per_address);
            has_room_ = place_ != ConnectionCounts::Place::full;
            if (!has_room_) owner_.all_->leave();
        }
        if (!has_room_) return;
        owner_.open_.push_back(&reception_);
        ++owner_.counts_.open;
    }
    ~Slot() {
        if (!has_room_) return;
        --owner_.counts_.open;
        auto const place = std::find(owner_.open_.begin(), owner_.open_.end(), &reception_);
        std::swap(*place, owner_.open_.back());
        owner_.open_.pop_back();
        owner_.all_->leave_address(reception_.remote().address, place_);
        owner_.all_->leave();
    }
    Slot(Slot const&) = delete;
    Slot& operator=(Slot const&) = delete;
    bool has_room() const noexcept { return has_room_; }

  private:
    Receiver& owner_;
    Reception& reception_;
    ConnectionCounts::Place place_ = ConnectionCounts::Place::uncounted;
    bool has_room_ = false;
};

Receiver::Receiver(rt::Env& env, spool::Spool& spool, directory::Directory& directory,
                   envelope::EventSink& events, AcceptedSink& accepted,
                   std::shared_ptr<ConnectionCounts> counts, VerdictSink* verdicts)
    : env_(env),
      events_(events),
      all_(counts ? std::move(counts) : std::make_shared<ConnectionCounts>()),
      sessions_(env.executor,
                [this](std::exception_ptr error) { session_failed(std::move(error)); }),
      listening_(env.executor),
      timers_(env.executor),
      commits_(env.executor,
               [this](std::exception_ptr error) { session_failed(std::move(error)); }),
      lookups_(env.executor),
      ports_{env, spool, directory, events, accepted, commits_, lookups_, keys_, verdicts} {}

Receiver::~Receiver() = default;

Result<Receiver::ContextPtr> Receiver::make_context(
    ListenerSettings const& listener, std::shared_ptr<rt::TlsIdentity const> identity) const {
    auto out = std::make_shared<ListenerContext>();
    DAWK_TRY(out->allow, NetworkSet::parse(listener.allow));
    out->settings = settings_;
    out->listener = listener;
    out->smtp = make_smtp(*settings_, listener, identity != nullptr);
    out->identity = std::move(identity);
    out->router = router_;
    out->postmaster = parse_postmaster(settings_->postmaster);
    DAWK_TRY(out->auth, make_auth_context(*settings_));
    return ContextPtr(std::move(out));
}

Result<void> Receiver::configure(SettingsPtr settings,
                                 std::shared_ptr<rt::TlsIdentity const> identity) {
    SettingsPtr const before = std::exchange(settings_, std::move(settings));
    auto const router_before =
        std::exchange(router_, std::make_shared<routing::Router const>(settings_->routing));
    std::map<std::string, ContextPtr> contexts;
    for (auto const& listener : settings_->listeners) {
        auto context = make_context(listener, identity);
        if (!context) {
            settings_ = before;
            router_ = router_before;
            return context.error();
        }
        contexts[listener.address] = std::move(*context);
    }
    contexts_ = std::move(contexts);
    return {};
}

Result<void> Receiver::open(bool reuse_port, std::string* failed_address) {
    DAWK_CHECK(settings_ != nullptr && !stopping_);
    for (auto it = listeners_.begin(); it != listeners_.end();) {
        if (contexts_.contains(it->first)) {
            ++it;
            continue;
        }
        it->second->close();
        it = listeners_.erase(it);
    }
    for (auto const& [address, context] : contexts_) {
        if (listeners_.contains(address)) continue;
        bool const no_tls = context->listener.tls == ListenerTls::implicit && !context->identity;
        auto bound = no_tls ? Result<std::unique_ptr<rt::Listener>>(Errc::tls_failed)
                            : env_.network.listen(address, reuse_port);
        if (!bound) {
            if (failed_address != nullptr) *failed_address = address;
            return bound.error();
        }
        std::shared_ptr<rt::Listener> listener = std::move(*bound);
        listeners_[address] = listener;
        listening_.spawn(accept_from(std::move(listener), address));
    }
    return {};
}

std::vector<rt::Endpoint> Receiver::endpoints() const {
    std::vector<rt::Endpoint> out;
    if (!settings_) return out;
    for (auto const& listener : settings_->listeners) {
        auto const found = listeners_.find(listener.address);
        if (found != listeners_.end()) out.push_back(found->second->local());
    }
    return out;
}

Task<void> Receiver::accept_from(std::shared_ptr<rt::Listener> listener, std::string address) {
    for (;;) {
        auto stream = co_await listener->accept();
        if (!stream) co_return;
        if (stopping_) continue;
        ++counts_.connections;
        sessions_.spawn(serve(address, std::move(*stream)));
    }
}

bool Receiver::counts_address(ListenerContext const& context, rt::Endpoint const& remote) const {
    return !remote.is_unix() && !is_loopback(remote.address) &&
           !context.allow.contains(remote.address);
}

Task<void> Receiver::serve(std::string address, std::unique_ptr<rt::Stream> stream) {
    auto const found = contexts_.find(address);
    if (found == contexts_.end()) co_return;  // the listener went with a reload just now
    ContextPtr const context = found->second;
    Reception reception(ports_, context, std::move(stream));
    Slot const slot(*this, *context, reception);
    if (!slot.has_room()) {
        ++counts_.turned_away;
        co_await reception.turn_away("Too many connections, try again later");
        co_return;
    }
    if (stopping_) reception.stop(false);
    co_await reception.run();
}

Task<void> Receiver::end_grace(Duration grace) {
    SteadyTime const over = env_.clock.steady() + grace;
    co_await env_.clock.sleep_until(over);
    std::vector<Reception*> const still_open = open_;
    for (Reception* reception : still_open) reception->stop(true);
    co_await env_.clock.sleep_until(over + last_words_time);
    sessions_.cancel();
}

Task<void> Receiver::stop() {
    stopping_ = true;
    for (auto const& [address, listener] : listeners_) listener->close();
    co_await listening_.join();
    listeners_.clear();
    std::vector<Reception*> const open_now = open_;
    for (Reception* reception : open_now) reception->stop(false);
    Duration const grace = settings_ ? Duration(settings_->grace) : Duration(0s);
    timers_.spawn(end_grace(grace));
    co_await sessions_.join();
    lookups_.cancel();
    co_await lookups_.join();
    timers_.cancel();
    co_await timers_.join();
    co_await finish_commits();
}

Task<void> Receiver::finish_commits() {
    SteadyTime const now = env_.clock.steady();
    ports_.give_up_at = now + commit_time;
    timers_.spawn(cut_commits(now + commit_cut_time));
    co_await commits_.join();
    timers_.cancel();
    co_await timers_.join();
}

Task<void> Receiver::cut_commits(SteadyTime at) {
    co_await env_.clock.sleep_until(at);
    commits_.cancel();
}

// A session that failed in a way nobody foresaw harms only itself.
void Receiver::session_failed(std::exception_ptr error) {
    envelope::Event event;
    event.kind = envelope::Event::Kind::session_error;
    event.at = env_.clock.wall();
    try {
        std::rethrow_exception(std::move(error));
    } catch (std::exception const& e) {
        event.note = e.what();
    } catch (...) {
        event.note = "unknown exception";
    }
    events_.on_event(event);
}

}  // namespace dawk::mta
