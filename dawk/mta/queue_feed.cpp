#include "dawk/mta/queue_feed.hpp"

#include <boost/asio/post.hpp>

#include "dawk/base/check.hpp"
#include "dawk/mta/queue_core.hpp"

namespace dawk::mta {
namespace {

constexpr std::size_t jobs_ahead = 4;  // of a carrier on another shard

}  // namespace

Feed::Feed(QueueCore& core, std::shared_ptr<Carrier> carrier, routing::Route route,
           SettingsPtr settings, boost::asio::any_io_executor executor, bool is_local)
    : core_(core),
      carrier_(std::move(carrier)),
      route_(std::move(route)),
      settings_(std::move(settings)),
      executor_(std::move(executor)),
      is_local_(is_local),
      wake_(executor_) {}

template <class F>
void Feed::to_queue(F call) {
    if (is_local_) {
        call();
    } else {
        boost::asio::post(core_.executor(), [self = shared_from_this(),
                                             call = std::move(call)]() mutable { call(); });
    }
}

template <class F>
void Feed::to_carrier(F call) {
    if (is_local_) {
        call();
    } else {
        boost::asio::post(
            executor_, [self = shared_from_this(), call = std::move(call)]() mutable { call(); });
    }
}

std::vector<Job> Feed::take(std::size_t max) {
    std::vector<Job> jobs;
    if (closed_) return jobs;
    while (!ahead_.empty() && jobs.size() < max) {
        jobs.push_back(std::move(ahead_.front()));
        ahead_.pop_front();
    }
    if (is_local_) {
        if (jobs.empty()) jobs = core_.take(*carrier_, max);
    } else if (!asked_ && !ended_ && ahead_.size() < jobs_ahead / 2) {
        asked_ = true;
        to_queue([this] { grant(core_.take(*carrier_, jobs_ahead)); });
    }
    return took(std::move(jobs));
}

std::vector<Job> Feed::took(std::vector<Job> jobs) {
    for (auto const& job : jobs) out_.push_back(job.ticket);
    return jobs;
}

Task<bool> Feed::wait(SteadyTime deadline) {
    if (!ahead_.empty()) co_return true;
    if (ended_) co_return false;
    to_queue([this, deadline] { core_.wait(carrier_, deadline); });
    while (ahead_.empty() && !ended_) {
        co_await wake_.wait();
    }
    co_return !ahead_.empty();
}

void Feed::done(Job job, std::vector<envelope::Outcome> outcomes) {
    DAWK_CHECK(std::erase(out_, job.ticket) == 1);
    DAWK_CHECK(outcomes.size() == job.recipients.size());
    to_queue([this, job = std::move(job), outcomes = std::move(outcomes)]() mutable {
        core_.done(std::move(job), std::move(outcomes));
    });
}

void Feed::host_failed(envelope::Outcome const& outcome) {
    to_queue([this, outcome] { core_.host_failed(*carrier_, outcome); });
}

void Feed::host_ready() {
    to_queue([this] { core_.host_ready(*carrier_); });
}

void Feed::begin() {
    if (is_local_) return;
    asked_ = true;
    grant(core_.take(*carrier_, jobs_ahead));
}

// Also answers "nothing": then asked_ alone changes.
void Feed::grant(std::vector<Job> jobs) {
    to_carrier([this, jobs = std::move(jobs)]() mutable {
        asked_ = false;
        if (closed_) {
            to_queue([this, back = std::move(jobs)]() mutable {
                for (auto& job : back) core_.give_back(std::move(job));
            });
            return;
        }
        for (auto& job : jobs) ahead_.push_back(std::move(job));
        if (!ahead_.empty()) wake_.wake();
    });
}

void Feed::end() {
    to_carrier([this] {
        ended_ = true;
        wake_.wake();
    });
}

void Feed::close() {
    DAWK_CHECK(!closed_);
    closed_ = true;
    to_queue([this, back = std::move(ahead_), lost = std::move(out_)]() mutable {
        for (auto& job : back) core_.give_back(std::move(job));
        for (auto const ticket : lost) core_.lost(ticket);
        core_.carrier_ended(carrier_);
    });
}

}  // namespace dawk::mta
