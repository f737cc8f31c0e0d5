// QueueRunner: the one owner of all state of messages and destinations. It decides what is tried
// when, starts carriers, records what came of it, makes reports, and answers questions about it.
//
//     QueueRunner queue(deps, settings);
//     queue.start();
//     queue.accepted(envelope, content);        // from any shard, once durable
//     co_await queue.stop(deadline);            // after all who bring mail in have stopped
//
// Everything but accepted() is for shard 0. Memory holds what is due now, within Policy's bounds,
// and a small record a destination; the rest stays on disk. No step looks at the whole queue. Never
// touches content, sockets or time but through its ports. Standards: RFC 5321 §4.5.4, §6.1; RFC
// 3461 §5, §6.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dawk/directory/directory.hpp"
#include "dawk/mta/accepted.hpp"
#include "dawk/mta/delivery.hpp"

namespace dawk::mta {

// Where carriers run. The first is shard 0, the queue's own.
struct QueueShard {
    rt::Env env;
    Deliverer& deliverer;
};

struct QueueDeps {
    spool::Spool& spool;
    envelope::EventSink& events;
    directory::Directory& directory;
    std::vector<QueueShard> shards;
};

struct QueueStats {
    std::uint64_t messages = 0;    // in memory
    std::uint64_t ready = 0;       // of them, parts that wait for a carrier
    std::uint64_t flying = 0;      // jobs with carriers
    std::uint64_t unrecorded = 0;  // messages with outcomes that no finished commit holds
    std::uint64_t carriers = 0;
    std::uint64_t destinations = 0;  // in memory
    std::uint64_t backed_off = 0;    // of them, those whose host did not answer the last time
    std::uint64_t hot_content_bytes = 0;
    std::uint64_t commits = 0, commit_failures = 0;
};

// What is known of a destination at this moment.
struct DestinationView {
    std::string key;
    bool has_route = true;  // false: its recipients will be routed anew
    std::optional<WallTime> backed_off_until;
    std::uint32_t failures = 0;  // of the host, in a row
    std::uint32_t carriers = 0, connected = 0, limit = 0;
    std::uint64_t ready = 0, flying = 0;
    std::optional<WallTime> next_on_disk;  // the earliest entry that is not in memory
    envelope::Outcome last_failure;        // of the host; meaningful when failures > 0
};

class QueueCore;

class QueueRunner final : public AcceptedSink {
  public:
    QueueRunner(QueueDeps deps, SettingsPtr settings);
    ~QueueRunner() override;

    // Reads the heads of the schedule and begins.
    void start();
    void accepted(spool::EnvelopePtr envelope, spool::ContentPtr content) override;
    // New settings hold for what is started from now on; recipients whose route has changed are
    // routed anew when their turn comes.
    void reload(SettingsPtr settings);
    // Carriers end after what they do now, at the deadline they are canceled; then everything that
    // is known is recorded, unless the spool refuses.
    Task<void> stop(SteadyTime deadline);

    QueueStats stats() const;
    std::optional<DestinationView> destination(std::string_view key) const;
    QueueCore& core() noexcept { return *core_; }  // for dawk/mta/queue_admin and explain

  private:
    bool const is_alone_;  // one shard: no crossing
    std::unique_ptr<QueueCore> core_;
};

}  // namespace dawk::mta
