// Committer: the one thread that writes. What waits goes into one WriteBatch and one sync of the
// log; then every task that waited is resumed, by one post to each executor. No delay is ever
// added: a lone request is written at once, and groups form while a sync is under way.
//
// After a failed write nothing more is taken: RocksDB refuses writes, requests fail at once, and
// each recovery_interval the database is closed and opened again without the unsynced tail of its
// log (log_files.hpp). Large files of failed requests are kept until then: a crash before it may
// bring such a request back, and then as a whole.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <shared_mutex>
#include <thread>
#include <unordered_set>

#include "dawk/rt/clock.hpp"
#include "dawk/spool_rocks/request.hpp"

namespace rocksdb {
class WriteBatch;
}

namespace dawk::spool_rocks {

// The engine in use; none while it cannot be opened. Readers hold the lock shared for one
// operation.
struct EngineSlot {
    std::shared_mutex mutex;
    std::unique_ptr<Engine> engine;
};

using RequestPtr = std::shared_ptr<Request>;

class Committer {
  public:
    Committer(EngineSlot& slot, std::shared_ptr<LargeFiles> files, rt::Clock const& clock,
              RocksOptions const& options);
    ~Committer();  // commits what waits, then ends
    Committer(Committer const&) = delete;
    Committer& operator=(Committer const&) = delete;

    void push(RequestPtr request);
    bool is_in_trouble() const noexcept { return trouble_ || below_floor_; }
    Usage usage() const;
    std::uint64_t disk_free() const;

  private:
    using Group = std::vector<RequestPtr>;
    struct Write {
        enum class Kind : std::uint8_t { put, remove, remove_once };
        Family family{};
        Kind kind{};
        std::uint32_t number = 0;  // in the group
        std::uint64_t head = 0;    // of the key: most comparisons need no more
        std::string_view key, value;
        friend bool operator<(Write const& a, Write const& b) noexcept {
            if (a.family != b.family) return a.family < b.family;
            if (a.head != b.head) return a.head < b.head;
            int const order = a.key.compare(b.key);
            return order != 0 ? order < 0 : a.number < b.number;
        }
    };
    void loop();
    Group take();
    bool is_stopping() const;
    bool has_reason_to_wake() const { return !pending_.empty() || stopping_; }
    void commit(Group group);
    void build(Group const& group, rocksdb::WriteBatch& batch);
    void add(Request const& request);
    ErrorCode find_contents_to_remove(Request& request) const;
    void refuse_inserts_below_floor(Group& group);
    void refuse_what_cannot_be_read(Group& group);
    void check_floor();
    void succeeded(Group const& group);
    void failed(Group const& group, ErrorCode error, std::string const& detail);
    void refuse(Group group, ErrorCode error);  // what was not written
    void complete(Group group, ErrorCode error);
    void remove_linked(Request const& request);

    void try_to_recover();
    bool recover();
    bool reopen();
    bool can_write();
    bool still_in_trouble(std::string const& why);  // false
    void sweep_history();

    EngineSlot& slot_;
    std::shared_ptr<LargeFiles> files_;
    rt::Clock const& clock_;
    RocksOptions const options_;

    mutable std::mutex mutex_;
    std::condition_variable wake_;
    std::vector<RequestPtr> pending_;
    bool stopping_ = false;
    bool sleeping_ = false;
    Usage usage_;  // guarded by mutex_; written by the thread

    std::atomic<bool> trouble_{false};
    std::atomic<bool> below_floor_{false};

    // Only the thread:
    ErrorCode trouble_error_;
    std::string last_trouble_;
    std::vector<RequestPtr> failed_files_;    // of failed requests, until the log is clean
    std::shared_ptr<LogFiles> log_files_;     // of an engine that was closed
    std::deque<RequestPtr> backlog_;          // taken, not yet committed
    std::unordered_set<MessageId> put_once_;  // envelopes inserted lately and never updated
    std::deque<MessageId> put_once_order_;
    std::chrono::steady_clock::time_point floor_checked_{};
    std::chrono::steady_clock::time_point next_recovery_{};
    std::uint32_t swept_day_ = 0;
    SteadyTime next_sweep_{};
    std::vector<Write> writes_;  // of the group being built
    std::unique_ptr<rocksdb::WriteBatch> scratch_;
    std::thread thread_;
};

}  // namespace dawk::spool_rocks
