#include "dawk/net/world.hpp"

#include <optional>
#include <thread>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "dawk/base/check.hpp"
#include "dawk/net/clock.hpp"
#include "dawk/net/files.hpp"
#include "dawk/net/network.hpp"
#include "dawk/net/rng.hpp"
#include "dawk/net/work_pool.hpp"

namespace dawk::net {
namespace {

struct Shard {
    Shard(std::shared_ptr<NetworkShared> sockets, std::shared_ptr<ResolverEngine> engine)
        : clock(io), network(io, std::move(sockets)), resolver(io, std::move(engine)) {}

    boost::asio::io_context io{1};  // first: what is pending dies with it, after the ports
    RealClock clock;
    RealRng rng;
    Network network;
    UnboundResolver resolver;
    std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> guard;
    std::thread thread;
};

}  // namespace

struct World::Impl {
    explicit Impl(WorldSettings const& s)
        : settings(s), pool(s.thread_name + "-work", s.pool_threads) {
        DAWK_CHECK(s.shards > 0);
        auto const sockets = make_network_shared();
        auto const engine = make_resolver_engine(s.resolver);
        for (unsigned i = 0; i < s.shards; ++i) {
            shards.push_back(std::make_unique<Shard>(sockets, engine));
        }
    }

    WorldSettings settings;
    PosixFiles files;
    std::vector<std::unique_ptr<Shard>> shards;
    ThreadPool pool;  // last: its jobs end before the shards they answer to
};

World::World(WorldSettings settings) : impl_(std::make_unique<Impl>(settings)) {}

World::~World() {
    stop();
}

std::size_t World::size() const noexcept {
    return impl_->shards.size();
}

rt::Env World::env(std::size_t shard) const {
    Shard& s = *impl_->shards.at(shard);
    return {s.io.get_executor(), s.clock, s.rng, s.network, s.resolver, impl_->files, impl_->pool};
}

void World::start() {
    unsigned number = 0;
    for (auto& shard : impl_->shards) {
        DAWK_CHECK(!shard->thread.joinable());
        shard->guard.emplace(shard->io.get_executor());
        shard->io.restart();
        auto const name = impl_->settings.thread_name + "-" + std::to_string(number++);
        shard->thread = std::thread([&io = shard->io, name] {
            block_signals();
            name_thread(name);
            io.run();
        });
    }
}

void World::join() {
    // Shards post to each other: each guard falls only when all may end.
    for (auto& shard : impl_->shards) shard->guard.reset();
    for (auto& shard : impl_->shards) {
        if (shard->thread.joinable()) shard->thread.join();
    }
}

void World::stop() {
    for (auto& shard : impl_->shards) shard->io.stop();
    join();
}

void World::run_here() {
    DAWK_CHECK(size() == 1);
    impl_->shards[0]->io.restart();
    impl_->shards[0]->io.run();
}

}  // namespace dawk::net
