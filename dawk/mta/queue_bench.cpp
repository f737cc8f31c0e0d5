// What the queue itself costs a message that is relayed: accepted, handed out, its outcome
// recorded. The spool does nothing and the carrier is ready at once, so this is CPU of the runner
// alone.
#include <benchmark/benchmark.h>

#include "dawk/mta/queue_test.hpp"

namespace dawk::mta {
namespace {

using namespace test;

// Accepts every commit and keeps nothing.
class NullSpool final : public spool::Spool {
  public:
    std::unique_ptr<spool::ContentWriter> create_content(MessageId, std::uint64_t) override {
        return nullptr;
    }
    Task<Result<void>> commit(spool::Batch batch) override {
        operations += batch.removes.size();
        co_return Result<void>();
    }
    Task<Result<spool::EnvelopePtr>> load(MessageId) override { co_return Errc::not_found; }
    Task<Result<spool::ContentPtr>> open_content(spool::EnvelopePtr) override {
        co_return Errc::not_found;
    }
    Task<Result<std::vector<spool::EnvelopePtr>>> list(MessageId, std::size_t) override {
        co_return std::vector<spool::EnvelopePtr>();
    }
    Task<Result<std::vector<spool::Due>>> due(std::string, std::optional<spool::Due>,
                                              std::size_t) override {
        co_return std::vector<spool::Due>();
    }
    Task<Result<std::vector<spool::DestinationHead>>> destinations(std::string,
                                                                   std::size_t) override {
        co_return std::vector<spool::DestinationHead>();
    }
    Task<Result<std::vector<envelope::Event>>> history(MessageId) override {
        co_return std::vector<envelope::Event>();
    }
    Task<Result<std::vector<envelope::Event>>> history_of(std::string, std::size_t) override {
        co_return std::vector<envelope::Event>();
    }
    Task<Result<spool::Usage>> usage() override { co_return spool::Usage(); }
    bool is_in_trouble() const noexcept override { return false; }
    std::uint64_t operations = 0;
};

// Says yes to everything without ever going away.
class InstantDeliverer final : public Deliverer {
  public:
    explicit InstantDeliverer(rt::Clock& clock) : clock_(clock) {}
    Task<void> carry(std::shared_ptr<JobFeed> feed) override {
        feed->host_ready();
        auto outcome = accepted_outcome();
        outcome.remote_host = "mx.somewhere.test";
        outcome.remote_address = "192.0.2.1:25";
        while (true) {
            auto jobs = feed->take(10);
            if (jobs.empty()) {
                bool const more = co_await feed->wait(clock_.steady() + std::chrono::seconds(2));
                if (!more) co_return;
                continue;
            }
            for (auto& job : jobs) {
                std::vector<Outcome> outcomes(job.recipients.size(), outcome);
                feed->done(std::move(job), std::move(outcomes));
            }
        }
    }

  private:
    rt::Clock& clock_;
};

struct CountingSink final : envelope::EventSink {
    std::uint64_t count = 0;
    void on_event(Event const&) override { ++count; }
};

void relay(benchmark::State& state) {
    auto const destinations = static_cast<std::size_t>(state.range(0));
    QueueFixture world;
    NullSpool spool;
    CountingSink events;
    InstantDeliverer deliverer(world.world);
    QueueRunner queue({spool, events, world.directory, {{world.host.env(), deliverer}}},
                      std::make_shared<Settings>(world.settings));
    queue.start();
    world.world.run_for(std::chrono::seconds(0));
    constexpr std::size_t burst = 500;
    auto const content = std::make_shared<spool::MemoryContent>(std::string(4096, 'x'), false);
    std::vector<spool::EnvelopePtr> envelopes;
    std::uint64_t messages = 0;
    for (auto _ : state) {
        state.PauseTiming();
        envelopes.clear();
        for (std::size_t i = 0; i < burst; ++i)
            envelopes.push_back(
                world.make("sender@client.test",
                           {"someone@domain" + std::to_string(i % destinations) + ".test"}));
        state.ResumeTiming();
        for (auto const& envelope : envelopes) queue.accepted(envelope, content);
        world.world.run_for(std::chrono::milliseconds(1));
        messages += burst;
    }
    if (spool.operations != messages) state.SkipWithError("not all messages were relayed");
    state.SetItemsProcessed(static_cast<std::int64_t>(messages));
    world.run(queue.stop(world.world.steady() + std::chrono::seconds(5)));
}
BENCHMARK(relay)->Arg(1)->Arg(50)->Arg(500);

}  // namespace
}  // namespace dawk::mta
