#include "dawk/mta/held_jobs.hpp"

#include <algorithm>

#include "dawk/base/check.hpp"

namespace dawk::mta {
namespace {
constexpr std::size_t drain_step = 64;
}  // namespace

HeldJob::HeldJob(Job job, std::uint64_t id, SteadyTime since)
    : job_(std::move(job)),
      id_(id),
      since_(since),
      outcomes_(job_.recipients.size()),
      left_(job_.recipients.size()) {
    DAWK_CHECK(!job_.recipients.empty());
}

std::vector<std::size_t> HeldJob::open() const {
    std::vector<std::size_t> positions;
    positions.reserve(left_);
    for (std::size_t i = 0; i < outcomes_.size(); ++i) {
        if (!outcomes_[i]) positions.push_back(i);
    }
    return positions;
}

void HeldJob::settle(std::size_t position, envelope::Outcome outcome) {
    DAWK_CHECK(position < outcomes_.size() && !outcomes_[position]);
    outcomes_[position] = std::move(outcome);
    --left_;
}

void HeldJob::settle_open(envelope::Outcome const& outcome) {
    for (auto& slot : outcomes_) {
        if (!slot) slot = outcome;
    }
    left_ = 0;
}

HeldJobs::HeldJobs(rt::Clock& clock, std::shared_ptr<JobFeed> feed)
    : clock_(clock), feed_(std::move(feed)) {}

HeldJobs::~HeldJobs() {
    if (jobs_.empty()) return;
    envelope::Outcome stopped;
    stopped.kind = envelope::Outcome::Kind::deferred;
    stopped.status = "4.3.2";  // RFC 3463 §3.4: system not accepting; here: it is being stopped
    stopped.text = "the attempt was broken off, this server is being stopped";
    stopped.stage = "queue";
    stopped.at = clock_.wall();
    return_all(stopped, false);
}

std::size_t HeldJobs::take(std::size_t max) {
    auto taken = feed_->take(max);
    auto const count = taken.size();
    for (auto& job : taken) jobs_.emplace_back(std::move(job), next_id_++, clock_.steady());
    return count;
}

HeldJob* HeldJobs::first_not_begun() noexcept {
    auto const found = std::find_if(jobs_.begin(), jobs_.end(),
                                    [](HeldJob const& held) { return !held.is_begun; });
    return found == jobs_.end() ? nullptr : &*found;
}

HeldJob* HeldJobs::find(std::uint64_t id) noexcept {
    auto const found = std::find_if(jobs_.begin(), jobs_.end(),
                                    [&](HeldJob const& held) { return held.id() == id; });
    return found == jobs_.end() ? nullptr : &*found;
}

void HeldJobs::hand_back(HeldJob& held) {
    std::vector<envelope::Outcome> outcomes;
    outcomes.reserve(held.outcomes_.size());
    for (auto& outcome : held.outcomes_) outcomes.push_back(std::move(*outcome));
    held.reader.reset();
    feed_->done(std::move(held.job_), std::move(outcomes));
}

void HeldJobs::return_finished() {
    for (auto it = jobs_.begin(); it != jobs_.end();) {
        if (!it->is_finished()) {
            ++it;
            continue;
        }
        std::list<HeldJob> out;
        out.splice(out.begin(), jobs_, it++);  // done() may come back to us
        hand_back(out.front());
    }
}

void HeldJobs::return_all(envelope::Outcome const& outcome, bool drain) {
    do {
        for (auto& held : jobs_) held.settle_open(outcome);
        return_finished();
    } while (drain && take(drain_step) > 0);
}

}  // namespace dawk::mta
