// World: the real outside world of a process. One shard is one thread with one io_context and all
// the ports on it; the thread pool, listening sockets and the resolver's engine are common to all.
//
//     net::World world(settings);
//     for (std::size_t i = 0; i < world.size(); ++i) group(i).spawn(serve(world.env(i)));
//     world.start();
//     ...                       // tasks are told to end, by posting to their shard
//     world.join();             // returns when no shard has anything left to do
//
// Tasks are spawned before start(), or by a function posted to the shard's executor.
#pragma once

#include <memory>
#include <string>

#include "dawk/net/resolver.hpp"
#include "dawk/rt/env.hpp"

namespace dawk::net {

struct WorldSettings {
    unsigned shards = 1;
    unsigned pool_threads = 4;
    std::string thread_name = "dawk";  // "dawk-0" ..., pool: "dawk-work-0" ...
    ResolverSettings resolver;
};

class World {
  public:
    explicit World(WorldSettings settings);
    ~World();  // stops what still runs
    World(World const&) = delete;
    World& operator=(World const&) = delete;

    std::size_t size() const noexcept;
    rt::Env env(std::size_t shard) const;
    // Starts one thread a shard. All signals are blocked in them.
    void start();
    // Lets each thread end when its shard has nothing left to do, and waits for that.
    void join();
    // Ends all threads now, whatever is pending; tasks are destroyed with the World.
    void stop();
    // Runs the only shard on the calling thread, until it has nothing left to do. For tools and
    // tests.
    void run_here();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace dawk::net
