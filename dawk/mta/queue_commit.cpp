// One commit at a time; what changes meanwhile gathers for the next. A change that needs a report
// goes to disk in the report's batch, so that neither is there without the other; when that batch
// finds no space, the plain changes (which free space) still go ahead.
#include <algorithm>

#include "dawk/base/check.hpp"
#include "dawk/base/mutation.hpp"
#include "dawk/mta/queue_core.hpp"

namespace dawk::mta {
namespace {

constexpr Duration pause_first = std::chrono::milliseconds(200);
constexpr Duration pause_max = std::chrono::seconds(5);
constexpr std::size_t reports_per_batch = 100;
constexpr std::size_t reports_waiting_max = 1000;  // then nothing more is delivered

}  // namespace

bool QueueCore::has_changes() const {
    if (!events_.empty() || !loose_add_.empty() || !loose_remove_.empty()) return true;
    return std::any_of(touched_.begin(), touched_.end(),
                       [](Live const* live) { return live->reporting == 0; });
}

Task<void> QueueCore::committer() {
    Duration pause = pause_first;
    while (true) {
        bool const has_reports = report_batch_.has_value() || !reports_.empty();
        if (!has_changes() && !has_reports) {
            if (closing_) co_return;
            co_await commit_wake_.wait();
            continue;
        }
        if (has_changes()) {
            bool const going = co_await commit_changes();
            if (!going) break;
        }
        if (!has_reports) continue;
        bool const made = co_await commit_reports();
        if (made) {
            pause = pause_first;
            continue;
        }
        if (env().clock.steady() >= give_up_at_) break;
        auto const again = env().clock.steady() + pause;
        pause = std::min(pause * 2, pause_max);
        co_await env().clock.sleep_until(again);
    }
    gave_up_ = true;
    flush_told();
}

Task<Result<void>> QueueCore::write(spool::Batch const& batch) {
    auto copy = batch;
    auto const result = co_await spool().commit(std::move(copy));
    if (!result) {
        ++commit_failures_;
        co_return result.error();
    }
    ++commits_;
    for (auto const& event : batch.events) deps_.events.on_event(event);
    co_return Result<void>();
}

Task<bool> QueueCore::commit_changes() {
    auto const sequence = change_sequence_;
    spool::Batch batch;
    batch.events = std::exchange(events_, {});
    batch.due_add = std::exchange(loose_add_, {});
    batch.due_remove = std::exchange(loose_remove_, {});
    std::vector<Live*> lives, later;
    for (auto* const live : touched_) {
        if (live->reporting > 0) {
            later.push_back(live);
            continue;
        }
        live->touched = false;
        collect(*live, batch);
        lives.push_back(live);
    }
    touched_ = std::move(later);
    Duration pause = pause_first;
    while (!batch.empty()) {
        auto const result = co_await write(batch);
        if (result || mutated(Mutation::forget_failed_commit)) break;
        set_recording(true, result.error());
        if (env().clock.steady() >= give_up_at_) co_return false;
        auto const again = env().clock.steady() + pause;
        pause = std::min(pause * 2, pause_max);
        co_await env().clock.sleep_until(again);
    }
    set_recording(reports_.size() > reports_waiting_max, {});
    committed(lives);
    committed_sequence_ = sequence;
    flush_told();
    co_return true;
}

// What the disk must learn of a message.
void QueueCore::collect(Live& live, spool::Batch& batch) {
    if (live.gone) return;
    if (live.finished) {
        live.gone = true;
        live.dirty = false;
        batch.removes.push_back(live.shared);
        for (auto& part : live.parts)
            if (auto const due = std::exchange(part.disk, std::nullopt))
                batch.due_remove.push_back({*part.slot->key, *due, live.id});
        return;
    }
    if (live.dirty) {
        live.dirty = false;
        live.shared = std::make_shared<envelope::Envelope const>(*live.working);
        batch.updates.push_back(live.shared);
    }
    for (auto& part : live.parts) {
        if (part.is_in_progress()) continue;  // stays where it is until all of it is known
        auto const due = next_due(live, part);
        if (due == part.disk) continue;
        if (part.disk) batch.due_remove.push_back({*part.slot->key, *part.disk, live.id});
        if (due) batch.due_add.push_back({*part.slot->key, *due, live.id});
        part.disk = due;
    }
}

void QueueCore::committed(std::vector<Live*> const& lives) {
    for (auto* const live : lives) {
        --live->pins;
        let_go(*live);
    }
}

void QueueCore::gather_reports() {
    auto& pending = report_batch_.emplace();
    std::vector<Report> later;
    auto const is_in = [&](Live* live) {
        return std::find(pending.lives.begin(), pending.lives.end(), live) != pending.lives.end();
    };
    for (auto& report : reports_) {
        // All reports of a message go together: its record tells of all of them.
        bool const known = is_in(report.live);
        if (!known && pending.reports.size() >= reports_per_batch) {
            later.push_back(std::move(report));
            continue;
        }
        if (!known) pending.lives.push_back(report.live);
        auto& batch = pending.batch;
        std::move(report.events.begin(), report.events.end(), std::back_inserter(batch.events));
        report.events.clear();
        batch.inserts.push_back({report.envelope, report.content});
        for (auto& due : due_entries(*report.envelope)) batch.due_add.push_back(std::move(due));
        pending.reports.push_back(std::move(report));
    }
    reports_ = std::move(later);
    // What else became of these messages is written with them: history goes with the state that it
    // tells of.
    auto const theirs =
        std::stable_partition(events_.begin(), events_.end(), [&](envelope::Event const& event) {
            return std::none_of(pending.lives.begin(), pending.lives.end(),
                                [&](Live const* live) { return live->id == event.id; });
        });
    std::move(theirs, events_.end(), std::back_inserter(pending.batch.events));
    events_.erase(theirs, events_.end());
    for (auto* const live : pending.lives) {
        collect(*live, pending.batch);
        if (live->touched) {  // the list's pin becomes ours
            live->touched = false;
            std::erase(touched_, live);
        } else {
            ++live->pins;
        }
    }
}

Task<bool> QueueCore::commit_reports() {
    if (!report_batch_) gather_reports();
    auto const result = co_await write(report_batch_->batch);
    if (!result) {
        set_recording(reports_.size() > reports_waiting_max, result.error());
        co_return false;
    }
    auto const done = std::move(*report_batch_);
    report_batch_.reset();
    for (auto const& report : done.reports) --report.live->reporting;
    committed(done.lives);
    for (auto const& report : done.reports) accepted(report.envelope, report.content);
    set_recording(false, {});
    if (!has_changes() && reports_.empty()) {  // nothing that was changed is left
        committed_sequence_ = change_sequence_;
        flush_told();
    }
    co_return true;
}

// Nothing is delivered whose delivery could not be recorded: it would be delivered again.
void QueueCore::set_recording(bool fails, ErrorCode error) {
    if (fails == recording_fails_) return;
    recording_fails_ = fails;
    envelope::Event event;
    event.kind = envelope::Event::Kind::spool_trouble;
    event.at = now();
    event.note =
        fails ? "The spool does not record: " + error.message() + ". Deliveries wait until it does."
              : "The spool records again.";
    deps_.events.on_event(event);
    if (fails) return;
    for (auto* const slot : std::exchange(stalled_, {})) {
        slot->active->stalled = false;
        kick(*slot);
        schedule(*slot);
        relax(*slot);
    }
    feed_starved();
    soon();
}

void QueueCore::flush_told() {
    std::erase_if(flushes_, [this](Flush const& flush) {
        if (flush.sequence > committed_sequence_ && !gave_up_) return false;
        flush.wake->wake();
        return true;
    });
}

Task<void> QueueCore::flushed() {
    if (committed_sequence_ >= change_sequence_ || gave_up_) co_return;
    auto wake = std::make_shared<Wake>(executor());
    flushes_.push_back({change_sequence_, wake});
    commit_wake_.wake();
    co_await wake->wait();
}

}  // namespace dawk::mta
