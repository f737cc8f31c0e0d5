// World: virtual time, one seed, one thread. Everything that happens in a simulation is an event of
// its heap or a handler of its io_context, in an order that depends on the seed alone.
//
//     sim::World world(seed);
//     sim::Host mx(world, "mx.dawk.test", {"192.0.2.1"});
//     group.spawn(serve(mx.env()));
//     world.run_for(10min);              // returns at once in real time
//
// Never ships. Never reads a real clock, randomness, file or socket.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <queue>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "dawk/rt/clock.hpp"
#include "dawk/rt/rng.hpp"
#include "dawk/rt/work.hpp"
#include "dawk/sim/happenings.hpp"

namespace dawk::sim {

// splitmix64: small, fast, the same everywhere.
class SeededRng final : public rt::Rng {
  public:
    explicit SeededRng(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next() override;
    bool chance(double probability);  // true with that probability

  private:
    std::uint64_t state_;
};

class World final : public rt::Clock, public rt::WorkPool {
  public:
    explicit World(std::uint64_t seed);
    ~World() override;

    SteadyTime steady() const override { return now_; }
    WallTime wall() const override;
    Task<void> sleep_until(SteadyTime t) override;
    void run(std::function<void()> job) override;  // WorkPool: as an event a little later

    void at(SteadyTime t, std::function<void()> action);
    void after(Duration d, std::function<void()> action) { at(now_ + d, std::move(action)); }
    void step_wall_clock(Millis by) { wall_offset_ += by; }

    // Runs until nothing is left to do, or the virtual time is reached, whichever is first.
    void run_until_idle() { run_until(SteadyTime::max()); }
    void run_for(Duration d) { run_until(now_ + d); }
    void run_until(SteadyTime limit);
    // Runs until the condition holds (true) or nothing is left or the time is over (false).
    bool run_until_true(std::function<bool()> const& condition, Duration at_most);

    boost::asio::io_context& context() noexcept { return context_; }
    // Where shards of machines run: 0 is context(). What one posts to another is done in a turn of
    // its own; whose turn comes first, the seed decides.
    boost::asio::io_context& context_of_shard(std::size_t shard);
    Tally& tally() noexcept { return tally_; }
    SeededRng& rng() noexcept { return rng_; }
    std::uint64_t events() const noexcept { return sequence_; }
    Duration age() const noexcept { return now_ - (SteadyTime{} + std::chrono::hours(1)); }
    // A running hash over all event times and order; equal for equal seeds.
    std::uint64_t fingerprint() const noexcept { return fingerprint_; }
    void mix(std::uint64_t value) noexcept {
        fingerprint_ = (fingerprint_ ^ value) * 1099511628211ULL;
    }

  private:
    struct Event {
        SteadyTime time;
        std::uint64_t sequence;
        std::function<void()> action;
        bool operator<(Event const& other) const {
            return time != other.time ? time > other.time : sequence > other.sequence;
        }
    };
    void drain();
    bool step(SteadyTime limit);  // false: nothing left before the limit

    std::vector<std::unique_ptr<boost::asio::io_context>> more_contexts_;
    boost::asio::io_context context_{1};  // goes first: it has the timers that the others wait for
    SeededRng rng_;
    Tally tally_;
    std::priority_queue<Event> heap_;
    SteadyTime now_{};
    WallTime wall_start_;
    Millis wall_offset_{0};
    std::uint64_t sequence_ = 0;
    std::uint64_t fingerprint_ = 1469598103934665603ULL;
};

// Something to wait for in virtual time: wake() resumes all who wait now.
class Signal {
  public:
    explicit Signal(World& world);
    void wake() { timer_.cancel(); }
    // Returns on wake() or at the deadline; look at your condition again either way.
    Task<void> wait(SteadyTime deadline);

  private:
    World& world_;
    boost::asio::steady_timer timer_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace dawk::sim
