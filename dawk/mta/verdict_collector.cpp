#include "dawk/mta/verdict_collector.hpp"

namespace dawk::mta {

VerdictCollector::VerdictCollector(rt::Env& env, reports::Store& store, OnFailure on_failure)
    : env_(env), store_(store), on_failure_(std::move(on_failure)), tasks_(env.executor) {}

void VerdictCollector::configure(SettingsPtr const& settings) {
    collects_ = !settings->dmarc_reports.from.empty();
    failures_ = collects_ && settings->dmarc_reports.failures && on_failure_ != nullptr;
}

void VerdictCollector::start() {
    tasks_.spawn(write_now_and_then());
}

Task<void> VerdictCollector::stop() {
    tasks_.cancel();
    co_await tasks_.join();
    co_await write();
}

void VerdictCollector::on_verdict(JudgedMessage const& judged) {
    if (!collects_) return;
    if (failures_)
        if (auto failed = failure_of(judged)) on_failure_(std::move(*failed));
    auto seen = seen_of(judged);
    if (!seen) return;
    Row row{seen->day, std::move(seen->policy), std::move(seen->rua), std::move(seen->row.record)};
    auto const found = rows_.find(row);
    if (found != rows_.end())
        ++found->second;
    else if (rows_.size() < rows_max)
        rows_.emplace(std::move(row), 1);
    else
        ++lost_;
}

Task<void> VerdictCollector::write() {
    if (rows_.empty()) co_return;
    auto const rows = std::exchange(rows_, {});
    std::vector<reports::Seen> batch;
    for (auto const& [row, count] : rows) {
        auto const& [day, policy, rua, record] = row;
        batch.push_back({day, policy, rua, {record, count}});
    }
    auto const done = co_await store_.add(std::move(batch));
    if (done) co_return;
    // Again with the next; what came meanwhile may be alike.
    for (auto const& [row, count] : rows) {
        if (rows_.contains(row) || rows_.size() < rows_max)
            rows_[row] += count;
        else
            lost_ += count;
    }
}

Task<void> VerdictCollector::write_now_and_then() {
    while (true) {
        auto const next = env_.clock.steady() + write_every;
        co_await env_.clock.sleep_until(next);
        co_await write();
    }
}

}  // namespace dawk::mta
