// Feed: a carrier's way to the queue. On shard 0 it calls it; elsewhere it posts, and keeps a few
// jobs ahead so that a carrier does not wait for a crossing.
#pragma once

#include <deque>

#include "dawk/mta/queue_state.hpp"
#include "dawk/mta/wake.hpp"

namespace dawk::mta {

class QueueCore;

class Feed final : public JobFeed, public std::enable_shared_from_this<Feed> {
  public:
    Feed(QueueCore& core, std::shared_ptr<Carrier> carrier, routing::Route route,
         SettingsPtr settings, boost::asio::any_io_executor executor, bool is_local);

    routing::Route const& route() const override { return route_; }
    SettingsPtr const& settings() const override { return settings_; }
    std::vector<Job> take(std::size_t max) override;
    Task<bool> wait(SteadyTime deadline) override;
    void done(Job job, std::vector<envelope::Outcome> outcomes) override;
    void host_failed(envelope::Outcome const& outcome) override;
    void host_ready() override;

    // For the queue.
    // Before the carrier runs: on another shard its first jobs go along, for its first question
    // could be answered only after it has looked.
    void begin();
    void grant(std::vector<Job> jobs);
    void end();
    // The carrier has ended: what it did not take goes back. Called on its shard.
    void close();

  private:
    std::vector<Job> took(std::vector<Job> jobs);
    template <class F>
    void to_queue(F call);
    template <class F>
    void to_carrier(F call);

    QueueCore& core_;
    std::shared_ptr<Carrier> carrier_;
    routing::Route route_;
    SettingsPtr settings_;
    boost::asio::any_io_executor executor_;  // of the carrier's shard
    bool const is_local_;
    // On the carrier's shard.
    std::deque<Job> ahead_;
    std::vector<std::uint64_t> out_;  // tickets the carrier holds
    Wake wake_;
    bool ended_ = false, asked_ = false, closed_ = false;
};

}  // namespace dawk::mta
