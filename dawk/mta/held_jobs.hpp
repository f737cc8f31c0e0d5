// HeldJobs: what a carrier has taken from its feed and not yet handed back.
//
//     HeldJobs held(env.clock, feed);
//     held.take(1);
//     held.first().settle(position, outcome);
//     held.return_finished();
//
// Whatever happens to the carrier, each job is handed back exactly once: those that are left when
// this object dies (shutdown cuts a task at any await) go back deferred.
#pragma once

#include <list>

#include "dawk/mta/delivery.hpp"
#include "dawk/mta/downgrade.hpp"

namespace dawk::mta {

class HeldJob {
  public:
    HeldJob(Job job, std::uint64_t id, SteadyTime since);

    Job const& job() const noexcept { return job_; }
    envelope::Envelope const& envelope() const noexcept { return *job_.envelope; }
    std::uint64_t id() const noexcept { return id_; }
    SteadyTime since() const noexcept { return since_; }
    // Positions in job().recipients that have no outcome yet, in order.
    std::vector<std::size_t> open() const;
    bool is_finished() const noexcept { return left_ == 0; }
    void settle(std::size_t position, envelope::Outcome outcome);
    void settle_open(envelope::Outcome const& outcome);

    bool is_begun = false;     // a transaction is under way
    bool was_retried = false;  // begun a second time, after an idle connection turned out dead
    std::vector<std::size_t> begun_positions;
    std::unique_ptr<spool::Content::Reader> reader;  // of a large content
    std::string converted;                   // what goes instead of the content, if anything
    std::string converted_head;              // and instead of our trace fields
    bool is_examined = false;                // a large content, for this host
    std::optional<DowngradePlan> downgrade;  // what came of it, if it must be converted
    bool header_is_ascii = false;            // and whether it needs no SMTPUTF8

  private:
    friend class HeldJobs;
    Job job_;
    std::uint64_t id_;
    SteadyTime since_;
    std::vector<std::optional<envelope::Outcome>> outcomes_;
    std::size_t left_;
};

class HeldJobs {
  public:
    HeldJobs(rt::Clock& clock, std::shared_ptr<JobFeed> feed);
    ~HeldJobs();
    HeldJobs(HeldJobs const&) = delete;
    HeldJobs& operator=(HeldJobs const&) = delete;

    std::size_t take(std::size_t max);  // how many came
    bool empty() const noexcept { return jobs_.empty(); }
    HeldJob* first_not_begun() noexcept;
    HeldJob* find(std::uint64_t id) noexcept;
    std::list<HeldJob>& all() noexcept { return jobs_; }
    void return_finished();
    // Settles and hands back all, and with `drain` also what the feed still has.
    void return_all(envelope::Outcome const& outcome, bool drain);

  private:
    void hand_back(HeldJob& held);

    rt::Clock& clock_;
    std::shared_ptr<JobFeed> feed_;
    std::list<HeldJob> jobs_;
    std::uint64_t next_id_ = 1;
};

}  // namespace dawk::mta
