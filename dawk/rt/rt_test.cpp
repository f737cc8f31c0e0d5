#include <stdexcept>
#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "dawk/rt/env.hpp"
#include "dawk/rt/task_group.hpp"

namespace dawk::rt {
namespace {

namespace asio = boost::asio;

// Runs one task to its end and hands its exception to the test.
void run(asio::io_context& io, Task<void> task) {
    std::exception_ptr failure;
    bool done = false;
    asio::co_spawn(io, std::move(task), [&](std::exception_ptr e) {
        failure = e;
        done = true;
    });
    io.restart();
    io.run();
    ASSERT_TRUE(done);
    if (failure) std::rethrow_exception(failure);
}

TEST(Endpoint, ParsesAndPrintsEveryForm) {
    struct Row {
        char const* text;
        char const* address;
        unsigned port;
        char const* canonical;
    };
    for (auto const& row :
         {Row{"127.0.0.1:25", "127.0.0.1", 25, "127.0.0.1:25"},
          Row{"0.0.0.0:0", "0.0.0.0", 0, "0.0.0.0:0"}, Row{"[::]:25", "::", 25, "[::]:25"},
          Row{"[2001:DB8:0:0::1]:65535", "2001:db8::1", 65535, "[2001:db8::1]:65535"},
          Row{"unix:/run/x y.sock", "unix:/run/x y.sock", 0, "unix:/run/x y.sock"}}) {
        auto const e = parse_endpoint(row.text);
        ASSERT_TRUE(e) << row.text;
        EXPECT_EQ(e->address, row.address);
        EXPECT_EQ(e->port, row.port);
        EXPECT_EQ(e->text(), row.canonical);
        EXPECT_EQ(e->is_unix(), e->address.starts_with("unix:"));
    }
}

TEST(Endpoint, RefusesWhatIsNone) {
    for (auto const* text : {"",
                             ":",
                             "25",
                             "127.0.0.1",
                             "127.0.0.1:",
                             "127.0.0.1:x",
                             "127.0.0.1:65536",
                             "127.0.0.1:-1",
                             "127.0.0.1:+1",
                             "127.0.0.1:000025",
                             "127.1:25",
                             "::1:25",
                             "[::1]",
                             "[::1]25",
                             "[::1:25",
                             "[]:25",
                             "[127.0.0.1]:25",
                             "[fe80::1%lo]:25",
                             "mx.example:25",
                             "unix:",
                             "unix:relative",
                             " 1.2.3.4:5"}) {
        auto const e = parse_endpoint(text);
        ASSERT_FALSE(e) << text;
        EXPECT_EQ(e.error(), Errc::bad_syntax) << text;
    }
    EXPECT_EQ(parse_endpoint(std::string("unix:/a\0b", 9)).error(), Errc::bad_syntax);
}

TEST(Endpoint, HoldsSocketPathsToTheirLimit) {  // sun_path: 107 octets and a zero
    EXPECT_TRUE(parse_endpoint("unix:/" + std::string(106, 'a')));
    EXPECT_EQ(parse_endpoint("unix:/" + std::string(107, 'a')).error(), Errc::too_long);
}

TEST(Explained, ValueOfAFailureThrowsItsWords) {
    ExplainedResult<int> const failed = Explained{Errc::tls_failed, "no shared cipher"};
    try {
        (void)failed.value();
        FAIL();
    } catch (boost::system::system_error const& e) {
        EXPECT_EQ(e.code(), Errc::tls_failed);
        EXPECT_NE(std::string(e.what()).find("no shared cipher"), std::string::npos);
    }
}

struct Sleeper {
    asio::io_context io{1};
    int unwound = 0;

    Task<void> sleep() {
        struct Count {
            int& n;
            ~Count() { ++n; }
        } const count{unwound};
        asio::steady_timer timer(io, std::chrono::hours(1));
        co_await timer.async_wait(asio::use_awaitable);
    }
    static Task<void> fail() {
        throw std::runtime_error("boom");
        co_return;
    }
    static Task<void> quick(int& done) {
        ++done;
        co_return;
    }
};

TEST(TaskGroup, JoinsTasksThatEnd) {
    Sleeper s;
    TaskGroup group(s.io.get_executor());
    int done = 0;
    for (int i = 0; i < 10; ++i) group.spawn(Sleeper::quick(done));
    run(s.io, group.join());
    EXPECT_EQ(done, 10);
    EXPECT_EQ(group.size(), 0U);
    EXPECT_EQ(group.failed(), 0U);
}

TEST(TaskGroup, CancelUnwindsEveryTask) {
    Sleeper s;
    TaskGroup group(s.io.get_executor());
    for (int i = 0; i < 1000; ++i) group.spawn(s.sleep());
    s.io.poll();
    EXPECT_EQ(group.size(), 1000U);
    EXPECT_EQ(s.unwound, 0);
    group.cancel();
    run(s.io, group.join());
    EXPECT_EQ(s.unwound, 1000);
    EXPECT_EQ(group.size(), 0U);
    EXPECT_EQ(group.failed(), 0U);
}

TEST(TaskGroup, CancelBeforeTheFirstStepUnwindsToo) {
    Sleeper s;
    TaskGroup group(s.io.get_executor());
    group.spawn(s.sleep());
    group.cancel();
    run(s.io, group.join());
    EXPECT_EQ(group.size(), 0U);
}

TEST(TaskGroup, AFailedTaskIsReportedAndHarmsNoOther) {
    Sleeper s;
    std::string words;
    TaskGroup group(s.io.get_executor(), [&](std::exception_ptr e) {
        try {
            std::rethrow_exception(e);
        } catch (std::exception const& x) {
            words += x.what();
        }
    });
    int done = 0;
    group.spawn(Sleeper::fail());
    group.spawn(Sleeper::quick(done));
    group.spawn(s.sleep());
    s.io.poll();
    EXPECT_EQ(words, "boom");
    EXPECT_EQ(group.failed(), 1U);
    EXPECT_EQ(done, 1);
    EXPECT_EQ(group.size(), 1U);
    group.cancel();
    run(s.io, group.join());
}

TEST(TaskGroup, SpawnsFromItsOwnTasks) {
    Sleeper s;
    TaskGroup group(s.io.get_executor());
    int done = 0;
    struct Chain {
        static Task<void> go(TaskGroup& g, int& n) {
            if (++n < 5) g.spawn(go(g, n));
            co_return;
        }
    };
    group.spawn(Chain::go(group, done));
    run(s.io, group.join());
    EXPECT_EQ(done, 5);
}

TEST(TaskGroup, ACanceledJoinerCancelsItsGroupAndStillWaits) {
    Sleeper s;
    struct Parent {
        static Task<void> go(Sleeper& sleeper, bool& went_on) {
            TaskGroup inner(sleeper.io.get_executor());
            inner.spawn(sleeper.sleep());
            co_await inner.join();
            EXPECT_EQ(sleeper.unwound, 1);
            co_await quick_sleep(sleeper);  // throws: this task is canceled too
            went_on = true;
        }
        static Task<void> quick_sleep(Sleeper& sleeper) {
            asio::steady_timer timer(sleeper.io);
            co_await timer.async_wait(asio::use_awaitable);
        }
    };
    bool went_on = false;
    TaskGroup group(s.io.get_executor());
    group.spawn(Parent::go(s, went_on));
    s.io.poll();
    group.cancel();
    run(s.io, group.join());
    EXPECT_EQ(s.unwound, 1);
    EXPECT_FALSE(went_on);
    EXPECT_EQ(group.failed(), 0U);
}

TEST(TaskGroupDeathTest, DyingWithTasksIsABug) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_DEATH(
        {
            Sleeper s;
            TaskGroup group(s.io.get_executor());
            group.spawn(s.sleep());
        },
        "tasks_.empty");
}

class ThreadPool final : public WorkPool {
  public:
    ~ThreadPool() override {
        for (auto& t : threads_) t.join();
    }
    void run(std::function<void()> job) override { threads_.emplace_back(std::move(job)); }

  private:
    std::vector<std::thread> threads_;
};

TEST(Offload, WorksElsewhereAndGoesOnHere) {
    asio::io_context io{1};
    ThreadPool pool;
    struct Body {
        static Task<void> go(WorkPool& p) {
            auto const home = std::this_thread::get_id();
            std::thread::id worker;
            auto job = [&worker] {
                worker = std::this_thread::get_id();
                return std::string("value");
            };
            std::string const value = co_await offload(p, job);
            EXPECT_EQ(value, "value");
            EXPECT_NE(worker, home);
            EXPECT_EQ(std::this_thread::get_id(), home);
            auto nothing = [] {};
            co_await offload(p, nothing);
            EXPECT_EQ(std::this_thread::get_id(), home);
        }
    };
    run(io, Body::go(pool));
}

TEST(Offload, ResultsMayBeMoveOnlyAndFailed) {
    asio::io_context io{1};
    ThreadPool pool;
    struct Body {
        static Task<void> go(WorkPool& p) {
            auto make = [] { return std::make_unique<int>(7); };
            auto seven = co_await offload(p, make);
            EXPECT_EQ(*seven, 7);
            auto fail = []() -> Result<int> { return Errc::no_space; };
            auto failed = co_await offload(p, fail);
            EXPECT_EQ(failed.error(), Errc::no_space);
        }
    };
    run(io, Body::go(pool));
}

TEST(Offload, FinishesTheWorkOfACanceledTask) {
    asio::io_context io{1};
    ThreadPool pool;
    struct Body {
        static Task<void> go(WorkPool& p, bool& worked, bool& went_on) {
            auto job = [&worked] { return worked = true; };
            (void)co_await offload(p, job);
            asio::steady_timer timer(co_await asio::this_coro::executor);
            co_await timer.async_wait(asio::use_awaitable);  // throws: the task is canceled
            went_on = true;
        }
    };
    bool worked = false;
    bool went_on = false;
    TaskGroup group(io.get_executor());
    group.spawn(Body::go(pool, worked, went_on));
    io.poll_one();
    group.cancel();
    run(io, group.join());
    EXPECT_TRUE(worked);
    EXPECT_FALSE(went_on);
}

struct CountingRng final : Rng {
    std::uint64_t state = UINT64_MAX - 3;
    std::uint64_t next() override { return state++; }
};

TEST(Rng, BelowStaysBelowAndSkipsTheUnevenTail) {
    CountingRng rng;
    for (int i = 0; i < 100; ++i) EXPECT_LT(rng.below(10), 10U);
    EXPECT_EQ(rng.below(1), 0U);
}

}  // namespace
}  // namespace dawk::rt
