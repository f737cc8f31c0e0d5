// dawk-fill: puts many small messages into a spool, as if the server had accepted them and could
// not pass them on: what a start with a full queue is measured with. The server must not run.
//
//   dawk-fill --config dawk.toml --messages 1000000 --domains 10000
//   dawk-fill --config dawk.toml --messages 1000000 --domain partner.test     (one destination)
//
// Routes of the configuration decide where the mail is to go. All of it is due at once.
#include <chrono>
#include <cstdio>

#include "dawk/config/config.hpp"
#include "dawk/net/world.hpp"
#include "dawk/routing/routing.hpp"
#include "dawk/rt/task_group.hpp"
#include "dawk/spool/content.hpp"
#include "dawk/spool/due_entries.hpp"
#include "dawk/spool_rocks/rocks_spool.hpp"

#include "bench/options.hpp"

namespace dawk::bench {
namespace {

constexpr OptionHelp known[] = {
    {"config", "FILE", "of the server; names the state folder and the routes"},
    {"messages", "N", "in all (1000000)"},
    {"domains", "N", "that they go to: d0.fill.test, d1.fill.test ... (1)"},
    {"domain", "NAME", "that all of them go to, instead"},
    {"size", "OCTETS", "of a message (2048)"},
};

constexpr std::uint64_t messages_per_commit = 500;

struct Plan {
    std::uint64_t messages, domains;
    std::string domain;  // "" for numbered ones
    spool::ContentPtr content;
};

spool::ContentPtr make_content(std::size_t size) {
    std::string text =
        "From: sender@load.invalid\r\nTo: user@fill.test\r\nSubject: One of many\r\n"
        "Message-ID: <fill@load.invalid>\r\nDate: Sun, 01 Jan 2023 00:00:00 +0000\r\n\r\n";
    std::string const line(70, 'x');
    while (text.size() < size) text += line + "\r\n";
    return std::make_shared<spool::MemoryContent>(std::move(text));
}

spool::EnvelopePtr make_envelope(rt::Env const& env, routing::Router const& router,
                                 Plan const& plan, std::uint64_t number) {
    auto out = std::make_shared<envelope::Envelope>();
    auto const high = env.rng.next();
    out->id = MessageId::make(env.clock.wall(), high, env.rng.next());
    out->reverse_path = {"sender", "load.invalid"};
    out->origin.listener = "fill";
    out->arrived = env.clock.wall();
    out->expires = out->arrived + std::chrono::hours(24 * 5);
    out->content_size = plan.content->size();
    out->trace = "Received: by fill.test; Sun, 01 Jan 2023 00:00:00 +0000\r\n";
    envelope::Recipient recipient;
    recipient.address.local = "user" + std::to_string(number);
    recipient.address.domain = plan.domain;
    if (plan.domain.empty())
        recipient.address.domain = "d" + std::to_string(number % plan.domains) + ".fill.test";
    recipient.original = recipient.address;
    recipient.notify.never = true;
    recipient.destination = router.key_of(recipient.address.domain, false);
    recipient.next_attempt = out->arrived;
    out->recipients.push_back(std::move(recipient));
    return out;
}

Task<void> fill(rt::Env const& env, spool::Spool& spool, routing::Router const& router,
                Plan const& plan) {
    std::uint64_t next = 0;
    while (next < plan.messages) {
        spool::Batch batch;
        for (std::uint64_t i = 0; i < messages_per_commit && next < plan.messages; ++i) {
            auto envelope = make_envelope(env, router, plan, next++);
            for (auto& due : spool::due_entries(*envelope)) batch.due_add.push_back(std::move(due));
            batch.inserts.push_back({std::move(envelope), plan.content});
        }
        auto const done = co_await spool.commit(std::move(batch));
        if (!done) die("commit: " + done.error().message());
    }
}

int run(Options const& options) {
    auto const path = options.text("config", "dawk.toml");
    auto const now = std::chrono::time_point_cast<Millis>(std::chrono::system_clock::now());
    auto const loaded = config::load(path, now);
    if (!loaded.settings) die(loaded.text());
    auto const& settings = *loaded.settings;
    Plan const plan{options.number("messages", 1'000'000),
                    std::max<std::uint64_t>(1, options.number("domains", 1)),
                    options.text("domain", ""), make_content(options.number("size", 2048))};
    net::World world(net::WorldSettings{});
    auto const env = world.env(0);
    spool_rocks::RocksOptions rocks;
    rocks.folder = settings.state_dir + "/spool";
    auto spool = spool_rocks::RocksSpool::open(env.pool, env.clock, env.files, rocks);
    if (!spool) die(rocks.folder + ": " + spool.error().detail);
    routing::Router const router(settings.routing);
    rt::TaskGroup tasks(env.executor);
    tasks.spawn(fill(env, **spool, router, plan));
    world.run_here();
    std::printf("%llu messages for %llu destinations\n",
                static_cast<unsigned long long>(plan.messages),
                static_cast<unsigned long long>(plan.domain.empty() ? plan.domains : 1));
    return 0;
}

}  // namespace
}  // namespace dawk::bench

int main(int argc, char** argv) {
    using namespace dawk::bench;
    return run(Options(argc, argv, "dawk-fill: fills a spool with many small messages", known));
}
