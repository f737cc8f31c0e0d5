#include "dawk/reports_sqlite/sqlite_store.hpp"

namespace dawk::reports_sqlite {

using reports::Collected;
using reports::Day;
using reports::Key;
using reports::Query;
using reports::ReportLine;
using reports::Seen;
using reports::SourceLine;

Task<Result<void>> SqliteStore::add(std::vector<Seen> batch) {
    auto job = [database = database_, batch = std::move(batch)] { return database->add(batch); };
    co_return co_await rt::offload(pool_, std::move(job));
}

Task<Result<std::vector<Key>>> SqliteStore::unsent(Day before, std::size_t limit) {
    auto job = [database = database_, before, limit] { return database->unsent(before, limit); };
    co_return co_await rt::offload(pool_, std::move(job));
}

Task<Result<Collected>> SqliteStore::collected(Key key, std::size_t rows_max) {
    auto job = [database = database_, key, rows_max] { return database->collected(key, rows_max); };
    co_return co_await rt::offload(pool_, std::move(job));
}

Task<Result<void>> SqliteStore::mark_sent(Key key, WallTime at, std::string note) {
    auto job = [database = database_, key, at, note] { return database->mark_sent(key, at, note); };
    co_return co_await rt::offload(pool_, std::move(job));
}

Task<Result<bool>> SqliteStore::keep(dmarcreport::Report report, WallTime received) {
    auto job = [database = database_, report = std::move(report), received] {
        return database->keep(report, received);
    };
    co_return co_await rt::offload(pool_, std::move(job));
}

Task<Result<std::vector<SourceLine>>> SqliteStore::sources(Query query) {
    auto job = [database = database_, query] { return database->sources(query); };
    co_return co_await rt::offload(pool_, std::move(job));
}

Task<Result<std::vector<ReportLine>>> SqliteStore::reports(Query query) {
    auto job = [database = database_, query] { return database->reports(query); };
    co_return co_await rt::offload(pool_, std::move(job));
}

Task<Result<void>> SqliteStore::forget(Day before) {
    auto job = [database = database_, before] { return database->forget(before); };
    co_return co_await rt::offload(pool_, std::move(job));
}

}  // namespace dawk::reports_sqlite
