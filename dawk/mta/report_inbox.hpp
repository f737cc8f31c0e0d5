// ReportInbox: reads the DMARC reports of others as they come in. It stands before the queue: what
// is accepted goes on at once and is delivered as ever; if it was addressed to the inbox, its
// content is also read for a report, off the shard, and kept.
//
//     ReportInbox inbox(env, queue, store, address, say);
//     Receiver receiver(env, spool, directory, events, inbox);
//     ... co_await inbox.stop();
//
// What cannot be read stays in the mailbox like any mail, and is said; so is what nobody stands
// behind by DMARC, SPF or DKIM, and what comes while too much is waiting: `dawk report dmarc
// import` reads files. Standards: RFC 9990 §3.5.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "dawk/dmarcreport/read.hpp"
#include "dawk/mta/accepted.hpp"
#include "dawk/reports/store.hpp"
#include "dawk/rt/env.hpp"
#include "dawk/rt/task_group.hpp"

namespace dawk::mta {

class ReportInbox final : public AcceptedSink {
  public:
    static constexpr std::size_t waiting_max = 20;             // contents held at a time
    static constexpr std::uint64_t reports_of_day_max = 5000;  // nobody may fill the disk with them

    using Say = std::function<void(std::string_view level, std::string const& text)>;

    ReportInbox(rt::Env& env, AcceptedSink& next, reports::Store& store,
                std::optional<mail::Address> address, Say say);

    // From any shard.
    void accepted(spool::EnvelopePtr envelope, spool::ContentPtr content) override;
    Task<void> stop();

    std::uint64_t kept() const noexcept { return kept_; }
    std::uint64_t refused() const noexcept { return refused_; }

  private:
    bool is_for_us(envelope::Envelope const& envelope) const;
    void take(spool::EnvelopePtr envelope, spool::ContentPtr content);
    Task<void> read(spool::EnvelopePtr envelope, spool::ContentPtr content);
    void refuse(envelope::Envelope const& envelope, std::string const& reason);

    rt::Env& env_;
    AcceptedSink& next_;
    reports::Store& store_;
    std::optional<mail::Address> const address_;
    Say say_;
    rt::TaskGroup tasks_;
    bool stopping_ = false;
    reports::Day day_ = 0;
    std::uint64_t of_day_ = 0, kept_ = 0, refused_ = 0;
};

}  // namespace dawk::mta
