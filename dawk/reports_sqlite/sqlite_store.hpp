// SqliteStore: the reports of one shard over a Database that all shards share. Every call works on
// the pool and never blocks the shard.
//
//     auto database = Database::open(settings.state_dir + "/reports.db");
//     SqliteStore store(*database, env.pool);
#pragma once

#include "dawk/reports_sqlite/database.hpp"
#include "dawk/rt/work.hpp"

namespace dawk::reports_sqlite {

class SqliteStore final : public reports::Store {
  public:
    SqliteStore(std::shared_ptr<Database> database, rt::WorkPool& pool)
        : database_(std::move(database)), pool_(pool) {}

    Task<Result<void>> add(std::vector<reports::Seen> batch) override;
    Task<Result<std::vector<reports::Key>>> unsent(reports::Day before, std::size_t limit) override;
    Task<Result<reports::Collected>> collected(reports::Key key, std::size_t rows_max) override;
    Task<Result<void>> mark_sent(reports::Key key, WallTime at, std::string note) override;
    Task<Result<bool>> keep(dmarcreport::Report report, WallTime received) override;
    Task<Result<std::vector<reports::SourceLine>>> sources(reports::Query query) override;
    Task<Result<std::vector<reports::ReportLine>>> reports(reports::Query query) override;
    Task<Result<void>> forget(reports::Day before) override;

  private:
    std::shared_ptr<Database> database_;
    rt::WorkPool& pool_;
};

}  // namespace dawk::reports_sqlite
