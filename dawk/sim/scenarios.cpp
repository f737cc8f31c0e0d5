#include <algorithm>

#include "dawk/sim/play.hpp"

namespace dawk::sim {
namespace {

using namespace std::chrono_literals;

void home_and_node(Stage& stage) {
    stage.add_remote("home.test");
    stage.add_node("dawk").boot();
}

void provider_down(Stage& stage, PlayOptions const&) {
    home_and_node(stage);
    auto& provider = stage.add_remote("big.test");
    auto& node = *stage.nodes.front();
    stage.keep_zone();
    provider.host().set_down(true);
    for (int i = 0; i < 60; ++i)
        stage.world.after(i * 30min, [&stage, &node] {
            stage.clients->send(stage.errand(node, {"x@big.test", "y@home.test"}));
        });
    stage.run_for(72h);
    if (provider.counts().taken != 0)
        stage.oracle.violated(Invariant::progress, "a host that is down took mail");
    stage.heal();
    stage.come_to_rest(24h);
    stage.run_for(1h);
    if (provider.counts().taken < 61 && !stage.oracle.violation())
        stage.oracle.violated(Invariant::ends_exactly_once, "not all came after three days");
}

void greylisting_everywhere(Stage& stage, PlayOptions const&) {
    home_and_node(stage);
    for (int i = 0; i < 20; ++i)
        stage.add_remote("d" + std::to_string(i) + ".test").temper().greylists = true;
    stage.remotes.front()->temper().greylists = true;
    stage.keep_zone();
    auto& node = *stage.nodes.front();
    for (int i = 0; i < 100; ++i)
        stage.world.after(i * 10s, [&stage, &node, i] {
            stage.clients->send(stage.errand(node, {"x@d" + std::to_string(i % 20) + ".test",
                                                    "y@d" + std::to_string(i % 7) + ".test"}));
        });
    stage.run_for(3h);
    std::uint64_t taken = 0;
    for (auto const& remote : stage.remotes) taken += remote->counts().taken;
    if (taken < 200 && !stage.oracle.violation())
        stage.oracle.violated(Invariant::progress,
                              "greylisting held up mail for more than two hours");
    stage.heal();
    stage.come_to_rest(24h);
}

}  // namespace

std::vector<Scenario> const& scenarios() {
    static std::vector<Scenario> const all = {
        {"provider_down", "a provider is down for three days", &provider_down, false},
        {"greylisting", "everybody greylists", &greylisting_everywhere, false},
    };
    return all;
}

Scenario const* scenario_named(std::string_view name) {
    auto const found = std::ranges::find(scenarios(), name, &Scenario::name);
    return found == scenarios().end() ? nullptr : &*found;
}

}  // namespace dawk::sim
