#include <algorithm>

#include "dawk/base/check.hpp"
#include "dawk/mta/queue_core.hpp"

namespace dawk::mta {
namespace {

using envelope::Event;
using envelope::State;

Event::Kind event_kind(State state) {
    switch (state) {
        case State::waiting:
            return Event::Kind::deferred;
        case State::held:
            return Event::Kind::held;
        case State::delivered:
            return Event::Kind::delivered;
        case State::relayed:
            return Event::Kind::relayed;
        case State::failed:
            return Event::Kind::failed;
        case State::expired:
            return Event::Kind::expired;
        case State::removed:
            return Event::Kind::removed;
    }
    return Event::Kind::deferred;
}

bool is_refused_connection(std::vector<envelope::Outcome> const& outcomes) {
    return std::all_of(outcomes.begin(), outcomes.end(), [](envelope::Outcome const& outcome) {
        return outcome.whole_host && outcome.kind == envelope::Outcome::Kind::deferred;
    });
}

}  // namespace

queue::Decision QueueCore::decide(Live const& live, envelope::Recipient const& recipient,
                                  envelope::Outcome const& outcome, Slot const& slot,
                                  std::uint64_t random) const {
    auto const& envelope = live.truth();
    queue::MessageTimes times{envelope.arrived, envelope.expires};
    if (times.expires == WallTime{})  // a record of an importer that knew none
        times.expires = queue::expiry(envelope.reverse_path.is_null(), policy(), times.arrived);
    auto const success =
        routing::is_local_key(*slot.key) ? queue::Success::delivered : queue::Success::relayed;
    return queue::decide(recipient, times, outcome, success, policy(), now(), random);
}

envelope::Event QueueCore::event_of(Event::Kind kind, Live const& live,
                                    envelope::Recipient const* recipient) const {
    Event event;
    event.kind = kind;
    event.at = now();
    event.id = live.id;
    auto const& envelope = live.truth();
    event.sender = envelope.reverse_path.text();
    event.size_bytes = envelope.content_size;
    if (recipient != nullptr) {
        event.recipient = recipient->address.text();
        event.destination = recipient->destination;
        event.attempt = recipient->attempts;
    }
    return event;
}

void QueueCore::add_event(Event event) {
    event_target_->push_back(std::move(event));
    ++change_sequence_;
    commit_wake_.wake();
}

void QueueCore::done(Job job, std::vector<envelope::Outcome> outcomes) {
    auto const ticket = release_ticket(job.ticket);
    auto& live = *ticket.live;
    auto& part = live.parts[ticket.part];
    auto& slot = *part.slot;
    auto const carrier = ticket.carrier;
    if (slot.active->connected > 0 && is_refused_connection(outcomes)) {
        // Others of this destination work: there was one connection too many, and no attempt.
        put_back(ticket);
        after_job(slot, carrier);
        return;
    }
    auto const random = env().rng.next();  // one for all: they go on travelling together
    std::vector<Change> changes;
    changes.reserve(outcomes.size());
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
        auto const index = job.recipients[i];
        auto const& recipient = live.truth().recipients[index];
        DAWK_CHECK(recipient.state == State::waiting);
        auto decision = decide(live, recipient, outcomes[i], slot, random);
        changes.push_back({index, std::move(outcomes[i]), decision, true, false});
    }
    settle(live, part, std::move(changes));
    after_job(slot, carrier);
}

// Nothing was tried: it is as ready as before.
void QueueCore::give_back(Job job) {
    auto const ticket = release_ticket(job.ticket);
    put_back(ticket);
    after_job(*ticket.carrier->slot, ticket.carrier);
}

void QueueCore::put_back(Ticket const& ticket) {
    auto& live = *ticket.live;
    auto& part = live.parts[ticket.part];
    auto& slot = *part.slot;
    if (part.is_in_progress() || !live.content || stopping_ || !slot.active->route ||
        slot.state.backed_off_until(now())) {
        part_done(live, ticket.part);
        return;
    }
    make_ready(live, part);
    if (part.listed)
        kick(slot);
    else
        part_done(live, ticket.part);
}

void QueueCore::lost(std::uint64_t number) {
    DAWK_CHECK(number < tickets_.size() && tickets_[number].live != nullptr);
    auto const ticket = release_ticket(number);
    auto& live = *ticket.live;
    auto& part = live.parts[ticket.part];
    auto& slot = *part.slot;
    envelope::Outcome outcome;
    outcome.kind = envelope::Outcome::Kind::deferred;
    outcome.status = "4.3.0";
    outcome.stage = "queue";
    outcome.text = "The delivery ended without saying what came of it.";
    outcome.at = now();
    std::vector<Change> changes;
    auto const random = env().rng.next();
    for (auto const index : ticket.recipients) {
        auto const& recipient = live.truth().recipients[index];
        auto const decision = decide(live, recipient, outcome, slot, random);
        changes.push_back({index, outcome, decision, true, false});
    }
    settle(live, part, std::move(changes));
    after_job(slot, ticket.carrier);
}

void QueueCore::after_job(Slot& slot, std::shared_ptr<Carrier> const& carrier) {
    if (carrier->over) {
        finish_carrier(carrier);
        return;
    }
    if (slot.heap_index == not_in_heap && slot.earliest != WallTime::max()) schedule(slot);
}

void QueueCore::settle(Live& live, Part& part, std::vector<Change> changes) {
    auto const index = static_cast<std::uint32_t>(&part - live.parts.data());
    if (needs_report(live, changes)) {
        ++part.staged;
        ++live.pins;
        ++reports_running_;
        tasks_.spawn(report(live, index, std::move(changes)));
        return;
    }
    apply(live, changes);
    part_done(live, index);
}

void QueueCore::apply(Live& live, std::vector<Change> const& changes) {
    bool const is_all = !live.working && changes.size() == live.shared->recipients.size() &&
                        std::all_of(changes.begin(), changes.end(), [](Change const& change) {
                            return is_final(change.decision.state);
                        });
    for (auto const& change : changes) {
        if (is_all) {
            // Nothing of it will be written again: only the event remains.
            auto const& recipient = live.shared->recipients[change.recipient];
            auto event = event_of(event_kind(change.decision.state), live, &recipient);
            event.attempt = recipient.attempts + (change.attempted ? 1U : 0U);
            event.outcome = change.outcome;
            add_event(std::move(event));
        } else {
            apply_one(live, change);
        }
    }
    if (is_all || live.truth().is_finished()) live.finished = true;
    touch(live);
}

void QueueCore::apply_one(Live& live, Change const& change) {
    auto& recipient = live.change().recipients[change.recipient];
    if (change.attempted) {
        ++recipient.attempts;
    }
    if (!change.outcome.status.empty()) recipient.last = change.outcome;
    bool const is_news = change.attempted || recipient.state != change.decision.state;
    recipient.state = change.decision.state;
    if (recipient.state == State::waiting) recipient.next_attempt = change.decision.next_attempt;
    if (change.delay_notified) recipient.delay_notified = true;
    if (is_news) {
        auto event = event_of(event_kind(recipient.state), live, &recipient);
        event.outcome = change.outcome;
        if (recipient.state == State::waiting) event.next_attempt = recipient.next_attempt;
        add_event(std::move(event));
    }
    if (change.delay_notified) add_event(event_of(Event::Kind::delay_notified, live, &recipient));
}

// A job or a report less: when it was the last, the part's place in the schedule is set anew.
void QueueCore::part_done(Live& live, std::uint32_t index) {
    auto& part = live.parts[index];
    if (part.is_in_progress()) return;
    part.due = part.handed = 0;
    auto const due = next_due(live, part);
    if (due != part.disk && !live.finished) touch(live);
    if (std::none_of(live.parts.begin(), live.parts.end(),
                     [](Part const& p) { return p.is_in_progress(); }))
        drop_content(live);
    let_go(live);
}

}  // namespace dawk::mta
