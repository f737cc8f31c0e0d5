#include "dawk/sim/play.hpp"

#include <algorithm>

namespace dawk::sim {

using namespace std::chrono_literals;

Stage::Stage(std::uint64_t seed, bool traces)
    : world(seed),
      trace(world, traces),
      oracle(world, trace),
      internet(world),
      clients(std::make_unique<Clients>(internet, oracle)),
      seed_(seed) {}

Stage::~Stage() {
    close();
}

Node& Stage::add_node(std::string const& stem, std::function<void(mta::Settings&)> const& change) {
    auto const number = std::to_string(nodes.size() + 1);
    NodeConfig config;
    config.name = "mx." + stem + ".test";
    config.address = "192.0.2." + number;
    config.domains = {stem + ".test"};
    config.users = {"postmaster@" + stem + ".test", "alice@" + stem + ".test",
                    "bob@" + stem + ".test"};
    config.aliases = {{*mail::parse_mailbox("team@" + stem + ".test"),
                       {*mail::parse_mailbox("alice@" + stem + ".test"),
                        *mail::parse_mailbox("bob@" + stem + ".test")}}};
    auto& settings = config.settings;
    settings.hostname = config.name;
    settings.postmaster = "postmaster@" + stem + ".test";
    settings.grace = 5s;
    settings.routing.default_deliver = "maildir:mail/{domain}/{local}";
    settings.limits.smtp.message_size_bytes = 1U << 20U;
    settings.listeners = {{.address = config.address + ":25"},
                          {.address = config.address + ":587", .service = mta::Service::submission},
                          {.address = config.address + ":2525",
                           .service = mta::Service::relay,
                           .allow = {"203.0.113.0/24"}}};
    settings.spool.large_content_bytes = 4096;
    if (change) change(settings);
    for (auto const& domain : settings.routing.domains) {
        config.domains.push_back(domain.name);
        config.users.push_back("carol@" + domain.name);
        config.users.push_back("dave@" + domain.name);
    }
    auto& zone = internet.zone();
    zone.add_mx(stem + ".test", 10, config.name);
    zone.add_address(config.name, config.address);
    nodes.push_back(std::make_unique<Node>(internet, oracle, trace, std::move(config),
                                           seed_ * 7919 + nodes.size()));
    return *nodes.back();
}

Remote& Stage::add_remote(std::string const& domain, bool is_lmtp) {
    auto const number = remotes.size() + 1;
    auto const address =
        "198.51." + std::to_string(number / 250) + "." + std::to_string(number % 250 + 1);
    auto const host = "mx." + domain;
    internet.zone().add_mx(domain, 10, host);
    internet.zone().add_address(host, address);
    remotes.push_back(std::make_unique<Remote>(internet, oracle, host, address,
                                               seed_ * 104'729 + number, is_lmtp));
    return *remotes.back();
}

Errand Stage::errand(Node const& node, std::vector<std::string> const& recipients) {
    Errand out;
    out.node = node.name();
    out.node_address = node.address();
    out.port = 2525;
    out.token = new_token();
    out.sender = "s-" + out.token + "@home.test";
    for (auto const& recipient : recipients) out.recipients.push_back({recipient, false, {}});
    return out;
}

bool Stage::run_for(Duration d) {
    auto const until = world.steady() + d;
    auto const over = [this] { return oracle.violation() || world.events() > events_max; };
    world.run_until_true(over, d);
    if (oracle.violation()) return false;
    if (world.events() > events_max) {
        oracle.violated(Invariant::progress,
                        std::to_string(events_max) + " events, and no end of it");
        return false;
    }
    world.run_until(until);
    for (auto const& node : nodes) node->check_bounds();
    return !oracle.violation();
}

bool Stage::run_until(std::function<bool()> const& condition, Duration at_most, Duration step) {
    auto const until = world.steady() + at_most;
    while (!condition()) {
        if (world.steady() >= until) return false;
        bool const going = run_for(step);
        if (!going) return false;
    }
    return true;
}

bool Stage::is_quiet() const {
    return clients->is_idle() &&
           std::ranges::all_of(nodes, [](auto const& node) { return node->is_quiet(); });
}

void Stage::heal() {
    if (oracle.violation()) return;
    if (trace.is_on()) trace.say("stage", "all faults are healed");
    internet.faults() = LinkFaults();
    internet.heal_partitions();
    internet.zone() = healthy_zone_;
    for (auto const& remote : remotes) {
        remote->calm();
        remote->host().set_down(false);
        remote->host().set_silent(false);
    }
    for (auto const& node : nodes) {
        node->spool_faults() = SpoolFaults();
        node->files().free_bytes = UINT64_MAX;
        node->files().failing_syncs = 0;
        node->spare();
        node->boot();
    }
    // Whoever is on the way up or down gets there.
    auto const all_up = [this] {
        return std::ranges::all_of(nodes, [](auto const& node) { return node->is_up(); });
    };
    bool const up = run_until(all_up, 1h, 10s);
    if (!up) return oracle.violated(Invariant::progress, "a node does not come up");
    for (auto const& node : nodes) {
        node->files().free_bytes = UINT64_MAX;
        node->files().failing_syncs = 0;
        if (node->was_told_to_hold()) node->order("release", "all=true");
    }
    oracle.healed(12h);
}

// All is well now, so every node takes mail for everybody.
void Stage::probe() {
    for (auto const& node : nodes) {
        std::vector<std::string> recipients;
        for (auto const& remote : remotes) {
            auto const& host = remote->host().name();
            recipients.push_back("probe@" + host.substr(host.find('.') + 1));
        }
        auto one = errand(*node, recipients);
        one.must_succeed = true;
        clients->send(std::move(one));
    }
}

void Stage::come_to_rest(Duration at_most) {
    if (oracle.violation()) return;
    probe();
    bool const quiet = run_until([this] { return is_quiet(); }, at_most, 10min);
    if (!quiet) return oracle.violated(Invariant::progress, "the queue does not come to rest");
    run_for(26h);
    if (oracle.violation()) return;
    for (auto const& node : nodes) {
        auto const stats = node->queue().stats();
        auto const left = stats.messages + stats.ready + stats.flying + stats.carriers +
                          stats.hot_content_bytes + stats.destinations + stats.backed_off;
        if (left != 0 || !node->disk()->mem->due.empty() || !node->disk()->mem->contents.empty())
            oracle.violated(Invariant::bounded_memory,
                            node->name() + " keeps something though nothing is left to do");
    }
}

void Stage::judge() {
    close();
    if (oracle.violation()) return;
    for (auto const& node : nodes) {
        node->files().power_cut();  // only what is durable counts
        oracle.finished(node->name(), node->files());
    }
    oracle.judge();
}

// Everybody goes home, so that nothing is left that refers to anything.
void Stage::close() {
    if (is_closed_) return;
    is_closed_ = true;
    clients->stop();
    for (auto const& node : nodes) node->shut_down();
    auto const are_down = [this] {
        return std::ranges::all_of(nodes, [](auto const& node) { return node->is_down(); });
    };
    for (int i = 0; i < 100 && !are_down(); ++i) {
        world.run_for(1min);
        for (auto const& node : nodes) node->shut_down();
    }
    for (auto const& remote : remotes) remote->stop();
    world.run_for(2h);
}

PlayResult play(PlayOptions const& options) {
    Stage stage(options.seed, options.traces);
    if (options.scenario.empty()) {
        play_at_random(stage, options);
    } else {
        scenario_named(options.scenario)->run(stage, options);
    }
    PlayResult result;
    result.lasted = stage.world.age();
    stage.judge();
    result.violation = stage.oracle.violation();
    result.counts = stage.oracle.counts();
    result.events = stage.world.events();
    result.fingerprint = stage.world.fingerprint();
    result.tally = stage.world.tally();
    if (options.traces) result.log = stage.trace.text();
    result.figures = std::move(stage.figures);
    return result;
}

}  // namespace dawk::sim
