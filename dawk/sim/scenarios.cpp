// The named scenarios. Each is a play with a plot: what must come of it is checked beside all that
// the oracle checks. Figures of those that measure are printed by dawk-sim.
#include <algorithm>
#include <cstdio>

#include "dawk/sim/mass.hpp"
#include "dawk/sim/play.hpp"

namespace dawk::sim {
namespace {

using namespace std::chrono_literals;

void home_and_node(Stage& stage, std::function<void(mta::Settings&)> const& change = {}) {
    stage.add_remote("home.test");
    stage.add_node("dawk", change).boot();
    stage.world.run_for(1s);
}

void send_at(Stage& stage, Duration when, Node& node, std::vector<std::string> recipients) {
    stage.world.after(when, [&stage, &node, to = std::move(recipients)] {
        stage.clients->send(stage.errand(node, to));
    });
}

void expect(Stage& stage, bool holds, std::string text) {
    if (!holds) stage.oracle.violated(Invariant::progress, std::move(text));
}

std::string figure(char const* name, double value, char const* unit) {
    char text[200];
    std::snprintf(text, sizeof text, "%s: %.4g %s", name, value, unit);
    return text;
}

// Three days; its messages wait, and the dead host is not run down by those who wait for it.
void provider_down(Stage& stage, PlayOptions const&) {
    home_and_node(stage);
    auto& provider = stage.add_remote("big.test");
    auto& node = *stage.nodes.front();
    stage.keep_zone();
    provider.host().set_down(true);
    for (int i = 0; i < 60; ++i) send_at(stage, i * 30min, node, {"x@big.test", "y@home.test"});
    stage.run_for(72h);
    expect(stage, provider.counts().taken == 0, "a host that is down took mail");
    auto const tries = static_cast<double>(provider.host().refused_connects());
    stage.figures.push_back(figure("connects to a dead host in a day, 60 messages", tries / 3, ""));
    // Each hour once, a little more while the back-off grows.
    expect(stage, tries <= 3 * 24 * 1.3 + 20,
           "a dead host was tried " + std::to_string(provider.host().refused_connects()) +
               " times in three days");
    stage.heal();
    stage.come_to_rest(24h);
    expect(stage, provider.counts().taken >= 61, "not all came after three days");
}

void greylisting_everywhere(Stage& stage, PlayOptions const&) {
    home_and_node(stage);
    for (int i = 0; i < 20; ++i)
        stage.add_remote("d" + std::to_string(i) + ".test").temper().greylists = true;
    stage.remotes.front()->temper().greylists = true;
    stage.keep_zone();
    auto& node = *stage.nodes.front();
    for (int i = 0; i < 100; ++i)
        send_at(stage, i * 10s, node,
                {"x@d" + std::to_string(i % 20) + ".test",
                 "y@d" + std::to_string((i + 1) % 20) + ".test"});
    stage.run_for(3h);
    std::uint64_t taken = 0;
    for (auto const& remote : stage.remotes) taken += remote->counts().taken;
    expect(stage, taken >= 200, "greylisting held up mail for more than two hours");
    stage.heal();
    stage.come_to_rest(24h);
}

// How long the fast ones take for their letters, from the first letter until nine of ten have
// arrived: the very last, which one lost turn may delay, tell little of throughput.
Duration time_of_fast(Stage& stage, std::size_t count, std::size_t rounds) {
    auto& node = *stage.nodes.front();
    auto const taken = [&stage, count] {
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i < count; ++i) sum += stage.remotes[2 + i]->counts().taken;
        return sum;
    };
    auto const before = taken();
    auto const began = stage.world.steady();
    for (std::size_t i = 0; i < count * rounds; ++i)
        send_at(stage, i * 200us, node, {"x@fast" + std::to_string(i % count) + ".test"});
    auto const most = before + count * rounds * 9 / 10;
    stage.run_until([&] { return taken() >= most; }, 10h, 10ms);
    auto const took = stage.world.steady() - began;
    auto const all = before + count * rounds;
    bool const arrived = stage.run_until([&] { return taken() >= all; }, 10h, 1s);
    expect(stage, arrived, "letters to the fast ones are left");
    return took;
}

void slow_beside_fast(Stage& stage, PlayOptions const& options) {
    auto const count = static_cast<std::size_t>(std::max(10.0, 1000 * options.scale));
    // As many connections as there are fast destinations, so that they are what all compete for;
    // the shares are those of the default settings, a fiftieth for one destination.
    home_and_node(stage, [count](mta::Settings& settings) {
        auto const connections = static_cast<std::uint32_t>(std::max<std::size_t>(count, 100));
        settings.queue.connections_all = connections;
        settings.queue.connections_per_destination = connections / 50;
    });
    stage.add_remote("slow.test");
    for (std::size_t i = 0; i < count; ++i)
        stage.add_remote("fast" + std::to_string(i) + ".test").temper().reply_delay = 100ms;
    stage.keep_zone();
    auto& node = *stage.nodes.front();
    // So many that the time of one turn, a tenth of a second, counts for little.
    auto const rounds = std::clamp<std::size_t>(2500 / count, 5, 25);
    auto const alone = time_of_fast(stage, count, rounds);
    for (bool const is_dead : {false, true}) {
        stage.run_for(1h);
        stage.remotes[1]->temper().reply_delay = 100s;
        stage.remotes[1]->host().set_down(is_dead);
        for (int i = 0; i < 500; ++i) send_at(stage, i * 1ms, node, {"x@slow.test"});
        stage.run_for(2min);
        auto const beside = time_of_fast(stage, count, rounds);
        auto const share = static_cast<double>(alone.count()) / static_cast<double>(beside.count());
        stage.figures.push_back(figure(is_dead ? "throughput of others beside a dead destination"
                                               : "throughput of others beside a slow destination",
                                       share * 100, "%"));
        expect(stage, share >= 0.95, "one destination took throughput from the others");
    }
    stage.heal();
    stage.come_to_rest(24h);
}

void restart_every_minute(Stage& stage, PlayOptions const&) {
    home_and_node(stage);
    for (int i = 0; i < 5; ++i) {
        auto& temper = stage.add_remote("d" + std::to_string(i) + ".test").temper();
        temper.reply_delay = i * 2s;
        temper.transient = 0.1;
    }
    stage.keep_zone();
    auto& node = *stage.nodes.front();
    for (int i = 0; i < 200; ++i)
        send_at(stage, i * 17s, node,
                {"x@d" + std::to_string(i % 5) + ".test", "y@d" + std::to_string(i % 3) + ".test"});
    for (int i = 1; i < 60; ++i)
        stage.world.after(i * 1min, [&node, i] {
            if (i % 2 == 0)
                node.restart(1s);
            else
                node.crash(i % 4 == 1, 2s);
        });
    stage.run_for(61min);
    stage.heal();
    stage.come_to_rest(48h);
}

// Each sends to the other what neither has: the hops end it (RFC 5321 §6.3), and the sender hears.
void mail_loop(Stage& stage, PlayOptions const&) {
    stage.add_remote("home.test");
    for (auto const* other : {"192.0.2.2", "192.0.2.1"}) {
        auto& node =
            stage.add_node(stage.nodes.empty() ? "dawk" : "dusk", [other](mta::Settings& settings) {
                routing::RouteConfig route;
                route.to = "loop.test";
                route.via = std::string("smtp:") + other + ":2525";
                settings.routing.routes = {route};
                for (auto& listener : settings.listeners)
                    if (!listener.allow.empty()) listener.allow.emplace_back("192.0.2.0/24");
            });
        node.boot();
    }
    stage.keep_zone();
    stage.world.run_for(1s);
    for (int i = 0; i < 10; ++i) send_at(stage, i * 1s, *stage.nodes.front(), {"x@loop.test"});
    stage.run_for(2h);
    stage.heal();
    stage.come_to_rest(24h);
    expect(stage, stage.oracle.counts().failed >= 10, "the loop did not end by its hops");
    expect(stage, stage.oracle.counts().relayed <= 2000, "the loop went on for too long");
}

// Everything bounces, half of it to where nobody takes it, and a third has no sender at all.
void bounce_storm(Stage& stage, PlayOptions const&) {
    home_and_node(stage);
    auto& half = stage.add_remote("half.test");
    half.temper().refuses_half = true;
    stage.keep_zone();
    auto& node = *stage.nodes.front();
    for (int i = 0; i < 300; ++i)
        stage.world.after(i * 100ms, [&stage, &node, i] {
            auto const text = std::to_string(i);
            auto errand = stage.errand(node, {"a" + text + "@half.test", "b" + text + "@half.test",
                                              "c" + text + "@absent.test"});
            if (i % 3 == 0) errand.sender.clear();
            if (i % 3 == 1) errand.sender = "s" + text + "@absent.test";
            stage.clients->send(errand);
        });
    stage.run_for(24h);
    expect(stage, stage.oracle.counts().reports >= 300, "reports are missing");
    stage.heal();
    stage.come_to_rest(12 * 24h);
}

}  // namespace

std::vector<Scenario> const& scenarios() {
    static std::vector<Scenario> const all = {
        {"provider_down", "a provider is down for three days", &provider_down, false},
        {"greylisting", "everybody greylists", &greylisting_everywhere, false},
        {"slow_beside_fast", "one slow destination beside a thousand fast ones", &slow_beside_fast,
         true},
        {"million_dead", "a million messages to one dead domain", &million_dead, true},
        {"restart_every_minute", "restarts and power cuts in turn, every minute",
         &restart_every_minute, false},
        {"mail_loop", "two servers that send to each other for ever", &mail_loop, false},
        {"bounce_storm", "everything bounces, much of it twice", &bounce_storm, false},
    };
    return all;
}

Scenario const* scenario_named(std::string_view name) {
    auto const found = std::ranges::find(scenarios(), name, &Scenario::name);
    return found == scenarios().end() ? nullptr : &*found;
}

}  // namespace dawk::sim
