// Node: one whole Dawk on a machine of the simulated Internet: Receivers, QueueRunner and
// Deliverers as the shipped server wires them, over its own disk, files, clock and network; with as
// many shards as settings.threads says (0: one). It is started, stopped, and loses its power at any
// instant; what it knew in memory is gone then, what it had not synced as well.
//
//     Node node(internet, oracle, trace, config);
//     node.boot();
//     node.crash(false, 10s);          // back after ten seconds
//     node.restart(1s);                // in good order
//     node.shut_down();                // let the world run until is_down()
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dawk/directory/mem_directory.hpp"
#include "dawk/mta/deliverer.hpp"
#include "dawk/mta/queue_runner.hpp"
#include "dawk/mta/receiver.hpp"
#include "dawk/sim/network.hpp"
#include "dawk/sim/node_spool.hpp"
#include "dawk/sim/oracle.hpp"

namespace dawk::sim {

struct NodeConfig {
    std::string name;     // "mail1.dawk.test"
    std::string address;  // "192.0.2.1": mx on 25, submission on 587, relay on 2525
    mta::Settings settings;
    std::vector<std::string> users;  // full addresses; password "secret"
    std::vector<directory::Alias> aliases;
    std::vector<std::string> domains;
};

class Node {
  public:
    Node(Internet& internet, Oracle& oracle, Trace& trace, NodeConfig config, std::uint64_t seed);
    ~Node();
    Node(Node const&) = delete;
    Node& operator=(Node const&) = delete;

    void boot();
    void crash(bool silently, Duration down_for);
    // The same in the midst of the next commit.
    void crash_in_commit(bool silently, Duration down_for);
    void spare();  // from a crash that is still to come
    void restart(Duration down_for);
    void shut_down();
    void reload(std::function<void(mta::Settings&)> const& change);
    void step_clock(Millis by);
    // As an operator would, "retry", "hold", "release" or "remove": what the filter names
    // ("all=true", "domain=d1.test").
    void order(std::string_view verb, std::string_view filter);
    bool was_told_to_hold() const noexcept { return was_told_to_hold_; }

    std::string const& name() const noexcept { return config_.name; }
    std::string const& address() const noexcept { return config_.address; }
    mta::Settings const& settings() const noexcept { return config_.settings; }
    SpoolFaults& spool_faults() noexcept { return spool_faults_; }
    MemoryFiles& files() noexcept;
    Oracle& oracle() noexcept { return oracle_; }
    bool is_up() const noexcept;
    bool is_down() const noexcept { return lives_.empty(); }  // and nothing of it is left
    mta::QueueRunner& queue() noexcept;
    std::shared_ptr<NodeDisk> const& disk() const noexcept { return disk_; }
    bool is_quiet() const;  // up, nothing queued, nothing under way
    // What the oracle and the trace hear of each letter; off for masses.
    bool is_watched = true;
    // Looks at sizes; called now and then.
    void check_bounds();

  private:
    struct Life;
    class Watch;
    void start(std::vector<spool::Batch> unannounced);
    Task<void> wake_up(Life& life, std::vector<spool::Batch> unannounced);
    Task<void> wind_up(Life& life, bool is_crash);
    Task<void> fill_directory();
    Task<void> ask(Life& life, std::string target);
    void come_back(Duration down_for, std::vector<spool::Batch> unannounced);
    void bury(Life& life);
    std::shared_ptr<mta::Settings const> shared_settings() const;

    Internet& internet_;
    World& world_;
    Oracle& oracle_;
    Trace& trace_;
    NodeConfig config_;
    SeededRng rng_;
    SpoolFaults spool_faults_;
    directory::MemDirectory directory_;
    std::shared_ptr<NodeDisk> disk_;
    MemoryFiles kept_files_;  // while no life has them
    Millis clock_offset_{0};
    bool wants_up_ = false, was_told_to_hold_ = false;
    Duration back_in_{};
    std::unique_ptr<Watch> watch_;
    Life* now_ = nullptr;
    std::vector<std::unique_ptr<Life>> lives_;  // the present one and those that still unwind
    rt::TaskGroup tasks_;
};

}  // namespace dawk::sim
