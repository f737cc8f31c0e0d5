// The contract between the queue and those who deliver.
//
// The QueueRunner (one for the process, on shard 0) owns all state of envelopes and destinations.
// For a destination with work it starts as many carriers as its limits allow. A carrier takes jobs
// from its JobFeed, performs each, and hands back one Outcome for each recipient of the job. It
// decides nothing about retries. When the feed has no more work (after waiting idle for the time it
// is given), the carrier says goodbye to its peer and ends.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "dawk/envelope/envelope.hpp"
#include "dawk/mta/settings.hpp"
#include "dawk/routing/routing.hpp"
#include "dawk/rt/env.hpp"
#include "dawk/spool/spool.hpp"

namespace dawk::mta {

// One content for a batch of recipients of one destination.
struct Job {
    spool::EnvelopePtr envelope;
    spool::ContentPtr content;
    std::vector<std::uint32_t> recipients;  // indexes into envelope->recipients; never empty
    std::uint64_t ticket = 0;               // the queue's own; given back with the outcomes
};

class JobFeed {
  public:
    virtual ~JobFeed() = default;
    virtual routing::Route const& route() const = 0;
    virtual SettingsPtr const& settings() const = 0;
    // Up to max jobs that are due now, without waiting.
    virtual std::vector<Job> take(std::size_t max) = 0;
    // Waits for work until the deadline; false: none came, or the queue wants this carrier to end.
    virtual Task<bool> wait(SteadyTime deadline) = 0;
    // Hands a job back; outcomes[i] is of job.recipients[i]. Recorded by the queue with its next
    // group commit; the carrier need not wait. Every taken job is handed back exactly once.
    virtual void done(Job job, std::vector<envelope::Outcome> outcomes) = 0;
    // The host could not be reached or spoken to at all: the queue backs off the destination. Jobs
    // the carrier holds are handed back by done() with this outcome as well.
    virtual void host_failed(envelope::Outcome const& outcome) = 0;
    // A connection is up and the peer has greeted: ends the destination's back-off.
    virtual void host_ready() = 0;
};

class Deliverer {
  public:
    virtual ~Deliverer() = default;
    // Runs one carrier to its end. Never throws but for cancellation (shutdown), and then has
    // handed back each job that was not surely finished as deferred.
    virtual Task<void> carry(std::shared_ptr<JobFeed> feed) = 0;
};

}  // namespace dawk::mta
