// MaildirCarrier: puts the jobs of a local domain into mailboxes, in batches: what has piled up
// while the disk was busy with one batch becomes the next. MaildirTurns lets few carriers write at
// a time, so that batches grow instead of waiting in line at the disk.
#pragma once

#include <boost/asio/steady_timer.hpp>

#include "dawk/mta/held_jobs.hpp"
#include "dawk/mta/maildir.hpp"

namespace dawk::mta {

class MaildirTurns {
  public:
    explicit MaildirTurns(boost::asio::any_io_executor executor);
    Task<void> enter();
    void leave() noexcept;

  private:
    static constexpr int writers = 2;  // one prepares while the other waits for the disk
    int free_ = writers;
    boost::asio::steady_timer waiting_;
};

class MaildirCarrier {
  public:
    MaildirCarrier(rt::Env& env, MaildirTurns& turns, std::shared_ptr<JobFeed> feed);
    Task<void> run();

  private:
    struct Batch;
    struct Work;
    Task<bool> one_batch();
    Task<void> write_large(std::shared_ptr<Batch> batch, spool::ContentPtr content);
    Task<Result<void>> begin_large(std::shared_ptr<Work> work, std::uint64_t size);
    std::string new_name(std::uint64_t size);
    void add(Batch& batch, HeldJob& held, std::size_t position);
    void settle(Batch& batch);
    envelope::Outcome outcome_of(MaildirItem const& item, SteadyTime since) const;

    rt::Env& env_;
    MaildirTurns& turns_;
    std::shared_ptr<JobFeed> feed_;
    HeldJobs held_;
    std::uint64_t counter_ = 0;
};

}  // namespace dawk::mta
