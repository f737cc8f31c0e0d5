// What a spool acknowledged is there after its process was killed at any moment.
#include <set>

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include "dawk/spool/samples.hpp"
#include "dawk/spool_rocks/rocks_spool.hpp"
#include "dawk/spool_rocks/test_world.hpp"

namespace dawk::spool_rocks {
namespace {

using spool::contract::id_of;
using spool::contract::insert;
using spool::contract::octets_of;
using spool::contract::run;

constexpr unsigned tasks = 8;

std::size_t size_of(unsigned n) {
    return n % 7 == 0 ? 300'000 : 100 + n % 5000;
}

RocksOptions options_in(std::string const& folder) {
    RocksOptions options;
    options.folder = folder + "/spool";
    options.memtable_bytes = 1U << 20U;  // flushes and compactions are killed as well
    options.wal_bytes_max = 4U << 20U;
    options.disk_free_min_bytes = 0;
    return options;
}

// Message n, then the removal of every third one, each told to the parent once it is durable.
Task<void> commit_for_ever(spool::Spool& spool, unsigned first, int pipe) {
    for (unsigned n = first;; n += tasks) {
        auto const inserted = co_await insert(spool, n, octets_of(size_of(n), n));
        if (!inserted) ::_exit(3);
        std::int64_t told = n;
        if (::write(pipe, &told, sizeof told) != sizeof told) ::_exit(4);
        if (n % 3 != 0) continue;
        spool::Batch batch;
        auto e = spool::contract::sample(n);
        e.content_size = size_of(n);
        batch.due_remove.push_back({"example.com", e.arrived, e.id});
        batch.removes.push_back(spool::contract::shared(e));
        auto const removed = co_await spool.commit(std::move(batch));
        if (!removed) ::_exit(5);
        told = -static_cast<std::int64_t>(n);
        if (::write(pipe, &told, sizeof told) != sizeof told) ::_exit(6);
    }
}

[[noreturn]] void be_the_server(std::string const& folder, unsigned first, int pipe) {
    test::Faults faults;
    test::PosixFiles files(faults);
    test::StillClock clock;
    test::ThreadPool pool;
    auto spool = RocksSpool::open(pool, clock, files, options_in(folder));
    if (!spool) ::_exit(7);
    boost::asio::io_context io(1);
    for (unsigned i = 0; i < tasks; ++i) {
        boost::asio::co_spawn(io, commit_for_ever(**spool, first + i, pipe),
                              [](std::exception_ptr) { ::_exit(8); });
    }
    io.run();
    ::_exit(9);
}

struct Told {
    std::set<unsigned> inserted, removed;
    unsigned highest = 0;
};

// Runs a server until it told `enough` things, kills it, and adds all it had told.
void run_and_kill(std::string const& folder, unsigned first, unsigned enough, Told& told) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    pid_t const child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        ::close(ends[0]);
        be_the_server(folder, first, ends[1]);
    }
    ::close(ends[1]);
    std::int64_t number = 0;
    for (unsigned count = 0; ::read(ends[0], &number, sizeof number) == sizeof number;) {
        (number > 0 ? told.inserted : told.removed)
            .insert(static_cast<unsigned>(number > 0 ? number : -number));
        told.highest = std::max(told.highest, static_cast<unsigned>(std::abs(number)));
        if (++count == enough) ::kill(child, SIGKILL);
    }
    ::close(ends[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "ended by itself: " << status;
}

void check(spool::Spool& spool, Told const& told) {
    std::set<MessageId> due;
    auto const entries = run(spool.due("example.com", {}, 1'000'000));
    ASSERT_TRUE(entries);
    for (auto const& entry : *entries) due.insert(entry.id);
    std::uint64_t present = 0;
    // Also those that were not told: there as a whole, or not at all.
    for (unsigned n = 1; n <= told.highest + 2 * tasks; ++n) {
        auto e = run(spool.load(id_of(n)));
        bool const there = e.has_value();
        EXPECT_FALSE(there && told.removed.contains(n)) << n;
        EXPECT_TRUE(there || n % 3 == 0 || !told.inserted.contains(n)) << n;
        EXPECT_EQ(due.contains(id_of(n)), there) << n;
        if (!there) continue;
        ++present;
        auto content = run(spool.open_content(*e));
        ASSERT_TRUE(content) << n;
        auto const octets = run(spool::read_all(*content, 1U << 20U));
        ASSERT_TRUE(octets) << n;
        EXPECT_TRUE(*octets == octets_of(size_of(n), n)) << n;
        EXPECT_EQ(run(spool.history(id_of(n)))->size(), 1U);
    }
    EXPECT_EQ(run(spool.usage())->messages, present);
}

TEST(Crash, WhatWasAcknowledgedIsThereAfterTheProcessWasKilled) {
    test::TempFolder const folder;
    Told told;
    for (unsigned round = 0; round < 6; ++round) {
        run_and_kill(folder.path(), told.highest + 2 * tasks + 1, 60 + 67 * round, told);
        if (HasFatalFailure()) return;
        test::Faults faults;
        test::PosixFiles files(faults);
        test::StillClock clock;
        test::ThreadPool pool;
        auto opened = RocksSpool::open(pool, clock, files, options_in(folder.path()));
        ASSERT_TRUE(opened) << opened.error().detail;
        check(**opened, told);
    }
    EXPECT_GT(told.inserted.size(), 300U);
    EXPECT_GT(told.removed.size(), 50U);
}

}  // namespace
}  // namespace dawk::spool_rocks
