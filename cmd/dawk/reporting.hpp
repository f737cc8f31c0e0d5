// Reporting: what of a running server makes and reads DMARC reports, wired together: a collector on
// each shard, the reporter and the inbox on the first.
//
//     Reporting reporting(database, settings, queue, say);
//     for (each shard) reporting.add_shard(env, spool, directory, events);
//     Receiver receiver(..., reporting.accepted(), shards, reporting.verdicts(i));
//     reporting.start();                           // before the threads run
//     co_await reporting.stop_shard(i);            // on shard i, after its receiver has stopped
//
// Standards: RFC 9990, RFC 9991.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dawk/mta/report_inbox.hpp"
#include "dawk/mta/reporter.hpp"
#include "dawk/mta/verdict_collector.hpp"
#include "dawk/reports_sqlite/sqlite_store.hpp"

namespace dawk::cmd {

class Reporting {
  public:
    using Say = std::function<void(std::string_view level, std::string const& text)>;

    Reporting(std::shared_ptr<reports_sqlite::Database> database, mta::SettingsPtr settings,
              mta::AcceptedSink& queue, Say say);

    void add_shard(rt::Env& env, spool::Spool& spool, directory::Directory& directory,
                   envelope::EventSink& events);
    mta::AcceptedSink& accepted() noexcept { return *inbox_; }
    mta::VerdictSink* verdicts(std::size_t shard) noexcept {
        return shards_[shard]->collector.get();
    }
    void start();
    // On that shard.
    void configure(std::size_t shard, mta::SettingsPtr const& settings);
    Task<void> stop_shard(std::size_t shard);
    std::uint64_t lost() const noexcept { return shards_.front()->collector->lost(); }

  private:
    struct Shard {
        std::unique_ptr<reports_sqlite::SqliteStore> store;
        std::unique_ptr<mta::VerdictCollector> collector;
    };
    std::shared_ptr<reports_sqlite::Database> database_;
    mta::SettingsPtr settings_;  // of the start
    mta::AcceptedSink& queue_;
    Say say_;
    std::vector<std::unique_ptr<Shard>> shards_;
    std::unique_ptr<rt::TaskGroup> later_;
    dkim::KeyCache keys_;  // of mail of ours nothing is verified
    std::unique_ptr<mta::ReportInbox> inbox_;
    std::unique_ptr<mta::ReceiverPorts> ports_;
    std::unique_ptr<mta::Reporter> reporter_;
};

}  // namespace dawk::cmd
