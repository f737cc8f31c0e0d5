// Play: one run of the simulation: a cast of nodes, remotes and clients, what happens to them, the
// healing of all faults, and the judgement.
//
//     sim::PlayOptions options;
//     options.seed = 17;
//     auto result = sim::play(options);          // a random run
//     if (result.violation) ...
//
// A run follows from its options alone. Two of the same give the same log, byte for byte.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dawk/sim/client.hpp"
#include "dawk/sim/faults.hpp"
#include "dawk/sim/node.hpp"
#include "dawk/sim/remote.hpp"

namespace dawk::sim {

struct PlayOptions {
    std::uint64_t seed = 1;
    std::string scenario;  // "": random
    FaultSet without;      // faults that do not happen although the seed has them
    bool traces = false;
    double scale = 1.0;  // of the big scenarios: messages, times
};

struct PlayResult {
    std::optional<Violation> violation;
    OracleCounts counts;
    std::uint64_t events = 0;
    Duration lasted{};  // virtual
    std::uint64_t fingerprint = 0;
    Tally tally;
    std::string log;                   // when traced
    std::vector<std::string> figures;  // "name: value" of scenarios that measure
};

// The stage: everything of a run that lives, in the order that it may die in.
class Stage {
  public:
    Stage(std::uint64_t seed, bool traces);
    ~Stage();
    Stage(Stage const&) = delete;
    Stage& operator=(Stage const&) = delete;

    World world;
    Trace trace;
    Oracle oracle;
    Internet internet;
    std::vector<std::unique_ptr<Remote>> remotes;
    std::vector<std::unique_ptr<Node>> nodes;
    std::unique_ptr<Clients> clients;
    std::vector<std::string> figures;
    std::shared_ptr<void> director;
    std::uint64_t events_max = 4'000'000;

    Node& add_node(std::string const& stem, std::function<void(mta::Settings&)> const& change = {});
    // Its domain has one MX, "mx.<domain>".
    Remote& add_remote(std::string const& domain, bool is_lmtp = false);
    std::string new_token() { return "t" + std::to_string(++tokens_); }
    Errand errand(Node const& node, std::vector<std::string> const& recipients);

    // False: a violation, or too many events for what there was to do.
    bool run_for(Duration d);
    // Until the condition holds; false as above, or when the time is over.
    bool run_until(std::function<bool()> const& condition, Duration at_most, Duration step);
    // Everything works again, everybody is calm. Probes are sent, all must come to rest.
    void heal();
    void come_to_rest(Duration at_most);
    void judge();
    bool is_quiet() const;
    std::uint64_t seed() const noexcept { return seed_; }
    void keep_zone() { healthy_zone_ = internet.zone(); }

  private:
    void probe();
    void close();

    std::uint64_t seed_;
    Zone healthy_zone_;
    std::uint64_t tokens_ = 0;
    bool is_closed_ = false;
};

PlayResult play(PlayOptions const& options);

struct Scenario {
    std::string_view name, what;
    void (*run)(Stage& stage, PlayOptions const& options);
    bool is_big = false;  // by name only
};
std::vector<Scenario> const& scenarios();
Scenario const* scenario_named(std::string_view name);
void play_at_random(Stage& stage, PlayOptions const& options);

}  // namespace dawk::sim
