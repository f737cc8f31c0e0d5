#include "dawk/reports/mem_store.hpp"

#include <algorithm>
#include <set>

namespace dawk::reports {

bool matches(Query const& query, std::string const& domain, std::int64_t end) {
    bool const fits =
        query.domain.empty() || domain == query.domain || domain.ends_with('.' + query.domain);
    return fits && end >= query.since;
}

Task<Result<void>> MemStore::add(std::vector<Seen> batch) {
    if (trouble_) co_return trouble_;
    for (auto& seen : batch) {
        auto& own = own_[{seen.day, seen.policy.domain}];
        own.policy = std::move(seen.policy);
        own.rua = std::move(seen.rua);
        own.rows[std::move(seen.row.record)] += seen.row.count;
    }
    co_return Result<void>();
}

Task<Result<std::vector<Key>>> MemStore::unsent(Day before, std::size_t limit) {
    if (trouble_) co_return trouble_;
    std::vector<Key> out;
    for (auto const& [key, own] : own_)
        if (key.day < before && !own.is_sent && out.size() < limit) out.push_back(key);
    co_return out;
}

Task<Result<Collected>> MemStore::collected(Key key, std::size_t rows_max) {
    if (trouble_) co_return trouble_;
    auto const found = own_.find(key);
    if (found == own_.end()) co_return Errc::not_found;
    Collected out;
    out.policy = found->second.policy;
    out.rua = found->second.rua;
    for (auto const& [record, count] : found->second.rows) out.rows.push_back({record, count});
    std::stable_sort(out.rows.begin(), out.rows.end(),
                     [](auto const& a, auto const& b) { return a.count > b.count; });
    if (out.rows.size() > rows_max) {
        out.rows_left_out = out.rows.size() - rows_max;
        out.rows.resize(rows_max);
    }
    co_return out;
}

Task<Result<void>> MemStore::mark_sent(Key key, WallTime, std::string note) {
    if (trouble_) co_return trouble_;
    auto const found = own_.find(key);
    if (found == own_.end()) co_return Errc::not_found;
    found->second.is_sent = true;
    found->second.note = std::move(note);
    co_return Result<void>();
}

std::string MemStore::note_of(Key const& key) const {
    auto const found = own_.find(key);
    return found == own_.end() ? std::string() : found->second.note;
}

Task<Result<bool>> MemStore::keep(dmarcreport::Report report, WallTime received) {
    if (trouble_) co_return failure(trouble_);
    bool const known = std::any_of(foreign_.begin(), foreign_.end(), [&](Foreign const& other) {
        return other.report.org_name == report.org_name &&
               other.report.report_id == report.report_id &&
               other.report.policy.domain == report.policy.domain;
    });
    if (!known) foreign_.push_back({std::move(report), received});
    co_return Result<bool>(!known);
}

Task<Result<std::vector<SourceLine>>> MemStore::sources(Query query) {
    if (trouble_) co_return trouble_;
    std::map<std::pair<std::string, std::string>, SourceLine> lines;
    for (auto const& [report, received] : foreign_) {
        if (!matches(query, report.policy.domain, report.end)) continue;
        std::set<std::string> named;
        for (auto const& [record, count] : report.rows) {
            auto& line = lines[{report.policy.domain, record.source_ip}];
            line.domain = report.policy.domain;
            line.source_ip = record.source_ip;
            line.messages += count;
            if (record.passed()) line.passed += count;
            if (record.dkim == "pass") line.dkim_aligned += count;
            if (record.spf == "pass") line.spf_aligned += count;
            if (record.disposition == "quarantine") line.quarantined += count;
            if (record.disposition == "reject") line.rejected += count;
            if (named.insert(record.source_ip).second) ++line.reports;
            line.first = line.first == 0 ? report.begin : std::min(line.first, report.begin);
            line.last = std::max(line.last, report.end);
        }
    }
    std::vector<SourceLine> out;
    for (auto& [key, line] : lines) out.push_back(std::move(line));
    std::stable_sort(out.begin(), out.end(), [](auto const& a, auto const& b) {
        return a.domain != b.domain ? a.domain < b.domain : a.messages > b.messages;
    });
    if (out.size() > query.limit) out.resize(query.limit);
    co_return out;
}

Task<Result<std::vector<ReportLine>>> MemStore::reports(Query query) {
    if (trouble_) co_return trouble_;
    std::vector<ReportLine> out;
    for (auto const& [report, received] : foreign_) {
        if (!matches(query, report.policy.domain, report.end)) continue;
        ReportLine line{report.org_name,
                        report.report_id,
                        report.policy.domain,
                        report.begin,
                        report.end,
                        received,
                        0,
                        0};
        for (auto const& [record, count] : report.rows) {
            line.messages += count;
            if (record.passed()) line.passed += count;
        }
        out.push_back(std::move(line));
    }
    std::stable_sort(out.begin(), out.end(), [](auto const& a, auto const& b) {
        return a.end != b.end ? a.end > b.end : a.org_name < b.org_name;
    });
    if (out.size() > query.limit) out.resize(query.limit);
    co_return out;
}

Task<Result<void>> MemStore::forget(Day before) {
    if (trouble_) co_return trouble_;
    std::erase_if(own_, [&](auto const& one) { return one.first.day < before; });
    std::erase_if(foreign_, [&](auto const& one) { return one.report.end < before * day_seconds; });
    co_return Result<void>();
}

}  // namespace dawk::reports
