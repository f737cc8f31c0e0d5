#include "dawk/reports_sqlite/database.hpp"

#include <array>

#include "dawk/reports/text.hpp"
#include "dawk/sqlite/sqlite.hpp"

namespace dawk::reports_sqlite {

using sqlite::Connection;
using sqlite::Transaction;

namespace {

constexpr std::int64_t application_id = 0x44616B52;  // "DakR"

// steps[n] leads from version n to n + 1. A released step is never changed.
constexpr std::array<char const*, Database::schema_version> steps = {
    R"(CREATE TABLE own_report(
           day    INTEGER NOT NULL,
           domain TEXT NOT NULL,
           policy TEXT NOT NULL,
           rua    TEXT NOT NULL,
           sent   INTEGER NOT NULL DEFAULT 0,
           note   TEXT NOT NULL DEFAULT '',
           PRIMARY KEY (day, domain)
       ) STRICT, WITHOUT ROWID;
       CREATE TABLE own_row(
           day    INTEGER NOT NULL,
           domain TEXT NOT NULL,
           record TEXT NOT NULL,
           count  INTEGER NOT NULL,
           PRIMARY KEY (day, domain, record),
           FOREIGN KEY (day, domain) REFERENCES own_report(day, domain) ON DELETE CASCADE
       ) STRICT, WITHOUT ROWID;
       CREATE TABLE report(
           id        INTEGER PRIMARY KEY,
           org       TEXT NOT NULL,
           report_id TEXT NOT NULL,
           domain    TEXT NOT NULL,
           email     TEXT NOT NULL,
           begins    INTEGER NOT NULL,
           ends      INTEGER NOT NULL,
           received  INTEGER NOT NULL,
           policy    TEXT NOT NULL,
           UNIQUE (org, report_id, domain)
       ) STRICT;
       CREATE INDEX report_by_end ON report(ends);
       CREATE TABLE report_row(
           report      INTEGER NOT NULL REFERENCES report(id) ON DELETE CASCADE,
           source_ip   TEXT NOT NULL,
           count       INTEGER NOT NULL,
           disposition TEXT NOT NULL,
           dkim        TEXT NOT NULL,
           spf         TEXT NOT NULL,
           record      TEXT NOT NULL
       ) STRICT;
       CREATE INDEX row_by_report ON report_row(report);
       PRAGMA user_version = 1;)",
};

// Counts fit: SQLite's integers have a sign.
std::int64_t kept_count(std::uint64_t count) {
    return static_cast<std::int64_t>(std::min<std::uint64_t>(count, INT64_MAX / 1024));
}
std::uint64_t count_of(sqlite::Query const& query, int column) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(query.number(column), 0));
}

// The condition of a reports::Query: ?1 domain, ?2 ".domain", ?3 its size, ?4 since.
#define DAWK_MATCHING                                                                             \
    "(?1 = '' OR domain = ?1 OR (length(domain) > ?3 AND substr(domain, -?3) = ?2)) AND ends >= " \
    "?4"

void bind(sqlite::Query& to, reports::Query const& query) {
    auto const below = '.' + query.domain;
    to.bind(query.domain).bind(below).bind(static_cast<std::int64_t>(below.size()));
    to.bind(query.since).bind(static_cast<std::int64_t>(query.limit));
}

Result<void> add_one(Connection& c, reports::Seen const& seen) {
    {
        DAWK_TRY(auto query, c.query("INSERT INTO own_report(day, domain, policy, rua) "
                                     "VALUES (?, ?, ?, ?) ON CONFLICT(day, domain) DO UPDATE "
                                     "SET policy = excluded.policy, rua = excluded.rua"));
        query.bind(seen.day).bind(seen.policy.domain).bind(reports::to_text(seen.policy));
        DAWK_TRY_VOID(query.bind(reports::to_text(seen.rua)).run());
    }
    DAWK_TRY(auto query, c.query("INSERT INTO own_row(day, domain, record, count) "
                                 "VALUES (?, ?, ?, ?) ON CONFLICT(day, domain, record) "
                                 "DO UPDATE SET count = count + excluded.count"));
    query.bind(seen.day).bind(seen.policy.domain).bind(reports::to_text(seen.row.record));
    return query.bind(kept_count(seen.row.count)).run();
}

Result<void> add_row(Connection& c, std::int64_t report, dmarcreport::Row const& row) {
    DAWK_TRY(auto query, c.query("INSERT INTO report_row(report, source_ip, count, disposition, "
                                 "dkim, spf, record) VALUES (?, ?, ?, ?, ?, ?, ?)"));
    auto const& record = row.record;
    query.bind(report).bind(record.source_ip).bind(kept_count(row.count));
    query.bind(record.disposition).bind(record.dkim).bind(record.spf);
    return query.bind(reports::to_text(record)).run();
}

}  // namespace

Database::Database(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}
Database::~Database() = default;

Result<std::shared_ptr<Database>> Database::open(std::string path) {
    DAWK_TRY_VOID(Connection::create_file(path));
    DAWK_TRY(auto connection, Connection::open(path, Connection::Mode::write));
    DAWK_TRY_VOID(sqlite::migrate(*connection, {application_id, steps}));
    return std::shared_ptr<Database>(new Database(std::move(connection)));
}

Result<void> Database::add(std::vector<reports::Seen> const& batch) {
    std::lock_guard const lock(mutex_);
    DAWK_TRY(auto transaction, Transaction::begin(*connection_, Connection::Mode::write));
    for (auto const& seen : batch) DAWK_TRY_VOID(add_one(*connection_, seen));
    return transaction.commit();
}

Result<std::vector<reports::Key>> Database::unsent(reports::Day before, std::size_t limit) {
    std::lock_guard const lock(mutex_);
    DAWK_TRY(auto query,
             connection_->query("SELECT day, domain FROM own_report WHERE day < ? AND sent = 0 "
                                "ORDER BY day, domain LIMIT ?"));
    query.bind(before).bind(static_cast<std::int64_t>(limit));
    std::vector<reports::Key> out;
    for (;;) {
        DAWK_TRY(bool const row, query.step());
        if (!row) return out;
        out.push_back({query.number(0), query.text(1)});
    }
}

Result<reports::Collected> Database::collected(reports::Key const& key, std::size_t rows_max) {
    std::lock_guard const lock(mutex_);
    reports::Collected out;
    {
        DAWK_TRY(auto query, connection_->query("SELECT policy, rua FROM own_report "
                                                "WHERE day = ? AND domain = ?"));
        DAWK_TRY(bool const row, query.bind(key.day).bind(key.domain).step());
        if (!row) return Errc::not_found;
        DAWK_TRY(out.policy, reports::policy_of(query.text(0)));
        DAWK_TRY(out.rua, reports::list_of(query.text(1)));
    }
    DAWK_TRY(auto query,
             connection_->query("SELECT record, count FROM own_row WHERE day = ? AND domain = ? "
                                "ORDER BY count DESC, record"));
    query.bind(key.day).bind(key.domain);
    for (;;) {
        DAWK_TRY(bool const row, query.step());
        if (!row) return out;
        if (out.rows.size() >= rows_max) {
            ++out.rows_left_out;
            continue;
        }
        DAWK_TRY(auto record, reports::record_of(query.text(0)));
        out.rows.push_back({std::move(record), count_of(query, 1)});
    }
}

Result<void> Database::mark_sent(reports::Key const& key, WallTime at, std::string const& note) {
    std::lock_guard const lock(mutex_);
    DAWK_TRY(auto query, connection_->query("UPDATE own_report SET sent = ?, note = ? "
                                            "WHERE day = ? AND domain = ?"));
    query.bind(std::max<std::int64_t>(to_millis(at), 1)).bind(note);
    DAWK_TRY_VOID(query.bind(key.day).bind(key.domain).run());
    if (connection_->changes() != 1) return Errc::not_found;
    return {};
}

Result<bool> Database::keep(dmarcreport::Report const& report, WallTime received) {
    std::lock_guard const lock(mutex_);
    DAWK_TRY(auto transaction, Transaction::begin(*connection_, Connection::Mode::write));
    std::int64_t id = 0;
    {
        DAWK_TRY(auto query,
                 connection_->query("INSERT INTO report(org, report_id, domain, email, begins, "
                                    "ends, received, policy) VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
                                    "ON CONFLICT DO NOTHING RETURNING id"));
        query.bind(report.org_name).bind(report.report_id).bind(report.policy.domain);
        query.bind(report.email).bind(report.begin).bind(report.end).bind(to_millis(received));
        DAWK_TRY(bool const row, query.bind(reports::to_text(report.policy)).step());
        if (!row) return false;
        id = query.number(0);
        DAWK_TRY_VOID(query.run());
    }
    for (auto const& row : report.rows) DAWK_TRY_VOID(add_row(*connection_, id, row));
    DAWK_TRY_VOID(transaction.commit());
    return true;
}

Result<std::vector<reports::SourceLine>> Database::sources(reports::Query const& query) {
    std::lock_guard const lock(mutex_);
    DAWK_TRY(
        auto rows,
        connection_->query("SELECT domain, source_ip, sum(count),"
                           " sum(iif(dkim = 'pass' OR spf = 'pass', count, 0)),"
                           " sum(iif(dkim = 'pass', count, 0)), sum(iif(spf = 'pass', count, 0)),"
                           " sum(iif(disposition = 'quarantine', count, 0)),"
                           " sum(iif(disposition = 'reject', count, 0)),"
                           " count(DISTINCT report), min(begins), max(ends)"
                           " FROM report JOIN report_row ON report = id WHERE " DAWK_MATCHING
                           " GROUP BY domain, source_ip ORDER BY domain, sum(count) DESC, source_ip"
                           " LIMIT ?5"));
    bind(rows, query);
    std::vector<reports::SourceLine> out;
    for (;;) {
        DAWK_TRY(bool const row, rows.step());
        if (!row) return out;
        out.push_back({rows.text(0), rows.text(1), count_of(rows, 2), count_of(rows, 3),
                       count_of(rows, 4), count_of(rows, 5), count_of(rows, 6), count_of(rows, 7),
                       count_of(rows, 8), rows.number(9), rows.number(10)});
    }
}

Result<std::vector<reports::ReportLine>> Database::reports(reports::Query const& query) {
    std::lock_guard const lock(mutex_);
    DAWK_TRY(auto rows,
             connection_->query(
                 "SELECT org, report_id, domain, begins, ends, received, "
                 "coalesce((SELECT sum(count) FROM report_row WHERE report = id), 0), "
                 "coalesce((SELECT sum(count) FROM report_row WHERE report = id "
                 "AND (dkim = 'pass' OR spf = 'pass')), 0) FROM report WHERE " DAWK_MATCHING
                 " ORDER BY ends DESC, org LIMIT ?5"));
    bind(rows, query);
    std::vector<reports::ReportLine> out;
    for (;;) {
        DAWK_TRY(bool const row, rows.step());
        if (!row) return out;
        out.push_back({rows.text(0), rows.text(1), rows.text(2), rows.number(3), rows.number(4),
                       from_millis(rows.number(5)), count_of(rows, 6), count_of(rows, 7)});
    }
}

Result<void> Database::forget(reports::Day before) {
    std::lock_guard const lock(mutex_);
    DAWK_TRY(auto transaction, Transaction::begin(*connection_, Connection::Mode::write));
    {
        DAWK_TRY(auto own, connection_->query("DELETE FROM own_report WHERE day < ?"));
        DAWK_TRY_VOID(own.bind(before).run());
        DAWK_TRY(auto others, connection_->query("DELETE FROM report WHERE ends < ?"));
        DAWK_TRY_VOID(others.bind(before * reports::day_seconds).run());
    }
    return transaction.commit();
}

}  // namespace dawk::reports_sqlite
