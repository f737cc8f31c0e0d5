// QueueCore: the inside of QueueRunner, in several sources:
//   queue_core.cpp      slots, lives, time
//   queue_views.cpp     what others may know and change
//   queue_carriers.cpp  starting carriers, handing out jobs
//   queue_load.cpp      from disk to memory: pages of the schedule, routing anew
//   queue_sweep.cpp     a backlog's expired and overdue messages
//   queue_outcomes.cpp  what came of a job
//   queue_commit.cpp    recording it
//   queue_reports.cpp   delivery status notifications
// Private to dawk/mta/queue_* and explain. Shard 0 only.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "dawk/dsn/decide.hpp"
#include "dawk/mta/placement.hpp"
#include "dawk/mta/queue_runner.hpp"
#include "dawk/mta/queue_state.hpp"
#include "dawk/mta/wake.hpp"
#include "dawk/rt/task_group.hpp"

namespace dawk::mta {

// One recipient's share of an outcome, decided but not yet applied.
struct Change {
    std::uint32_t recipient = 0;
    envelope::Outcome outcome;
    queue::Decision decision;
    bool attempted = true;        // counts as an attempt
    bool delay_notified = false;  // the delay report is part of this change
};

// A report that is composed and waits for its commit, together with what it tells of.
struct Report {
    Live* live = nullptr;
    spool::EnvelopePtr envelope;
    spool::ContentPtr content;
    std::vector<std::uint32_t> recipients;  // of live, of whom it tells
    std::vector<envelope::Event> events;    // of the change and of the report
};

// As much of a message as a report may give back.
struct Original {
    std::string octets;
    bool is_whole = false;
};

// Reports whose one batch is on its way; kept as it is until it is on disk.
struct ReportBatch {
    spool::Batch batch;
    std::vector<Report> reports;
    std::vector<Live*> lives;
};

class QueueCore {
  public:
    QueueCore(QueueDeps deps, SettingsPtr settings);
    ~QueueCore();
    QueueCore(QueueCore const&) = delete;
    QueueCore& operator=(QueueCore const&) = delete;

    void start();
    void reload(SettingsPtr settings);
    Task<void> stop(SteadyTime deadline);
    void accepted(spool::EnvelopePtr envelope, spool::ContentPtr content);
    boost::asio::any_io_executor const& executor() const noexcept {
        return deps_.shards.front().env.executor;
    }
    QueueStats stats() const;
    std::optional<DestinationView> view(std::string_view key) const;

    // Carriers, by their feeds.
    std::vector<Job> take(Carrier& carrier, std::size_t max);
    void wait(std::shared_ptr<Carrier> carrier, SteadyTime deadline);
    void done(Job job, std::vector<envelope::Outcome> outcomes);
    void give_back(Job job);          // not tried at all
    void lost(std::uint64_t ticket);  // the carrier ended and never said what came of it
    void host_failed(Carrier& carrier, envelope::Outcome const& outcome);
    void host_ready(Carrier& carrier);
    void carrier_ended(std::shared_ptr<Carrier> carrier);

    // Operators (queue_admin).
    SettingsPtr const& settings() const noexcept { return settings_; }
    routing::Router const& router() const noexcept { return *router_; }
    spool::Spool& spool() noexcept { return deps_.spool; }
    directory::Directory& directory() noexcept { return deps_.directory; }
    rt::Env const& env() const noexcept { return deps_.shards.front().env; }
    // The message in memory with all its parts, pinned until unpin(); null when there is none or it
    // is finished. Errors of the spool otherwise.
    Task<Result<Live*>> pin(MessageId id);
    void unpin(Live& live);
    Live const* find_live(MessageId id) const;
    // Recipients of these that no carrier has at this moment may be changed by an operator.
    bool is_flying(Live const& live, std::uint32_t recipient) const;
    // After an operator changed recipients of a pinned message: takes it out of ready lists,
    // records.
    void rearrange(Live& live);
    void add_event(envelope::Event event);
    envelope::Event event_of(envelope::Event::Kind kind, Live const& live,
                             envelope::Recipient const* recipient) const;
    void forgive(std::string_view key);  // ends a back-off now
    // Returns when what was changed before the call is on disk (or stop() gave up).
    Task<void> flushed();

  private:
    using Slots = std::unordered_map<std::string, Slot>;

    // queue_core.cpp
    WallTime now() const { return env().clock.wall(); }
    queue::Policy const& policy() const noexcept { return settings_->queue; }
    Slot& slot_of(std::string const& key);
    Active& activate(Slot& slot);
    void relax(Slot& slot);  // forgets what the slot no longer needs, or itself
    void schedule(Slot& slot);
    void note(Slot& slot, Cursor entry);  // an entry of this slot came to lie on disk
    Live& create_live(MessageId id);
    void touch(Live& live);
    void let_go(Live& live);  // a pin or part less: evicts it when it was the last
    void hold_content(Live& live, spool::ContentPtr content);
    void drop_content(Live& live);
    Part& add_part(Live& live, Slot& slot);
    void make_parts(Live& live);
    bool takes_fresh(Slot& slot);
    std::optional<WallTime> next_due(Live const& live, Part const& part) const;
    void arm(SteadyTime at);
    Task<void> sleep(SteadyTime until);
    void on_time();
    void turn(Slot& slot);
    void soon();  // on_time() in a turn of its own
    bool is_short() const;
    bool is_full() const;
    Task<void> read_heads();
    Task<void> cancel_carriers_at(SteadyTime deadline);

    // queue_views.cpp
    void add_missing_parts(Live& live);
    void adopt_waiting(Live& live);

    // queue_carriers.cpp
    void kick(Slot& slot);
    bool wake_waiting(Slot& slot);
    void start_carrier(Slot& slot);
    void finish_carrier(std::shared_ptr<Carrier> carrier);
    void mark_failed(Slot& slot);
    void feed_starved();
    bool may_start(Slot const& slot) const;
    void stall(Slot& slot);
    Task<void> run_carrier(std::size_t shard, std::shared_ptr<Feed> feed);
    Job hand_out(Slot& slot, Carrier& carrier);
    Ticket release_ticket(std::uint64_t number);
    void make_ready(Live& live, Part& part);
    void unlist(Live& live, Part& part);
    void unload(Slot& slot);  // everything ready goes back to disk only
    void end_carrier(Carrier& carrier);
    bool must_yield(Carrier const& carrier) const;

    // queue_load.cpp
    bool wants_load(Slot const& slot) const;
    // How many parts are worth having in memory for the carriers there are.
    std::size_t load_target(Active const& active) const;
    Task<void> load(std::string key);
    Task<void> load_page(Slot& slot);
    enum class Loaded { ready, skipped, busy };
    // Read before their turn, by id; each pins its place in memory, so that nobody else reads it.
    using Ahead = std::map<MessageId, spool::Spool::Loaded>;
    Task<void> read_ahead(std::span<spool::Due const> entries, Ahead& ahead);
    void forget(Ahead& ahead);
    Task<Loaded> load_entry(Slot& slot, Cursor entry, Ahead& ahead);
    bool has_read_enough(Slot const& slot, std::size_t loaded, std::size_t limit) const;
    Task<bool> fill_envelope(Live& live, Slot& slot, Cursor entry);
    bool take_envelope(Live& live, Slot& slot, Cursor entry, Result<spool::EnvelopePtr> loaded);
    Task<bool> fill_content(Live& live, Slot& slot);
    bool take_content(Live& live, Slot& slot, Result<spool::ContentPtr> opened);
    bool reroute(Live& live, Part& part);
    void spread(Live& live, Part& part);
    void postpone(Slot& slot, Cursor entry, Millis by, std::string why);

    // queue_sweep.cpp
    void maybe_sweep(Slot& slot);
    Task<void> sweep(std::string key);
    Task<void> sweep_entry(Slot& slot, Cursor entry);

    // queue_outcomes.cpp
    queue::Decision decide(Live const& live, envelope::Recipient const& recipient,
                           envelope::Outcome const& outcome, Slot const& slot,
                           std::uint64_t random) const;
    void put_back(Ticket const& ticket);
    void after_job(Slot& slot, std::shared_ptr<Carrier> const& carrier);
    // Applies the changes, or has a report made first that goes to disk together with them.
    void settle(Live& live, Part& part, std::vector<Change> changes);
    void apply(Live& live, std::vector<Change> const& changes);
    void apply_one(Live& live, Change const& change);
    void part_done(Live& live, std::uint32_t part);

    // queue_commit.cpp
    Task<void> committer();
    bool has_changes() const;
    Task<Result<void>> write(spool::Batch const& batch);
    Task<bool> commit_changes();  // until it is on disk; false: given up by stop()
    Task<bool> commit_reports();  // once; false: it failed
    void gather_reports();
    void collect(Live& live, spool::Batch& batch);
    void committed(std::vector<Live*> const& lives);
    void set_recording(bool fails, ErrorCode error);
    void flush_told();

    // queue_reports.cpp
    bool needs_report(Live const& live, std::vector<Change> const& changes) const;
    Task<void> report(Live& live, std::uint32_t part, std::vector<Change> changes);
    Task<Original> read_original(Live& live);
    Task<Report> make_report(Live& live, envelope::Envelope const& future, dsn::Report told,
                             Original const& original);
    Task<Placement> place_report(mail::Address to);
    Task<spool::ContentPtr> write_report(MessageId id, std::string_view octets);
    static void strand(Report const& report, std::vector<std::uint32_t>& stranded);
    void finish_report(Live& live, std::uint32_t part, std::vector<Change> changes,
                       std::vector<Report> made, dsn::Decision const& decision);

    QueueDeps deps_;
    SettingsPtr settings_;
    std::unique_ptr<routing::Router> router_;

    Slots slots_;
    std::unordered_map<MessageId, Live> lives_;
    IndexedHeap<Slot, &Slot::wake, &Slot::heap_index> wakes_;
    IndexedHeap<Carrier, &Carrier::deadline, &Carrier::heap_index> waits_;
    SteadyTime alarm_ = SteadyTime::max();
    bool soon_ = false;

    std::vector<Ticket> tickets_;
    std::vector<std::uint32_t> free_tickets_;
    std::deque<Slot*> starved_;
    std::vector<Slot*> stalled_;
    std::uint64_t carriers_ = 0, next_carrier_ = 1;
    std::uint64_t ready_ = 0, hot_bytes_ = 0, flying_ = 0;
    std::uint64_t silent_ = 0;  // slots whose host does not answer
    std::uint32_t loads_ = 0, reports_running_ = 0;

    // Messages read from disk before accepted() told of them; see Live::early.
    std::deque<MessageId> early_order_;
    std::unordered_set<MessageId> early_;
    WallTime started_{};

    std::vector<Live*> touched_;
    std::vector<Report> reports_;
    std::optional<ReportBatch> report_batch_;
    std::vector<envelope::Event> events_;
    std::vector<envelope::Event>* event_target_ = &events_;
    std::vector<spool::Due> loose_add_, loose_remove_;  // of no message in memory
    Wake commit_wake_;
    bool recording_fails_ = false;
    bool stopping_ = false, closing_ = false, closed_ = false, gave_up_ = false;
    SteadyTime give_up_at_ = SteadyTime::max();
    std::uint64_t commits_ = 0, commit_failures_ = 0;
    std::uint64_t change_sequence_ = 0, committed_sequence_ = 0;
    struct Flush {
        std::uint64_t sequence;
        std::shared_ptr<Wake> wake;
    };
    std::vector<Flush> flushes_;

    rt::TaskGroup tasks_;     // loads, sweeps, reports
    rt::TaskGroup sleepers_;  // at most one that matters
    rt::TaskGroup recorder_;  // the committer
    std::vector<std::unique_ptr<rt::TaskGroup>> carriers_of_shard_;
};

}  // namespace dawk::mta
