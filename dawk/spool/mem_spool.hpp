// MemSpool: the spool's engine in memory, for tests and the simulation. Never for mail that
// matters.
//
//     auto disk = std::make_shared<MemDisk>();        // outlives crashes of the spool that uses it
//     MemSpool spool(disk);
//     spool.fail_next(MemSpool::Op::commit, Errc::io_error);
//     spool.set_trouble(Errc::no_space);              // until set_trouble({})
//     ... destroy it: what was committed is on the disk; a new MemSpool(disk) finds it.
//
// With a clock and a latency, commit() takes that long, and what is not finished when the disk is
// powered off is lost, as on a real one. Records pass through the codec, as they would on a real
// disk: what it refuses is refused, what it cuts is cut. Deterministic; callable from several
// threads.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <mutex>
#include <set>

#include "dawk/rt/clock.hpp"
#include "dawk/spool/content.hpp"
#include "dawk/spool/spool.hpp"

namespace dawk::spool {

// What is durable. Guarded by its mutex.
struct MemDisk {
    struct Record {
        envelope::Event event;
        std::uint64_t sequence = 0;
    };
    std::mutex mutex;
    std::map<MessageId, EnvelopePtr> envelopes;
    std::map<MessageId, std::shared_ptr<MemoryContent const>> contents;
    std::set<Due> due;
    std::deque<Record> events;
    std::uint64_t next_sequence = 0;
    std::uint64_t content_bytes = 0;
    std::uint64_t commits = 0;  // how often something was made durable
    bool powered = true;        // off: nothing can be written or read; a crash in the simulation
};

struct MemSpoolOptions {
    std::uint64_t large_content_bytes = 256U << 10U;
    std::uint64_t capacity_bytes = UINT64_MAX;  // contents beyond it: no_space to inserts
    std::size_t history_events_max = 100'000;
    rt::Clock* clock = nullptr;  // needed for a latency
    std::chrono::microseconds commit_latency{0};
    bool keeps_records = true;  // through the codec; false: the owner does that (simulation)
};

class MemSpool final : public Spool {
  public:
    enum class Op { write, finish, commit, load, open_content, list, due, destinations, history };

    explicit MemSpool(std::shared_ptr<MemDisk> disk = std::make_shared<MemDisk>(),
                      MemSpoolOptions options = {});

    std::unique_ptr<ContentWriter> create_content(MessageId id,
                                                  std::uint64_t announced_size) override;
    Task<Result<void>> commit(Batch batch) override;
    Task<Result<EnvelopePtr>> load(MessageId id) override;
    Task<Result<ContentPtr>> open_content(EnvelopePtr envelope) override;
    Task<Result<std::vector<EnvelopePtr>>> list(MessageId after, std::size_t limit) override;
    Task<Result<std::vector<Due>>> due(std::string destination, std::optional<Due> after,
                                       std::size_t limit) override;
    Task<Result<std::vector<DestinationHead>>> destinations(std::string after,
                                                            std::size_t limit) override;
    Task<Result<std::vector<envelope::Event>>> history(MessageId id) override;
    Task<Result<std::vector<envelope::Event>>> history_of(std::string address,
                                                          std::size_t limit) override;
    Task<Result<Usage>> usage() override;
    bool is_in_trouble() const noexcept override;

    // The next count operations of that kind fail with error and change nothing.
    void fail_next(Op op, ErrorCode error, std::size_t count = 1);
    // Every commit fails with error, and is_in_trouble() is true, until it is cleared with {}.
    void set_trouble(ErrorCode error);
    std::shared_ptr<MemDisk> const& disk() const noexcept { return disk_; }

  private:
    friend class MemContentWriter;
    ErrorCode fault(Op op);  // with the mutex held
    Result<void> apply(Batch const& batch);
    std::uint64_t bytes_of(Batch const& batch) const;

    std::shared_ptr<MemDisk> disk_;
    MemSpoolOptions options_;
    std::map<Op, std::pair<ErrorCode, std::size_t>> faults_;
    ErrorCode trouble_;
};

}  // namespace dawk::spool
