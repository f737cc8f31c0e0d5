// VerdictCollector: counts what one shard's sessions found, and hands it to the store in batches.
// It is never on the way of a reply: a verdict costs a look-up in a map, the disk is written by a
// task of its own.
//
//     VerdictCollector collector(env, store);
//     collector.configure(settings);     // collects when [dmarc.reports] from is set
//     collector.start();
//     ... receiver calls on_verdict ...
//     co_await collector.stop();         // writes the rest
//
// Bounded: so many different rows wait at most; what would be more is counted as lost. A crash
// loses what a few seconds brought: reports are statistics, mail is not. Lives on one shard.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <tuple>

#include "dawk/mta/seen.hpp"
#include "dawk/mta/settings.hpp"
#include "dawk/rt/env.hpp"
#include "dawk/rt/task_group.hpp"

namespace dawk::mta {

class VerdictCollector final : public VerdictSink {
  public:
    static constexpr std::size_t rows_max = 10'000;
    static constexpr auto write_every = std::chrono::seconds(5);

    // Failure reports are handed on as they come; must not block.
    using OnFailure = std::function<void(FailureSeen seen)>;

    VerdictCollector(rt::Env& env, reports::Store& store, OnFailure on_failure = {});

    void configure(SettingsPtr const& settings);
    void start();
    Task<void> stop();
    void on_verdict(JudgedMessage const& judged) override;
    // Writes what waits; called by the task, and by tests.
    Task<void> write();

    std::size_t waiting() const noexcept { return rows_.size(); }
    std::uint64_t lost() const noexcept { return lost_; }

  private:
    using Row = std::tuple<reports::Day, dmarcreport::Policy, std::vector<std::string>,
                           dmarcreport::Record>;
    Task<void> write_now_and_then();

    rt::Env& env_;
    reports::Store& store_;
    OnFailure on_failure_;
    rt::TaskGroup tasks_;
    std::map<Row, std::uint64_t> rows_;
    std::uint64_t lost_ = 0;
    bool collects_ = false, failures_ = false;
};

}  // namespace dawk::mta
