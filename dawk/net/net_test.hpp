// Shared by the tests of dawk/net: one shard run on the test's thread.
#pragma once

#include <filesystem>

#include <arpa/inet.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/un.h>

#include "dawk/net/clock.hpp"
#include "dawk/net/network.hpp"
#include "dawk/rt/task_group.hpp"

namespace dawk::net::test {

using namespace std::chrono_literals;

struct TemporaryFolder {
    std::string path = "/tmp/dawk-net-XXXXXX";
    TemporaryFolder() { EXPECT_NE(::mkdtemp(path.data()), nullptr); }
    ~TemporaryFolder() { std::filesystem::remove_all(path); }
};

struct Pair {
    std::unique_ptr<rt::Stream> server, client;
};

struct Kit {
    boost::asio::io_context io{1};
    RealClock clock{io};
    Network network{io, make_network_shared()};
    rt::TaskGroup tasks{io.get_executor(), [](std::exception_ptr e) {
                            try {
                                std::rethrow_exception(e);
                            } catch (std::exception const& x) {
                                ADD_FAILURE() << x.what();
                            }
                        }};

    // Until every task ended.
    void run() {
        io.restart();
        while (tasks.size() > 0 && io.run_one() > 0) {
        }
        ASSERT_EQ(tasks.size(), 0U);
    }
    void run(Task<void> task) {
        tasks.spawn(std::move(task));
        run();
    }
    SteadyTime in(Duration d) const { return clock.steady() + d; }
    std::unique_ptr<rt::Listener> listen(std::string const& address = "127.0.0.1:0") {
        auto listener = network.listen(address, false);
        if (!listener) {
            ADD_FAILURE() << listener.error().message();
            return nullptr;
        }
        return std::move(*listener);
    }
    // Lets everything else that is ready run first.
    Task<void> turn() { co_await boost::asio::post(io, boost::asio::use_awaitable); }
    rt::ConnectTarget to(rt::Listener& listener) const { return {listener.local(), "", in(10s)}; }
    Task<Pair> connect_pair(rt::Listener& listener) {
        auto const target = to(listener);
        Pair pair;
        auto client = co_await network.connect(target);
        EXPECT_TRUE(client);
        auto server = co_await listener.accept();
        EXPECT_TRUE(server);
        pair.client = std::move(*client);
        pair.server = std::move(*server);
        co_return pair;
    }
};

// Reads exactly n octets, or to the error.
inline Task<Result<std::string>> read_exactly(rt::Stream& stream, std::size_t n) {
    std::string all;
    std::string buffer(65536, '\0');
    while (all.size() < n) {
        auto const span = std::span(buffer).first(std::min(buffer.size(), n - all.size()));
        auto const got = co_await stream.read_some(span);
        if (!got) co_return got.error();
        all.append(buffer, 0, *got);
    }
    co_return all;
}

}  // namespace dawk::net::test
