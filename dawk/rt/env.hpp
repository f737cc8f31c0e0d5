// Env: the whole outside world of one shard. Production passes the real one, the simulation its
// own. References outlive every task.
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include "dawk/rt/clock.hpp"
#include "dawk/rt/files.hpp"
#include "dawk/rt/network.hpp"
#include "dawk/rt/resolver.hpp"
#include "dawk/rt/rng.hpp"
#include "dawk/rt/work.hpp"

namespace dawk::rt {

struct Env {
    boost::asio::any_io_executor executor;  // of this shard: one thread
    Clock& clock;
    Rng& rng;
    Network& network;
    Resolver& resolver;
    Files& files;
    WorkPool& pool;
};

}  // namespace dawk::rt
