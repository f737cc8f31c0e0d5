// What a recipient costs: found in the shard's memory, and asked from the file.
#include <filesystem>

#include <benchmark/benchmark.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <stdlib.h>

#include "dawk/directory_sqlite/sqlite_directory.hpp"

namespace dawk::directory_sqlite {
namespace {

class InlinePool final : public rt::WorkPool {
  public:
    void run(std::function<void()> job) override { job(); }
};
class StillClock final : public rt::Clock {
  public:
    SteadyTime steady() const override { return {}; }
    WallTime wall() const override { return {}; }
    Task<void> sleep_until(SteadyTime) override { co_return; }
};

struct World {
    World() {
        database = Database::open(folder + "/directory.db").value();
        if (!database->add_domain("dawk.test")) std::abort();
        auto const record =
            crypto::PasswordRecord::make("x", crypto::PasswordCost::cheapest()).value();
        if (!database->add_user({"anna", "dawk.test"}, record)) std::abort();
    }
    ~World() { std::filesystem::remove_all(folder); }
    std::string name = std::filesystem::temp_directory_path() / "dawk-bench-XXXXXX";
    std::string folder = ::mkdtemp(name.data());
    std::shared_ptr<Database> database;
    InlinePool pool;
    StillClock clock;
};

Task<void> ask(SqliteDirectory& directory, benchmark::State& state) {
    mail::Address const anna{"anna", "dawk.test"};
    for (auto _ : state) {
        auto found = co_await directory.find(anna);
        benchmark::DoNotOptimize(found);
    }
}

void run(benchmark::State& state, std::size_t remembered) {
    World world;
    SqliteDirectory directory(world.database, world.pool, world.clock, {.remembered = remembered});
    boost::asio::io_context io(1);
    boost::asio::co_spawn(io, ask(directory, state), [](std::exception_ptr error) {
        if (error) std::rethrow_exception(error);
    });
    io.run();
}

void find_remembered(benchmark::State& state) {
    run(state, 100);
}
void find_asked(benchmark::State& state) {
    run(state, 0);
}
BENCHMARK(find_remembered);
BENCHMARK(find_asked);

}  // namespace
}  // namespace dawk::directory_sqlite
