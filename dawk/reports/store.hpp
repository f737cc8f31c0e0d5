// Store: what is known for DMARC reports. Two halves: what we saw, counted by day until it is
// reported; and what others reported to us, to be looked at.
//
//     co_await store.add(seen);                          // in batches, never on the way of a 250
//     auto due = co_await store.unsent(today, 100);      // days that are over
//     auto collected = co_await store.collected(key, rows_max);
//     co_await store.mark_sent(key, now, "sent to a@b");
//
//     co_await store.keep(report, now);                  // of others; false: it was there
//     auto lines = co_await store.sources(query);
//
// Engines: MemStore (tests, simulation), reports_sqlite::SqliteStore. One contract test for both.
// Callable from every shard; a task resumes on the shard it came from. Durable when it returns.
// Standards: RFC 9990 §3.1.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "dawk/base/time.hpp"
#include "dawk/dmarcreport/report.hpp"
#include "dawk/rt/task.hpp"

namespace dawk::reports {

using Day = std::int64_t;  // days since 1970-01-01, UTC
inline constexpr std::int64_t day_seconds = 86'400;
constexpr Day day_of(WallTime t) noexcept {
    return std::chrono::floor<std::chrono::days>(t).time_since_epoch().count();
}

// One report to make: all that was seen of a policy domain on one day.
struct Key {
    Day day = 0;
    std::string domain;
    friend auto operator<=>(Key const&, Key const&) = default;
};

// Messages that were alike. Of the policy the last word of the day counts (RFC 9990 §3.1).
struct Seen {
    Day day = 0;
    dmarcreport::Policy policy;
    std::vector<std::string> rua;  // URIs as published
    dmarcreport::Row row;
};

struct Collected {
    dmarcreport::Policy policy;
    std::vector<std::string> rua;
    std::vector<dmarcreport::Row> rows;  // those with most messages first
    std::uint64_t rows_left_out = 0;
};

struct Query {
    std::string domain;      // "" for all; else that and those below it
    std::int64_t since = 0;  // seconds since 1970: reports whose period ends after that
    std::size_t limit = 10'000;
};

// What others said about one source of mail in the name of a domain of ours.
struct SourceLine {
    std::string domain;  // of the policy
    std::string source_ip;
    std::uint64_t messages = 0, passed = 0, dkim_aligned = 0, spf_aligned = 0;
    std::uint64_t quarantined = 0, rejected = 0;
    std::uint64_t reports = 0;         // that name it
    std::int64_t first = 0, last = 0;  // begin and end of their periods
    friend bool operator==(SourceLine const&, SourceLine const&) = default;
};

struct ReportLine {
    std::string org_name, report_id, domain;
    std::int64_t begin = 0, end = 0;
    WallTime received{};
    std::uint64_t messages = 0, passed = 0;
    friend bool operator==(ReportLine const&, ReportLine const&) = default;
};

class Store {
  public:
    virtual ~Store() = default;

    // All of the batch, or nothing.
    virtual Task<Result<void>> add(std::vector<Seen> batch) = 0;
    // Of days before that one, oldest first.
    virtual Task<Result<std::vector<Key>>> unsent(Day before, std::size_t limit) = 0;
    virtual Task<Result<Collected>> collected(Key key, std::size_t rows_max) = 0;  // not_found
    // note: what became of it, for people. Later sightings of that day are not reported.
    virtual Task<Result<void>> mark_sent(Key key, WallTime at, std::string note) = 0;

    // Known by organization, report id and domain: a second one changes nothing.
    virtual Task<Result<bool>> keep(dmarcreport::Report report, WallTime received) = 0;
    // By domain, then those with most messages first.
    virtual Task<Result<std::vector<SourceLine>>> sources(Query query) = 0;
    virtual Task<Result<std::vector<ReportLine>>> reports(Query query) = 0;  // newest first

    // Everything of days before that one, ours and others'.
    virtual Task<Result<void>> forget(Day before) = 0;
};

}  // namespace dawk::reports
