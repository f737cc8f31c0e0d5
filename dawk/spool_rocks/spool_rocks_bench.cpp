// What the spool costs: commits by 1, 16 and 64 waiters, the whole short life of a message, and how
// often an octet is written to disk. Run it on the disk that counts: TMPDIR=/var/tmp
// spool_rocks_bench.
#include <cstdio>
#include <fstream>

#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include "dawk/spool/samples.hpp"
#include "dawk/spool_rocks/rocks_spool.hpp"
#include "dawk/spool_rocks/test_world.hpp"

namespace dawk::spool_rocks {
namespace {

using spool::Batch;
using spool::ContentPtr;

double cpu_seconds() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    auto const seconds = [](timeval t) {
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double resident_mib() {
    std::ifstream in("/proc/self/statm");
    double size = 0;
    double resident = 0;
    in >> size >> resident;
    return resident * 4096 / (1 << 20);
}

struct World {
    World() {
        faults.really_sync = true;
        options.folder = folder.path() + "/spool";
        options.disk_free_min_bytes = 0;
        options.statistics = true;
        auto opened = RocksSpool::open(pool, clock, files, options);
        if (!opened) std::abort();
        spool = std::move(*opened);
    }
    test::TempFolder folder{test::TempFolder::On::disk};
    test::Faults faults;
    test::PosixFiles files{faults};
    test::StillClock clock;
    RocksOptions options;
    test::ThreadPool pool;
    std::unique_ptr<RocksSpool> spool;
};

envelope::Envelope make_envelope(unsigned n, std::size_t size) {
    auto e = spool::contract::sample(n);
    e.content_size = size;
    e.origin = {"192.0.2.1:25",
                "198.51.100.7",
                "mail.example.org",
                "mail.example.org",
                "ESMTPS",
                "TLSv1.3 TLS_AES_256_GCM_SHA384",
                ""};
    e.trace.assign(300, 'r');
    e.header_message_id = "<20231114.123456@mail.example.org>";
    e.header_from = "Someone <someone@example.org>";
    e.header_subject = "About something that matters";
    return e;
}

envelope::Event make_event(envelope::Envelope const& e, envelope::Event::Kind kind) {
    auto event = spool::contract::event_of(e, kind, 1);
    event.origin = e.origin;
    return event;
}

// A waiter: writes a content, commits it, and if asked removes it some messages later.
Task<void> waiter(World& world, unsigned& next, unsigned end, ContentPtr content,
                  unsigned removes_after) {
    std::deque<envelope::Envelope> held;
    for (;;) {
        unsigned const n = next++;
        if (n >= end) co_return;
        auto e = make_envelope(n, content->size());
        Batch batch;
        batch.events.push_back(make_event(e, envelope::Event::Kind::received));
        batch.due_add.push_back({"example.com", e.arrived, e.id});
        if (removes_after > 0) held.push_back(e);
        batch.inserts.push_back({spool::contract::shared(std::move(e)), content});
        auto const done = co_await world.spool->commit(std::move(batch));
        if (!done) std::abort();
        if (removes_after == 0 || held.size() < removes_after) continue;
        Batch remove;
        auto const& old = held.front();
        remove.events.push_back(make_event(old, envelope::Event::Kind::relayed));
        remove.due_remove.push_back({"example.com", old.arrived, old.id});
        remove.removes.push_back(spool::contract::shared(old));
        held.pop_front();
        auto const removed = co_await world.spool->commit(std::move(remove));
        if (!removed) std::abort();
    }
}

void report(benchmark::State& state, World& world, double cpu, unsigned messages,
            std::size_t size) {
    auto const w = world.spool->written();
    auto const disk = w.wal_bytes + w.flush_bytes + w.compaction_bytes + w.blob_bytes;
    state.SetItemsProcessed(messages);
    state.counters["cpu_us/msg"] = cpu * 1e6 / messages;
    state.counters["msg/sync"] = static_cast<double>(messages) / static_cast<double>(w.syncs);
    state.counters["wa"] = static_cast<double>(disk) / (static_cast<double>(size) * messages);
    state.counters["wa_no_wal"] =
        static_cast<double>(disk - w.wal_bytes) / (static_cast<double>(size) * messages);
    state.counters["rss_mib"] = resident_mib();
}

void run_waiters(benchmark::State& state, unsigned removes_after) {
    auto const waiters = static_cast<unsigned>(state.range(0));
    auto const size = static_cast<std::size_t>(state.range(1));
    World world;
    auto const content =
        std::make_shared<spool::MemoryContent>(spool::contract::octets_of(size, 1));
    unsigned next = 1;
    double cpu = 0;
    unsigned messages = 0;
    for (auto _ : state) {
        unsigned const count = size > 10'000 ? 2'000 : 200 * waiters;
        double const before = cpu_seconds();
        boost::asio::io_context io(1);
        unsigned const end = next + count;
        for (unsigned i = 0; i < waiters; ++i) {
            boost::asio::co_spawn(io, waiter(world, next, end, content, removes_after),
                                  [](std::exception_ptr e) {
                                      if (e) std::abort();
                                  });
        }
        io.run();
        next = end;
        cpu += cpu_seconds() - before;
        messages += count;
    }
    report(state, world, cpu, messages, size);
}

void BM_Insert(benchmark::State& state) {
    run_waiters(state, 0);
}
void BM_InsertAndRemove(benchmark::State& state) {
    run_waiters(state, 4);
}

void arguments(benchmark::internal::Benchmark* b) {
    b->ArgNames({"waiters", "octets"});
    for (int const size : {2'048, 100 << 10}) {
        for (int const waiters : {1, 16, 64}) b->Args({waiters, size});
    }
    b->UseRealTime()->Unit(benchmark::kMillisecond)->MinTime(2.0);
}
BENCHMARK(BM_Insert)->Apply(arguments);
BENCHMARK(BM_InsertAndRemove)->Apply(arguments);

Task<void> write_large(World& world, std::string const& piece, std::uint64_t size) {
    auto writer = world.spool->create_content(spool::contract::id_of(1), size);
    for (std::uint64_t at = 0; at < size; at += piece.size()) {
        auto const done = co_await writer->write(piece);
        if (!done) std::abort();
    }
    auto const content = co_await writer->finish();
    if (!content) std::abort();
}

// 1 GiB through a content writer: memory must stay where it was.
void BM_LargeContent(benchmark::State& state) {
    World world;
    std::string const piece = spool::contract::octets_of(64U << 10U, 3);
    auto const size = static_cast<std::uint64_t>(state.range(0)) << 20U;
    double const before = resident_mib();
    for (auto _ : state) {
        boost::asio::io_context io(1);
        boost::asio::co_spawn(io, write_large(world, piece, size), [](std::exception_ptr e) {
            if (e) std::abort();
        });
        io.run();
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(size * state.iterations()));
    state.counters["rss_grown_mib"] = resident_mib() - before;
}
BENCHMARK(BM_LargeContent)->Arg(1024)->Iterations(1)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace dawk::spool_rocks
