// Reporter: sends DMARC reports. Once a day, some time after midnight UTC that differs from server
// to server, it writes one aggregate report for each domain seen on the days that are over, asks
// who wants it, and posts it as mail. Failure reports, where configured, go as they come, so many
// an hour at most.
//
//     Reporter reporter(ports, store, say);
//     reporter.configure(settings);      // sends when [dmarc.reports] from is set
//     reporter.start();
//     ...
//     co_await reporter.stop();
//
// A report is marked as sent after it was posted: a crash between the two sends it once more, with
// the same name and Report-ID. Lives on one shard.
// Standards: RFC 9990 §3.1, §3.5, §4; RFC 9991 §3, §6; RFC 5965.
#pragma once

#include <functional>
#include <set>
#include <string>

#include "dawk/dmarcreport/compose.hpp"
#include "dawk/dmarcreport/destinations.hpp"
#include "dawk/mta/intake.hpp"
#include "dawk/mta/seen.hpp"
#include "dawk/reports/store.hpp"

namespace dawk::mta {

class Reporter {
  public:
    static constexpr std::size_t rows_max = 50'000;   // of one report
    static constexpr reports::Day days_to_retry = 2;  // while DNS does not answer
    static constexpr reports::Day days_to_send = 7;   // after a long stop of ours

    // What happened, for the log.
    using Say = std::function<void(std::string_view level, std::string const& text)>;

    Reporter(ReceiverPorts& ports, reports::Store& store, Say say);

    void configure(SettingsPtr settings) { settings_ = std::move(settings); }
    void start();
    Task<void> stop();

    // Sends what is due now and forgets what is old; how many messages were posted.
    Task<std::size_t> send_due();
    // From any shard; returns at once.
    void failure(FailureSeen seen);

    std::uint64_t failures_sent() const noexcept { return failures_sent_; }

  private:
    struct Posted {
        std::size_t messages = 0;
        bool again = false;  // later
        std::string note;
    };
    Task<void> run();
    Task<std::size_t> report_on(reports::Key key, reports::Day today);
    Task<Posted> post_to_all(dmarcreport::Mail mail, std::vector<std::string> rua,
                             reports::Day age);
    dmarcreport::Mail mail_about(reports::Key const& key, reports::Collected collected) const;
    bool may_send_failure(FailureSeen const& seen);
    Task<void> send_failure(FailureSeen seen);
    std::string unique();
    mail::Address own_address() const;

    ReceiverPorts& ports_;
    reports::Store& store_;
    Say say_;
    SettingsPtr settings_;
    rt::TaskGroup tasks_;
    Duration after_midnight_;
    reports::Day done_ = 0;  // the day on which all was sent
    bool stopping_ = false;
    std::int64_t hour_ = 0;
    std::uint32_t failures_of_hour_ = 0;
    std::set<std::string> reported_in_hour_;
    std::uint64_t failures_sent_ = 0;
};

}  // namespace dawk::mta
