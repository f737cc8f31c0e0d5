// While a destination does not answer, its messages are not tried one by one; but their time passes
// all the same. The sweep reads the keys of the backlog, which tell the age, and loads only those
// messages that became due for a warning or for giving up since the last sweep.
#include <algorithm>

#include "dawk/mta/queue_core.hpp"

namespace dawk::mta {
namespace {

constexpr std::size_t keys_per_page = 512;
constexpr Millis sweep_interval = std::chrono::minutes(10);
// An id is born when the transaction begins, the message arrives when it ends.
constexpr Millis longest_transaction = std::chrono::hours(2);

bool passed_between(WallTime born, Millis age, WallTime since, WallTime until) {
    if (age <= Millis::zero()) return false;
    auto const at = born + age;
    return at <= until && (since == WallTime{} || at + longest_transaction > since);
}

}  // namespace

void QueueCore::maybe_sweep(Slot& slot) {
    if (stopping_ || !slot.active || slot.active->sweeping) return;
    if (slot.swept != WallTime{} && now() < slot.swept + sweep_interval) return;
    if (slot.earliest > now()) return;
    slot.active->sweeping = true;
    tasks_.spawn(sweep(*slot.key));
}

Task<void> QueueCore::sweep(std::string key) {
    auto& slot = slots_.at(key);  // sweeping keeps it
    auto const since = slot.swept;
    auto const until = now();
    std::optional<spool::Due> after;
    while (!stopping_ && slot.state.backed_off_until(now())) {
        auto const page = co_await spool().due(key, after, keys_per_page);
        if (!page || page->empty()) break;
        bool at_end = page->size() < keys_per_page;
        for (auto const& entry : *page) {
            if (entry.due > until) {
                at_end = true;
                break;
            }
            auto const born = entry.id.born();
            if (passed_between(born, policy().warn_after, since, until) ||
                passed_between(born, policy().expire, since, until) ||
                passed_between(born, policy().expire_bounce, since, until)) {
                Cursor const here{entry.due, entry.id};
                co_await sweep_entry(slot, here);
            }
        }
        if (at_end) {
            slot.swept = until;
            break;
        }
        after = page->back();
        auto const breath = env().clock.steady() + std::chrono::milliseconds(1);
        co_await env().clock.sleep_until(breath);
    }
    slot.active->sweeping = false;
    schedule(slot);
    relax(slot);
}

Task<void> QueueCore::sweep_entry(Slot& slot, Cursor entry) {
    if (lives_.contains(entry.id)) co_return;  // at work; it sees to itself
    auto& live = create_live(entry.id);
    ++live.pins;
    bool const have = co_await fill_envelope(live, slot, entry);
    if (have && live.part_of(slot) == nullptr) {
        auto& part = add_part(live, slot);
        part.disk = entry.due;
        std::vector<Change> changes;
        auto const& envelope = live.truth();
        queue::MessageTimes const times{envelope.arrived, envelope.expires};
        for (std::uint32_t i = 0; i < envelope.recipients.size(); ++i) {
            auto const& recipient = envelope.recipients[i];
            if (recipient.state != envelope::State::waiting || recipient.destination != *slot.key)
                continue;
            part.recipients.push_back(i);
            Change change;
            change.recipient = i;
            change.attempted = false;
            change.decision.next_attempt = recipient.next_attempt;
            change.decision.warn_delay = queue::is_warning_due(recipient, times, policy(), now());
            if (slot.failure) change.outcome = *slot.failure;
            change.outcome.at = now();
            if (now() >= times.expires) {
                change.decision.state = envelope::State::expired;
                change.decision.warn_delay = false;
            } else if (!change.decision.warn_delay) {
                continue;
            }
            changes.push_back(std::move(change));
        }
        if (!changes.empty()) settle(live, part, std::move(changes));
    }
    --live.pins;
    let_go(live);
}

}  // namespace dawk::mta
