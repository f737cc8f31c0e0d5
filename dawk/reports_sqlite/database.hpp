// Database: reports in one SQLite file in WAL mode. Every change is one transaction, durable when
// the call returns. Several processes may have it open: the server writes, the dawk command reads
// and imports.
//
//     auto database = Database::open("var/reports.db");        // made when it is not there
//     database->keep(report, now);
//
// All calls block; any thread may call, several at once, one after another is served. What they do
// is what dawk/reports/store.hpp says. SQL is fixed text with bound parameters.
#pragma once

#include <memory>
#include <mutex>

#include "dawk/reports/store.hpp"

namespace dawk::sqlite {
class Connection;
}

namespace dawk::reports_sqlite {

class Database {
  public:
    static constexpr std::size_t schema_version = 1;

    // Made with mode 0600. unsupported: made by a later Dawk; corrupt: not a database of reports.
    static Result<std::shared_ptr<Database>> open(std::string path);
    ~Database();

    Result<void> add(std::vector<reports::Seen> const& batch);
    Result<std::vector<reports::Key>> unsent(reports::Day before, std::size_t limit);
    Result<reports::Collected> collected(reports::Key const& key, std::size_t rows_max);
    Result<void> mark_sent(reports::Key const& key, WallTime at, std::string const& note);
    Result<bool> keep(dmarcreport::Report const& report, WallTime received);
    Result<std::vector<reports::SourceLine>> sources(reports::Query const& query);
    Result<std::vector<reports::ReportLine>> reports(reports::Query const& query);
    Result<void> forget(reports::Day before);

  private:
    explicit Database(std::unique_ptr<sqlite::Connection> connection);

    // Reports are rare and small work: one connection serves.
    std::mutex mutex_;
    std::unique_ptr<sqlite::Connection> connection_;
};

}  // namespace dawk::reports_sqlite
