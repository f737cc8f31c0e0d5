#include "dawk/sim/node.hpp"

#include <algorithm>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "dawk/base/check.hpp"
#include "dawk/mta/queue_admin.hpp"

namespace dawk::sim {
namespace {

using namespace std::chrono_literals;
constexpr Duration grace = 10s;

// The machine's own idea of the date.
class NodeClock final : public rt::Clock {
  public:
    NodeClock(World& world, Millis const& offset) : world_(world), offset_(offset) {}
    SteadyTime steady() const override { return world_.steady(); }
    WallTime wall() const override { return world_.wall() + offset_; }
    Task<void> sleep_until(SteadyTime t) override { return world_.sleep_until(t); }

  private:
    World& world_;
    Millis const& offset_;
};

// What was found out about who sent a message, as the event tells it.
void count_authentication(envelope::Event const& event, Tally& tally) {
    std::string_view const facts = event.authentication;
    auto const part = [&](std::string_view name, char end) {
        auto const at = facts.find(name);
        return at == facts.npos ? std::string_view() : facts.substr(at, facts.find(end, at) - at);
    };
    auto const says = [](std::string_view text, std::string_view result) {
        return text.find("\"result\":\"" + std::string(result) + "\"") != text.npos;
    };
    auto const spf = part("\"spf\":{", '}');
    auto const dmarc = part("\"dmarc\":{", '}');
    if (says(spf, "pass")) tally.add(Happening::spf_pass);
    if (says(spf, "fail")) tally.add(Happening::spf_fail);
    if (says(spf, "temperror") || says(spf, "permerror")) tally.add(Happening::spf_error);
    if (says(part("\"dkim\":[", ']'), "pass")) tally.add(Happening::dkim_pass);
    if (says(dmarc, "pass")) tally.add(Happening::dmarc_pass);
    if (says(dmarc, "fail")) tally.add(Happening::dmarc_fail);
}

}  // namespace

class Node::Watch final : public TapListener, public envelope::EventSink {
  public:
    Watch(Node& node) : node_(node) {}
    void on_handed_over(TappedTransaction const& what, std::string const& recipient) override {
        if (node_.is_watched) node_.oracle_.handed_over(node_.name(), what, recipient);
    }
    void on_reply_lost(TappedTransaction const& what, std::string const& recipient) override {
        if (node_.is_watched) node_.oracle_.reply_lost(node_.name(), what, recipient);
    }
    void on_plaintext(std::string const& recipient) override {
        node_.oracle_.in_the_clear(node_.name(), recipient);
    }
    void on_stray_newline() override { node_.oracle_.stray_newline(node_.name()); }
    void on_line(bool to_peer, std::string_view line) override {
        if (node_.trace_.is_on() && node_.is_watched)
            node_.trace_.say(node_.name(), (to_peer ? "> " : "< ") + std::string(line));
    }
    void on_event(envelope::Event const& event) override {
        auto& tally = node_.world_.tally();
        using Kind = envelope::Event::Kind;
        if (!event.authentication.empty()) count_authentication(event, tally);
        if (event.kind == Kind::retried) tally.add(Happening::retry_by_hand);
        if (event.kind == Kind::held) tally.add(Happening::hold_by_hand);
        if (event.kind == Kind::released) tally.add(Happening::release_by_hand);
        if (event.kind == Kind::removed) tally.add(Happening::remove_by_hand);
        if (!node_.trace_.is_on() || !node_.is_watched) return;
        node_.trace_.say(node_.name(), std::string(envelope::to_string(event.kind)) + " " +
                                           event.recipient + " " + event.outcome.status + " " +
                                           event.outcome.text + event.note);
    }

  private:
    Node& node_;
};

// What dies with the power. The order of members is the order of their making.
struct Node::Life {
    Life(Node& n, std::shared_ptr<NodeDisk> disk, MemoryFiles f)
        : node(n),
          host(n.internet_, n.config_.name, {n.config_.address}),
          files(std::move(f)),
          clock(n.world_, n.clock_offset_),
          network(host, *n.watch_),
          spool(n.world_, n.spool_faults_, n.rng_, std::move(disk), options(n),
                [this](spool::Batch const& batch) {
                    if (node.is_watched) node.oracle_.committed(node.name(), batch, files);
                }),
          connections(std::make_shared<mta::ConnectionCounts>(64, n.rng_.next())) {
        auto const count = std::max(1U, n.config_.settings.threads);
        mta::QueueDeps deps{spool, *n.watch_, n.directory_, {}};
        for (std::size_t i = 0; i < count; ++i) {
            shards.push_back(std::make_unique<Shard>(*this, i));
            deps.shards.push_back({shards.back()->env, shards.back()->deliverer});
        }
        queue = std::make_unique<mta::QueueRunner>(std::move(deps), n.shared_settings());
        for (auto& shard : shards) {
            shard->door.emplace(*queue, n.world_.tally(), shard != shards.front());
            receivers.push_back(std::make_unique<mta::Receiver>(
                shard->env, spool, n.directory_, *n.watch_, *shard->door, connections));
        }
    }

    // What is accepted on another shard than the queue's goes over to it.
    class Door final : public mta::AcceptedSink {
      public:
        Door(mta::QueueRunner& queue, Tally& tally, bool crosses)
            : queue_(queue), tally_(tally), crosses_(crosses) {}
        void accepted(spool::EnvelopePtr envelope, spool::ContentPtr content) override {
            if (crosses_) tally_.add(Happening::crossed_shards);
            queue_.accepted(std::move(envelope), std::move(content));
        }

      private:
        mta::QueueRunner& queue_;
        Tally& tally_;
        bool crosses_;
    };
    struct Shard {
        Shard(Life& life, std::size_t number)
            : env{life.node.world_.context_of_shard(number).get_executor(),
                  life.clock,
                  life.node.world_.rng(),
                  life.network,
                  life.host.env().resolver,
                  life.files,
                  life.node.world_},
              deliverer(env) {}
        rt::Env env;
        mta::RouteDeliverer deliverer;
        std::optional<Door> door;
    };

    Result<void> configure(mta::SettingsPtr const& settings) {
        auto const identity = *host.load_identity(node.config_.name, "");
        for (auto const& receiver : receivers) {
            DAWK_TRY_VOID(receiver->configure(settings, identity));
            DAWK_TRY_VOID(receiver->open(receivers.size() > 1));
        }
        return {};
    }

    static spool::MemSpoolOptions options(Node const& n) {
        spool::MemSpoolOptions out;
        out.large_content_bytes = n.config_.settings.spool.large_content_bytes;
        out.keeps_records = false;
        out.history_events_max = n.is_watched ? 100'000 : 1;
        return out;
    }

    Node& node;
    Host host;
    MemoryFiles files;
    NodeClock clock;
    TapNetwork network;
    NodeSpool spool;
    std::shared_ptr<mta::ConnectionCounts> connections;
    std::vector<std::unique_ptr<Shard>> shards;
    std::unique_ptr<mta::QueueRunner> queue;
    std::vector<std::unique_ptr<mta::Receiver>> receivers;
    bool is_started = false, is_stopping = false, is_dead = false, is_unwound = false;
};

Node::Node(Internet& internet, Oracle& oracle, Trace& trace, NodeConfig config, std::uint64_t seed)
    : internet_(internet),
      world_(internet.world()),
      oracle_(oracle),
      trace_(trace),
      config_(std::move(config)),
      rng_(seed),
      directory_(*mail::parse_mailbox(config_.settings.postmaster)),
      disk_(std::make_shared<NodeDisk>()),
      watch_(std::make_unique<Watch>(*this)),
      tasks_(world_.context().get_executor()) {
    tasks_.spawn(fill_directory());
    world_.run_for(0s);
}

Task<void> Node::fill_directory() {
    for (auto const& domain : config_.domains) {
        auto const added = co_await directory_.add_domain(domain);
        DAWK_CHECK(added.has_value());
    }
    for (auto const& user : config_.users) {
        auto address = *mail::parse_mailbox(user);
        auto const added = co_await directory_.add_user(std::move(address), "secret");
        DAWK_CHECK(added.has_value());
    }
    for (auto alias : config_.aliases) {
        auto const added = co_await directory_.add_alias(std::move(alias));
        DAWK_CHECK(added.has_value());
    }
}

Node::~Node() {
    DAWK_CHECK(is_down());
}

std::shared_ptr<mta::Settings const> Node::shared_settings() const {
    return std::make_shared<mta::Settings const>(config_.settings);
}

MemoryFiles& Node::files() noexcept {
    return now_ != nullptr ? now_->files : kept_files_;
}
mta::QueueRunner& Node::queue() noexcept {
    DAWK_CHECK(now_ != nullptr);
    return *now_->queue;
}
bool Node::is_up() const noexcept {
    return now_ != nullptr && now_->is_started && !now_->is_stopping;
}

void Node::boot() {
    wants_up_ = true;
    if (now_ == nullptr) start({});
}

void Node::start(std::vector<spool::Batch> unannounced) {
    lives_.push_back(std::make_unique<Life>(*this, disk_, std::move(kept_files_)));
    kept_files_ = MemoryFiles();
    now_ = lives_.back().get();
    tasks_.spawn(wake_up(*now_, std::move(unannounced)));
}

Task<void> Node::wake_up(Life& life, std::vector<spool::Batch> unannounced) {
    co_await life.spool.recover(std::move(unannounced));
    if (is_watched) oracle_.came_up(name(), life.files);
    auto const settings = shared_settings();
    auto const configured = life.configure(settings);
    DAWK_CHECK(configured.has_value());
    life.queue->start();
    life.is_started = true;
}

void Node::crash(bool silently, Duration down_for) {
    if (now_ == nullptr || !now_->is_started) return;
    auto& life = *now_;
    now_ = nullptr;
    life.is_dead = true;
    world_.tally().add(silently ? Happening::silent_power_cut : Happening::power_cut);
    life.host.power_off(silently);
    auto survivors = life.spool.power_cut();
    disk_ = survivors.disk;
    kept_files_ = life.files;
    kept_files_.power_cut();
    if (is_watched) oracle_.went_down(name(), true);
    if (!life.is_stopping) {
        life.is_stopping = true;
        tasks_.spawn(wind_up(life, true));
    }
    come_back(down_for, std::move(survivors.unannounced));
}

void Node::crash_in_commit(bool silently, Duration down_for) {
    if (now_ == nullptr || !now_->is_started) return;
    now_->spool.in_next_commit = [this, life = now_, silently, down_for] {
        if (now_ == life) crash(silently, down_for);
    };
}

void Node::spare() {
    if (now_ != nullptr) now_->spool.in_next_commit = nullptr;
}

void Node::restart(Duration down_for) {
    if (!is_up()) return;
    world_.tally().add(Happening::restart);
    now_->is_stopping = true;
    back_in_ = down_for;
    tasks_.spawn(wind_up(*now_, false));
}

void Node::shut_down() {
    wants_up_ = false;
    if (now_ == nullptr || now_->is_stopping) return;
    now_->is_stopping = true;
    tasks_.spawn(wind_up(*now_, false));
}

void Node::come_back(Duration down_for, std::vector<spool::Batch> unannounced) {
    world_.after(down_for, [this, batches = std::move(unannounced)] {
        if (wants_up_ && now_ == nullptr) start(batches);
    });
}

// What is left of a life ends here: in good order, or because nothing works any more.
Task<void> Node::wind_up(Life& life, bool is_crash) {
    for (std::size_t i = 0; i < life.receivers.size(); ++i) {
        auto const executor = life.shards[i]->env.executor;
        auto task = life.receivers[i]->stop();
        co_await boost::asio::co_spawn(executor, std::move(task), boost::asio::use_awaitable);
    }
    auto const deadline = world_.steady() + (is_crash ? Duration{} : grace);
    co_await life.queue->stop(deadline);
    bury(life);
}

void Node::bury(Life& life) {
    life.is_unwound = true;
    if (now_ == &life) {
        kept_files_ = life.files;
        life.host.set_down(true);
        now_ = nullptr;
        if (is_watched) oracle_.went_down(name(), false);
        if (wants_up_) come_back(back_in_, {});
    }
    // What it had given to the pool, and timers of its own, are over by then.
    world_.after(1min, [this, which = &life] {
        std::erase_if(lives_, [which](auto const& one) { return one.get() == which; });
    });
}

void Node::reload(std::function<void(mta::Settings&)> const& change) {
    change(config_.settings);
    if (!is_up()) return;
    world_.tally().add(Happening::reload);
    auto const settings = shared_settings();
    auto const configured = now_->configure(settings);
    DAWK_CHECK(configured.has_value());
    now_->queue->reload(settings);
}

void Node::step_clock(Millis by) {
    clock_offset_ += by;
    world_.tally().add(by < Millis(0) ? Happening::clock_back : Happening::clock_forward);
    oracle_.clock_stepped(name());
}

Task<void> Node::ask(Life& life, std::string target) {
    mta::QueueAdmin admin(*life.queue);
    rt::HttpRequest request;
    request.method = "POST";
    request.target = std::move(target);
    auto const answered = co_await admin.handle(std::move(request));
    // A spool in trouble may refuse; nothing that is asked for here is wrong.
    if (answered.status >= 400 && answered.status < 500)
        oracle_.violated(Invariant::progress, name() + " did not understand its operator");
}

void Node::order(std::string_view verb, std::string_view filter) {
    if (!is_up()) return;
    if (verb == "hold") was_told_to_hold_ = true;
    if (verb == "retry" || verb == "release") oracle_.retried_by_hand(name());
    if (trace_.is_on())
        trace_.say(name(), "is told to " + std::string(verb) + " " + std::string(filter));
    tasks_.spawn(ask(*now_, "/v1/queue/" + std::string(verb) + "?" + std::string(filter)));
}

bool Node::is_quiet() const {
    if (!is_up() || !disk_->mem->envelopes.empty()) return false;
    auto const stats = now_->queue->stats();
    return stats.messages == 0 && stats.flying == 0 && stats.carriers == 0 &&
           now_->connections->open() == 0;
}

void Node::check_bounds() {
    if (!is_up()) return;
    auto const stats = now_->queue->stats();
    auto const& policy = config_.settings.queue;
    auto const over = [&](std::string_view what, std::uint64_t is, std::uint64_t most) {
        if (is > most)
            oracle_.violated(Invariant::bounded_memory, name() + " has " + std::to_string(is) +
                                                            " " + std::string(what) + ", not " +
                                                            std::to_string(most));
    };
    over("carriers", stats.carriers, policy.connections_all);
    over("messages ready", stats.ready, policy.ready_all + 300ULL);
    over("octets of hot content", stats.hot_content_bytes,
         policy.hot_content_bytes + config_.settings.limits.smtp.message_size_bytes);
    over("sessions open", now_->connections->open(), config_.settings.limits.connections);
}

}  // namespace dawk::sim
