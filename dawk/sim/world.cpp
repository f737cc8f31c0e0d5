#include "dawk/sim/world.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace dawk::sim {

using namespace std::chrono_literals;

std::uint64_t SeededRng::next() {
    state_ += 0x9E3779B97F4A7C15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31U);
}

bool SeededRng::chance(double probability) {
    return static_cast<double>(next() >> 11U) * 0x1.0p-53 < probability;
}

// Starts on 2026-01-01, at a second that no run shares by chance with a round number.
World::World(std::uint64_t seed)
    : rng_(seed), now_(SteadyTime{} + 1h), wall_start_(from_millis(1'767'225'600'000)) {}

World::~World() {
    // Tasks that are left hold references into the world: they go first.
    while (!heap_.empty()) heap_.pop();
}

WallTime World::wall() const {
    auto const passed = std::chrono::duration_cast<Millis>(now_ - (SteadyTime{} + 1h));
    return wall_start_ + passed + wall_offset_;
}

void World::at(SteadyTime t, std::function<void()> action) {
    heap_.push(Event{std::max(t, now_), sequence_++, std::move(action)});
}

void World::run(std::function<void()> job) {
    after(std::chrono::microseconds(50), std::move(job));
}

Task<void> World::sleep_until(SteadyTime t) {
    Signal signal(*this);
    while (now_ < t) {
        co_await signal.wait(t);
    }
}

boost::asio::io_context& World::context_of_shard(std::size_t shard) {
    if (shard == 0) return context_;
    while (more_contexts_.size() < shard)
        more_contexts_.push_back(std::make_unique<boost::asio::io_context>(1));
    return *more_contexts_[shard - 1];
}

void World::drain() {
    auto const poll = [](boost::asio::io_context& context) {
        context.restart();
        std::size_t done = 0;
        while (auto const n = context.poll()) done += n;
        return done;
    };
    if (more_contexts_.empty()) {
        poll(context_);
        return;
    }
    auto const count = more_contexts_.size() + 1;
    auto const begin = fingerprint_ >> 7U;
    for (std::size_t idle = 0, i = 0; idle < count; ++i) {
        auto const done = poll(context_of_shard((begin + i) % count));
        idle = done == 0 ? idle + 1 : 0;
    }
}

bool World::step(SteadyTime limit) {
    drain();
    if (heap_.empty() || heap_.top().time > limit) return false;
    auto action = std::move(const_cast<Event&>(heap_.top()).action);
    now_ = heap_.top().time;
    mix(static_cast<std::uint64_t>(now_.time_since_epoch().count()));
    mix(heap_.top().sequence);
    heap_.pop();
    action();
    return true;
}

void World::run_until(SteadyTime limit) {
    while (step(limit)) {
    }
    if (limit != SteadyTime::max()) now_ = std::max(now_, limit);
    drain();
}

bool World::run_until_true(std::function<bool()> const& condition, Duration at_most) {
    auto const limit = now_ + at_most;
    drain();
    while (!condition()) {
        if (!step(limit)) {
            drain();
            return condition();
        }
    }
    return true;
}

Signal::Signal(World& world)
    : world_(world), timer_(world.context(), boost::asio::steady_timer::time_point::max()) {}

Task<void> Signal::wait(SteadyTime deadline) {
    if (deadline != SteadyTime::max()) {
        std::weak_ptr<int> const alive = alive_;
        world_.at(deadline, [this, alive] {
            if (!alive.expired()) timer_.cancel();
        });
    }
    ErrorCode ignored;
    auto token = boost::asio::redirect_error(boost::asio::use_awaitable, ignored);
    co_await timer_.async_wait(token);
}

}  // namespace dawk::sim
