// RocksSpool: the spool on RocksDB. Shared by all shards; made once, before them, gone after them.
//
//     RocksOptions options;
//     options.folder = state_dir + "/spool";
//     auto spool = RocksSpool::open(pool, clock, files, options);   // blocking: replays the log
//     if (!spool) die(spool.error().detail);                        // in use, newer format,
//     damaged
//
// One thread writes (committer.hpp); reads of what is in memory are answered at once, the others
// run on the work pool. Every task must have ended before the spool is destroyed. The format on
// disk is described in keys.hpp and engine.hpp; a format newer than ours is refused.
#pragma once

#include <memory>

#include "dawk/rt/clock.hpp"
#include "dawk/rt/files.hpp"
#include "dawk/rt/network.hpp"
#include "dawk/rt/work.hpp"
#include "dawk/spool/spool.hpp"
#include "dawk/spool_rocks/options.hpp"

namespace dawk::spool_rocks {

class RocksSpool final : public spool::Spool {
  public:
    static rt::ExplainedResult<std::unique_ptr<RocksSpool>> open(rt::WorkPool& pool,
                                                                 rt::Clock const& clock,
                                                                 rt::Files& files,
                                                                 RocksOptions options);
    ~RocksSpool() override;

    std::unique_ptr<spool::ContentWriter> create_content(MessageId id,
                                                         std::uint64_t announced_size) override;
    Task<Result<void>> commit(spool::Batch batch) override;
    Task<Result<spool::EnvelopePtr>> load(MessageId id) override;
    Task<Result<spool::ContentPtr>> open_content(spool::EnvelopePtr envelope) override;
    Task<std::vector<Loaded>> load_many(std::vector<MessageId> ids,
                                        std::uint64_t content_bytes_max) override;
    Task<Result<std::vector<spool::EnvelopePtr>>> list(MessageId after, std::size_t limit) override;
    Task<Result<std::vector<spool::Due>>> due(std::string destination,
                                              std::optional<spool::Due> after,
                                              std::size_t limit) override;
    Task<Result<std::vector<spool::DestinationHead>>> destinations(std::string after,
                                                                   std::size_t limit) override;
    Task<Result<std::vector<envelope::Event>>> history(MessageId id) override;
    Task<Result<std::vector<envelope::Event>>> history_of(std::string address,
                                                          std::size_t limit) override;
    Task<Result<spool::Usage>> usage() override;
    bool is_in_trouble() const noexcept override;

    // What RocksDB wrote to disk and what was handed to it, since opening (options.statistics).
    struct Written {
        std::uint64_t user_bytes = 0, wal_bytes = 0, flush_bytes = 0, compaction_bytes = 0,
                      blob_bytes = 0, syncs = 0;
    };
    Written written() const;

  private:
    struct Impl;
    explicit RocksSpool(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace dawk::spool_rocks
