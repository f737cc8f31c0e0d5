#include <algorithm>

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "dawk/base/check.hpp"
#include "dawk/base/mutation.hpp"
#include "dawk/mta/queue_core.hpp"
#include "dawk/mta/queue_feed.hpp"

namespace dawk::mta {
namespace {

// How many jobs a carrier may do before it makes room for a destination that has none.
constexpr std::uint64_t slice_jobs = 50;
constexpr std::size_t take_max = 64;

// The same on every machine and in every run, unlike std::hash.
std::size_t hash_of(std::string_view key) {
    std::uint64_t hash = 14695981039346656037ULL;
    for (char const c : key) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    return static_cast<std::size_t>(hash);
}

// Tells the feed that its carrier is over, however the carrier ends.
struct Closer {
    std::shared_ptr<Feed> feed;
    explicit Closer(std::shared_ptr<Feed> f) : feed(std::move(f)) {}
    ~Closer() { feed->close(); }
    Closer(Closer const&) = delete;
    Closer& operator=(Closer const&) = delete;
};

}  // namespace

void QueueCore::make_ready(Live& live, Part& part) {
    auto const slack = now() + std::chrono::seconds(1);  // those due together go together
    auto const& all = live.truth().recipients;
    auto const due = std::partition(
        part.recipients.begin(), part.recipients.end(), [&](std::uint32_t const index) {
            auto const& recipient = all[index];
            return recipient.state == envelope::State::waiting &&
                   recipient.destination == *part.slot->key && recipient.next_attempt <= slack;
        });
    part.due = static_cast<std::uint32_t>(due - part.recipients.begin());
    part.handed = 0;
    if (part.due == 0) return;
    std::sort(part.recipients.begin(), due);
    part.listed = true;
    auto& active = *part.slot->active;
    active.ready.push_back({&live, static_cast<std::uint32_t>(&part - live.parts.data())});
    active.hot_bytes += live.hot_bytes;
    ++ready_;
}

void QueueCore::unlist(Live& live, Part& part) {
    if (!part.listed) return;
    part.listed = false;
    part.due = part.handed;
    auto& active = *part.slot->active;
    auto const index = static_cast<std::uint32_t>(&part - live.parts.data());
    auto const found = std::find_if(active.ready.begin(), active.ready.end(), [&](Ready const& r) {
        return r.live == &live && r.part == index;
    });
    DAWK_CHECK(found != active.ready.end());
    active.ready.erase(found);
    active.hot_bytes -= live.hot_bytes;
    --ready_;
}

void QueueCore::unload(Slot& slot) {
    if (!slot.active) return;
    auto& active = *slot.active;
    bool const was_full = is_full();
    auto const ready = std::exchange(active.ready, {});
    ready_ -= ready.size();
    active.hot_bytes = 0;
    for (auto const& [live, index] : ready) {
        auto& part = live->parts[index];
        part.listed = false;
        part.due = part.handed;
    }
    for (auto const& [live, index] : ready) {
        if (live->parts[index].is_in_progress()) continue;
        let_go(*live);
    }
    if (was_full && !is_full()) soon();
}

Job QueueCore::hand_out(Slot& slot, Carrier& carrier) {
    auto& active = *slot.active;
    auto const [live, index] = active.ready.front();
    auto& part = live->parts[index];
    Job job;
    job.envelope = live->shared;
    job.content = live->content;
    auto const most = std::max<std::uint32_t>(1, policy().recipients_per_transaction);
    auto const count = std::min(most, part.due - part.handed);
    auto const first = part.recipients.begin() + part.handed;
    job.recipients.assign(first, first + count);
    part.handed += count;
    ++part.flying;
    if (part.handed == part.due) {
        bool const was_full = is_full();
        part.listed = false;
        active.ready.pop_front();
        active.hot_bytes -= live->hot_bytes;
        --ready_;
        if (was_full && !is_full()) soon();
    }
    ++active.flying;
    ++flying_;
    ++carrier.flying;
    if (free_tickets_.empty()) {
        free_tickets_.push_back(static_cast<std::uint32_t>(tickets_.size()));
        tickets_.emplace_back();
    }
    job.ticket = free_tickets_.back();
    free_tickets_.pop_back();
    tickets_[job.ticket] = Ticket{live, index, carrier.self.lock(), job.recipients};
    return job;
}

Ticket QueueCore::release_ticket(std::uint64_t number) {
    DAWK_CHECK(number < tickets_.size() && tickets_[number].live != nullptr);
    auto ticket = std::exchange(tickets_[number], Ticket{});
    free_tickets_.push_back(static_cast<std::uint32_t>(number));
    --flying_;
    --ticket.carrier->flying;
    auto& part = ticket.live->parts[ticket.part];
    --part.flying;
    --part.slot->active->flying;
    return ticket;
}

// A carrier goes when it has had its share and others have none, or its connection is old.
bool QueueCore::must_yield(Carrier const& carrier) const {
    if (carrier.taken >= policy().messages_per_connection) return true;
    return !starved_.empty() && carrier.taken >= slice_jobs;
}

std::vector<Job> QueueCore::take(Carrier& carrier, std::size_t max) {
    std::vector<Job> jobs;
    if (carrier.ending || stopping_) return jobs;
    auto& slot = *carrier.slot;
    auto& active = *slot.active;
    if (must_yield(carrier) || slot.state.backed_off_until(now())) {
        end_carrier(carrier);
        return jobs;
    }
    if (recording_fails_) {
        stall(slot);
        return jobs;
    }
    std::size_t share = 0;
    if (slot.state.is_probing()) {
        share = active.flying == 0 ? 1 : 0;  // one message finds out, not all
    } else {
        auto const carriers = std::max<std::size_t>(1, active.carriers.size());
        share = std::max<std::size_t>(1, active.ready.size() / carriers);
    }
    share = std::min({share, max, take_max});
    while (jobs.size() < share && !active.ready.empty()) jobs.push_back(hand_out(slot, carrier));
    if (jobs.empty()) return jobs;
    if (carrier.taken == 0) --active.starting;
    carrier.taken += jobs.size();
    if (slot.heap_index == not_in_heap && wants_load(slot)) schedule(slot);
    return jobs;
}

void QueueCore::wait(std::shared_ptr<Carrier> carrier, SteadyTime deadline) {
    auto& slot = *carrier->slot;
    auto jobs = take(*carrier, 1);
    if (!jobs.empty()) {
        carrier->feed->grant(std::move(jobs));
        return;
    }
    // With nothing to do it makes room at once for those who have.
    if (stopping_ || !starved_.empty()) end_carrier(*carrier);
    if (carrier->ending) return;
    carrier->waiting = true;
    carrier->deadline = deadline;
    waits_.put(*carrier);
    if (&waits_.top() == carrier.get()) arm(deadline);
    schedule(slot);
}

void QueueCore::end_carrier(Carrier& carrier) {
    waits_.remove(carrier);
    carrier.waiting = false;
    if (carrier.ending) return;
    carrier.ending = true;
    carrier.was_told_to_end = true;
    carrier.feed->end();
}

bool QueueCore::wake_waiting(Slot& slot) {
    for (auto const& carrier : slot.active->carriers) {
        if (!carrier->waiting) continue;
        auto jobs = take(*carrier, 1);
        if (jobs.empty()) continue;
        waits_.remove(*carrier);
        carrier->waiting = false;
        carrier->feed->grant(std::move(jobs));
        return true;
    }
    return false;
}

void QueueCore::stall(Slot& slot) {
    if (slot.active->stalled) return;
    slot.active->stalled = true;
    stalled_.push_back(&slot);
}

// Work has come, or the right to do it: to those who wait for it, then to new carriers.
void QueueCore::kick(Slot& slot) {
    if (stopping_ || !slot.active || slot.active->ready.empty()) return;
    auto& active = *slot.active;
    if (recording_fails_) {
        stall(slot);
        return;
    }
    while (!active.ready.empty()) {
        bool const given = wake_waiting(slot);
        if (!given) break;
    }
    while (may_start(slot)) {
        if (carriers_ >= std::max<std::uint32_t>(1, policy().connections_all)) {
            if (active.starved || mutated(Mutation::starve_destination)) break;
            active.starved = true;
            starved_.push_back(&slot);
            // Somebody who only waits makes room.
            if (!waits_.empty()) end_carrier(waits_.top());
            break;
        }
        start_carrier(slot);
    }
}

// Is there work for one more carrier, and the right to it? (The total apart.)
bool QueueCore::may_start(Slot const& slot) const {
    auto const& active = *slot.active;
    if (stopping_ || recording_fails_ || active.ready.size() <= active.starting) return false;
    if (slot.state.is_probing() && active.flying > 0) return false;
    return active.carriers.size() < slot.state.limit(policy(), now());
}

void QueueCore::start_carrier(Slot& slot) {
    auto& active = *slot.active;
    DAWK_CHECK(active.route.has_value());
    auto const shard = hash_of(*slot.key) % deps_.shards.size();
    auto carrier = std::make_shared<Carrier>();
    carrier->self = carrier;
    carrier->slot = &slot;
    carrier->number = next_carrier_++;
    auto const& executor = deps_.shards[shard].env.executor;
    auto feed =
        std::make_shared<Feed>(*this, carrier, *active.route, settings_, executor, shard == 0);
    carrier->feed = feed;
    active.carriers.push_back(carrier);
    ++active.starting;
    ++carriers_;
    auto& group = *carriers_of_shard_[shard];
    if (shard == 0) {
        group.spawn(run_carrier(shard, feed));
    } else {
        feed->begin();
        boost::asio::post(executor,
                          [this, &group, shard, feed] { group.spawn(run_carrier(shard, feed)); });
    }
}

Task<void> QueueCore::run_carrier(std::size_t shard, std::shared_ptr<Feed> feed) {
    Closer const closer(feed);
    // In a turn of its own: a carrier that ends at once must not grow the stack of who started it.
    auto const executor = deps_.shards[shard].env.executor;
    co_await boost::asio::post(executor, boost::asio::use_awaitable);
    co_await deps_.shards[shard].deliverer.carry(std::move(feed));
}

void QueueCore::carrier_ended(std::shared_ptr<Carrier> carrier) {
    waits_.remove(*carrier);
    carrier->waiting = false;
    carrier->ending = true;
    carrier->over = true;
    finish_carrier(std::move(carrier));
}

// A carrier is forgotten when it has ended and all it was given has come back.
void QueueCore::finish_carrier(std::shared_ptr<Carrier> carrier) {
    if (!carrier->over || carrier->flying > 0) return;
    auto& slot = *carrier->slot;
    auto& active = *slot.active;
    auto const erased = std::erase(active.carriers, carrier);
    DAWK_CHECK(erased == 1);
    if (!mutated(Mutation::leak_connection_slot)) --carriers_;
    if (carrier->connected) --active.connected;
    if (carrier->taken == 0) --active.starting;
    carrier->feed.reset();
    // One that ran and did not even ask, though there was work and a right to it, must not be
    // started over and over.
    if (carrier->taken == 0 && !carrier->was_told_to_end && !carrier->connected &&
        !active.ready.empty() && !stopping_)
        mark_failed(slot);
    ++slot.parts;  // nobody forgets the slot before we are done with it
    if (slot.state.backed_off_until(now())) unload(slot);
    feed_starved();
    kick(slot);
    --slot.parts;
    schedule(slot);
    relax(slot);
}

// One at a time, so that all who wait get something before one gets more.
void QueueCore::feed_starved() {
    auto const most = std::max<std::uint32_t>(1, policy().connections_all);
    while (!recording_fails_ && !starved_.empty() && carriers_ < most) {
        auto* const slot = starved_.front();
        starved_.pop_front();
        slot->active->starved = false;
        if (may_start(*slot)) start_carrier(*slot);
        if (may_start(*slot)) {
            slot->active->starved = true;
            starved_.push_back(slot);
        } else {
            relax(*slot);
        }
    }
}

void QueueCore::mark_failed(Slot& slot) {
    bool const was_silent = slot.state.is_probing();
    slot.state.failed(slot.active->connected, policy(), now(), env().rng.next());
    if (slot.state.is_probing() && !was_silent) ++silent_;
}

void QueueCore::host_failed(Carrier& carrier, envelope::Outcome const& outcome) {
    auto& slot = *carrier.slot;
    auto& active = *slot.active;
    if (carrier.connected) {
        carrier.connected = false;
        --active.connected;
    }
    mark_failed(slot);
    if (!slot.state.is_probing()) return;  // others work: there is only a limit
    slot.failure = std::make_unique<envelope::Outcome>(outcome);
    unload(slot);
    schedule(slot);
    maybe_sweep(slot);
}

void QueueCore::host_ready(Carrier& carrier) {
    auto& slot = *carrier.slot;
    if (!carrier.connected) {
        carrier.connected = true;
        ++slot.active->connected;
    }
    if (slot.state.is_probing()) --silent_;
    slot.state.ready(policy(), now());
    slot.failure.reset();
    schedule(slot);
    kick(slot);
}

}  // namespace dawk::mta
