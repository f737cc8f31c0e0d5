#include "dawk/sim/network.hpp"

#include <algorithm>
#include <deque>

#include <boost/asio/error.hpp>

#include "dawk/base/check.hpp"
#include "dawk/sim/stream.hpp"
#include "dawk/sim/tls.hpp"

namespace dawk::sim {

class SimListener final : public rt::Listener {
  public:
    SimListener(Host& host, rt::Endpoint where, bool shares)
        : reuses_port(shares), host_(&host), where_(std::move(where)), arrived_(host.world_) {}
    ~SimListener() override { close(); }

    Task<Result<std::unique_ptr<rt::Stream>>> accept() override {
        while (waiting_.empty()) {
            if (closed_) co_return Errc::closed;
            auto const forever = SteadyTime::max();
            co_await arrived_.wait(forever);
        }
        auto stream = std::move(waiting_.front());
        waiting_.pop_front();
        co_return stream;
    }
    void close() noexcept override {
        if (closed_) return;
        closed_ = true;
        waiting_.clear();
        if (host_ != nullptr) host_->forget(where_, this);
        arrived_.wake();
    }
    rt::Endpoint local() const override { return where_; }
    bool const reuses_port;

    void host_is_gone() { host_ = nullptr; }
    void arrive(std::unique_ptr<rt::Stream> stream) {
        waiting_.push_back(std::move(stream));
        arrived_.wake();
    }

  private:
    Host* host_;
    rt::Endpoint where_;
    Signal arrived_;
    std::deque<std::unique_ptr<rt::Stream>> waiting_;
    bool closed_ = false;
};

void Internet::partition(std::string const& a, std::string const& b, bool cut) {
    auto const pair = std::minmax(a, b);
    if (cut) {
        cuts_.insert(pair);
    } else {
        cuts_.erase(pair);
        return;
    }
    for (auto const* from : {&a, &b}) {
        auto const host = by_address_.find(*from);
        if (host != by_address_.end()) host->second->sever(from == &a ? b : a);
    }
}

bool Internet::is_cut(std::string const& a, std::string const& b) const {
    auto const pair = std::minmax(a, b);
    return cuts_.contains(pair);
}

Host::Host(Internet& internet, std::string name, std::vector<std::string> addresses)
    : internet_(internet),
      world_(internet.world()),
      name_(std::move(name)),
      addresses_(std::move(addresses)),
      resolver_(world_, internet.zone()) {
    for (auto const& address : addresses_) internet_.by_address_[address] = this;
}

Host::~Host() {
    for (auto const& address : addresses_) {  // unless a successor has them
        auto const found = internet_.by_address_.find(address);
        if (found != internet_.by_address_.end() && found->second == this)
            internet_.by_address_.erase(found);
    }
    for (auto& [where, all] : listeners_)
        for (auto* const listener : all) listener->host_is_gone();
}

rt::Env Host::env() {
    return rt::Env{
        world_.context().get_executor(), world_, world_.rng(), *this, resolver_, files_, world_};
}

void Host::set_down(bool down) {
    down_ = down;
    if (down) reset_connections();
}

void Host::reset_connections() {
    for (auto const& known : pipes_) {
        auto const pipe = known.pipe.lock();
        if (!pipe) continue;
        pipe->reset = true;
        pipe->readable.wake();
        pipe->writable.wake();
    }
    pipes_.clear();
}

void Host::power_off(bool silently) {
    down_ = dead_ = true;
    for (auto const& known : pipes_) {
        auto const pipe = known.pipe.lock();
        if (!pipe) continue;
        (known.inbound ? pipe->reader_gone : pipe->writer_gone) = true;
        pipe->black_hole = true;
        if (!silently) {
            auto const when =
                std::max(pipe->last_arrival, world_.steady()) + std::chrono::milliseconds(5);
            world_.at(when, [pipe] {
                pipe->reset = true;
                pipe->readable.wake();
                pipe->writable.wake();
            });
        }
        pipe->readable.wake();
        pipe->writable.wake();
    }
    pipes_.clear();
}

void Host::sever(std::string const& peer) {
    for (auto const& known : pipes_) {
        auto const pipe = known.pipe.lock();
        if (pipe && known.peer == peer) pipe->black_hole = true;
    }
}

void Host::remember(std::shared_ptr<Pipe> const& pipe, bool inbound, std::string const& peer) {
    if (pipes_.size() >= pipes_kept_) {
        std::erase_if(pipes_, [](auto const& known) { return known.pipe.expired(); });
        pipes_kept_ = std::max<std::size_t>(64, pipes_.size() * 2);
    }
    pipes_.push_back({pipe, inbound, peer});
}

void Host::forget(rt::Endpoint const& where, SimListener const* listener) {
    auto const found = listeners_.find(where);
    if (found == listeners_.end()) return;
    std::erase(found->second, listener);
    if (found->second.empty()) listeners_.erase(found);
}

SimListener* Host::listener_at(rt::Endpoint const& where, std::uint16_t from_port) {
    for (auto const& address : {where.address, std::string("0.0.0.0"), std::string("::")}) {
        auto const found = listeners_.find(rt::Endpoint{address, where.port});
        if (found != listeners_.end()) return found->second[from_port % found->second.size()];
    }
    return nullptr;
}

Task<Result<std::unique_ptr<rt::Stream>>> Host::connect(rt::ConnectTarget target) {
    if (dead_) co_return ErrorCode(boost::asio::error::network_down);
    auto const& faults = internet_.faults();
    auto const from = target.source_address.empty() ? addresses_.front() : target.source_address;
    bool const lost = faults.connect_lost > 0 && world_.rng().chance(faults.connect_lost);
    bool const refused = faults.connect_refused > 0 && world_.rng().chance(faults.connect_refused);
    auto const trip = faults.latency_max * 2;
    auto const until = std::min(target.deadline, world_.steady() + trip);
    co_await world_.sleep_until(until);
    if (target.to.is_unix() || target.to.address == "127.0.0.1") {
        // One machine talking to itself.
    } else if (lost || internet_.is_cut(from, target.to.address)) {
        world_.tally().add(lost ? Happening::connect_lost : Happening::partition);
        co_await world_.sleep_until(target.deadline);
        co_return Errc::timed_out;
    }
    bool const local = target.to.is_unix() || target.to.address == "127.0.0.1";
    auto const found = internet_.by_address_.find(target.to.address);
    Host* const host = local                                  ? this
                       : found == internet_.by_address_.end() ? nullptr
                                                              : found->second;
    if (host != nullptr && (host->down_ || host->silent_)) {
        ++host->refused_connects_;
        world_.tally().add(host->silent_ ? Happening::host_silent : Happening::host_down);
    }
    if (host == nullptr) world_.tally().add(Happening::lame_exchanger);
    if (host == nullptr || host->silent_) {
        co_await world_.sleep_until(target.deadline);
        co_return Errc::timed_out;
    }
    rt::Endpoint const own{from, ++next_port_};
    SimListener* const listener = host->down_ ? nullptr : host->listener_at(target.to, own.port);
    if (dead_) co_return ErrorCode(boost::asio::error::network_down);
    if (refused) world_.tally().add(Happening::connect_refused);
    if (listener == nullptr || refused) co_return ErrorCode(boost::asio::error::connection_refused);
    auto there = std::make_shared<Pipe>(world_);
    auto back = std::make_shared<Pipe>(world_);
    auto const& to = target.to.address;
    remember(there, false, to);
    remember(back, true, to);
    host->remember(there, true, from);
    host->remember(back, false, from);
    listener->arrive(std::make_unique<SimStream>(host->internet_, there, back, target.to, own));
    std::unique_ptr<rt::Stream> stream =
        std::make_unique<SimStream>(internet_, back, there, own, target.to);
    co_return stream;
}

Result<std::unique_ptr<rt::Listener>> Host::listen(std::string const& address, bool reuse_port) {
    if (dead_) return ErrorCode(boost::asio::error::network_down);
    DAWK_TRY(auto where, rt::parse_endpoint(address));
    if (where.port == 0 && !where.is_unix()) where.port = ++next_port_;
    auto const found = listeners_.find(where);
    auto const allows = [](SimListener const* other) { return other->reuses_port; };
    bool const is_free =
        found == listeners_.end() || (reuse_port && std::ranges::all_of(found->second, allows));
    if (!is_free) return Errc::exists;
    auto listener = std::make_unique<SimListener>(*this, where, reuse_port);
    listeners_[where].push_back(listener.get());
    return std::unique_ptr<rt::Listener>(std::move(listener));
}

rt::ExplainedResult<std::shared_ptr<rt::TlsIdentity const>> Host::load_identity(
    std::string const& certificate_file, std::string const&) {
    return std::shared_ptr<rt::TlsIdentity const>(std::make_shared<SimIdentity>(certificate_file));
}

Task<rt::ExplainedResult<std::unique_ptr<rt::Stream>>> Host::tls_accept(
    std::unique_ptr<rt::Stream> plain, std::shared_ptr<rt::TlsIdentity const> identity) {
    return accept_sim_tls(std::move(plain), std::move(identity));
}

Task<rt::ExplainedResult<std::unique_ptr<rt::Stream>>> Host::tls_connect(
    std::unique_ptr<rt::Stream> plain, rt::TlsClientPolicy policy) {
    return connect_sim_tls(std::move(plain), std::move(policy));
}

}  // namespace dawk::sim
