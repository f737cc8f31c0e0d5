#include "dawk/net/resolver.hpp"

#include <list>
#include <map>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include "dawk/net/resolver_engine.hpp"

namespace dawk::net {

namespace asio = boost::asio;

struct UnboundResolver::Impl : std::enable_shared_from_this<Impl> {
    using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                             asio::wait_traits<std::chrono::steady_clock>,
                                             asio::io_context::executor_type>;
    // One question on its way and those who wait for it.
    struct Pending {
        bool done = false;
        dns::Answer answer;
        std::vector<Timer*> waiting;
    };
    struct Cached {
        dns::Answer answer;
        SteadyTime stored, expires;
        std::list<dns::Question>::iterator place;
    };

    Impl(asio::io_context& context, std::shared_ptr<ResolverEngine> shared)
        : io(context), engine(std::move(shared)) {}

    std::shared_ptr<Pending> start(dns::Question const& question);
    void take(dns::Question const& question, dns::Answer answer);
    dns::Answer const* look_up(dns::Question const& question, SteadyTime now);
    void store(dns::Question const& question, dns::Answer const& answer);
    Task<bool> wait(std::shared_ptr<Pending> pending, SteadyTime deadline);

    asio::io_context& io;
    std::shared_ptr<ResolverEngine> engine;
    std::map<dns::Question, std::shared_ptr<Pending>> pending;
    std::map<dns::Question, Cached> cache;
    std::list<dns::Question> order;  // oldest first
    dns::Answer aged;                // the last one that was looked up
    Counts counts;
};

namespace {

dns::Answer failed(dns::Question const& question, dns::Status status, std::string words) {
    dns::Answer answer;
    answer.status = status;
    answer.canonical_name = question.name;
    answer.error_detail = std::move(words);
    return answer;
}

// RFC 1035 §2.3.4, before anything is asked: what is no name has no records.
bool is_name(std::string const& name) {
    if (name.size() > 253 || name.find('\0') != std::string::npos) return false;
    std::size_t label = 0;
    for (char const c : name) {
        label = c == '.' ? 0 : label + 1;
        if (label > 63) return false;
    }
    return name.empty() ||
           (!name.starts_with('.') && !name.ends_with('.') && name.find("..") == std::string::npos);
}

}  // namespace

UnboundResolver::UnboundResolver(asio::io_context& io, std::shared_ptr<ResolverEngine> engine)
    : impl_(std::make_shared<Impl>(io, std::move(engine))) {}

UnboundResolver::~UnboundResolver() {
    impl_->engine->forget(impl_.get());
}

UnboundResolver::Counts UnboundResolver::counts() const noexcept {
    return impl_->counts;
}

dns::Answer const* UnboundResolver::Impl::look_up(dns::Question const& question, SteadyTime now) {
    auto const found = cache.find(question);
    if (found == cache.end()) return nullptr;
    if (found->second.expires <= now) {
        order.erase(found->second.place);
        cache.erase(found);
        return nullptr;
    }
    aged = found->second.answer;
    auto const age = std::chrono::duration_cast<std::chrono::seconds>(now - found->second.stored);
    aged.ttl_seconds -= std::min(aged.ttl_seconds, static_cast<std::uint32_t>(age.count()));
    return &aged;
}

// Failures are not kept: they pass.
void UnboundResolver::Impl::store(dns::Question const& question, dns::Answer const& answer) {
    auto const& settings = engine->settings();
    auto const ttl = std::min(answer.ttl_seconds, settings.cache_seconds_max);
    if (answer.temporary() || ttl == 0 || settings.cache_entries == 0) return;
    if (cache.contains(question)) return;
    while (cache.size() >= settings.cache_entries) {
        cache.erase(order.front());
        order.pop_front();
    }
    auto const now = std::chrono::steady_clock::now();
    order.push_back(question);
    cache.emplace(question,
                  Cached{answer, now, now + std::chrono::seconds(ttl), std::prev(order.end())});
}

void UnboundResolver::Impl::take(dns::Question const& question, dns::Answer answer) {
    auto const found = pending.extract(question);
    if (!found) return;
    store(question, answer);
    auto const& own = found.mapped();
    own->answer = std::move(answer);
    own->done = true;
    for (auto* timer : own->waiting) timer->cancel();
}

std::shared_ptr<UnboundResolver::Impl::Pending> UnboundResolver::Impl::start(
    dns::Question const& question) {
    auto& slot = pending[question];
    if (slot) {
        ++counts.shared;
        return slot;
    }
    ++counts.asked;
    auto const own = slot = std::make_shared<Pending>();
    // Called on the engine's thread. forget() holds off the end of this object, not of what is
    // posted.
    auto receive = [weak = weak_from_this(), &context = io, question](UnboundResult result,
                                                                      std::string words) {
        auto shared = std::shared_ptr<ub_result>(std::move(result));
        asio::post(context, [weak, question, shared, words = std::move(words)] {
            auto const self = weak.lock();
            if (!self) return;
            self->take(question, shared ? to_answer(question, *shared)
                                        : failed(question, dns::Status::servfail, words));
        });
    };
    engine->ask(this, question, std::move(receive));
    return own;
}

// False: the deadline came first. The question goes on, for others and the cache.
Task<bool> UnboundResolver::Impl::wait(std::shared_ptr<Pending> own, SteadyTime deadline) {
    Timer timer(io, deadline);
    struct Waiting {
        Pending& pending;
        Timer* timer;
        Waiting(Pending& p, Timer* t) : pending(p), timer(t) { pending.waiting.push_back(timer); }
        ~Waiting() { std::erase(pending.waiting, timer); }
    } const waiting(*own, &timer);
    ErrorCode error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    co_await timer.async_wait(token);
    auto const state = co_await asio::this_coro::cancellation_state;
    if (!own->done && state.cancelled() != asio::cancellation_type::none) {
        throw boost::system::system_error(asio::error::operation_aborted);
    }
    co_return own->done;
}

Task<dns::Answer> UnboundResolver::query(dns::Question question, SteadyTime deadline) {
    if (!is_name(question.name)) {
        co_return failed(question, dns::Status::nxdomain, "not a domain name");
    }
    auto const self = impl_;
    auto const now = std::chrono::steady_clock::now();
    if (auto const* known = self->look_up(question, now); known != nullptr) {
        ++self->counts.cached;
        co_return *known;
    }
    auto own = self->start(question);
    bool const answered = co_await self->wait(own, deadline);
    if (answered) co_return own->answer;
    ++self->counts.timeouts;
    co_return failed(question, dns::Status::timeout, "no answer in time");
}

}  // namespace dawk::net
