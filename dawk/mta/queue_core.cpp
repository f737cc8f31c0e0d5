#include "dawk/mta/queue_core.hpp"

#include <algorithm>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "dawk/base/check.hpp"
#include "dawk/mta/queue_feed.hpp"

namespace dawk::mta {
namespace {

// The wall clock may step: nobody sleeps longer than this without looking at it again.
constexpr auto sleep_max = std::chrono::seconds(60);
constexpr std::size_t turns_at_once = 256;
constexpr std::uint32_t loads_max = 16;
constexpr std::size_t heads_per_page = 1000;
constexpr auto retry_after_read_error = std::chrono::seconds(2);
constexpr auto recording_grace = std::chrono::seconds(10);
constexpr std::size_t early_max = 4096;

}  // namespace

QueueCore::QueueCore(QueueDeps deps, SettingsPtr settings)
    : deps_(std::move(deps)),
      settings_(std::move(settings)),
      router_(std::make_unique<routing::Router>(settings_->routing)),
      commit_wake_(executor()),
      tasks_(executor()),
      sleepers_(executor()),
      recorder_(executor()) {
    DAWK_CHECK(!deps_.shards.empty());
    for (auto const& shard : deps_.shards)
        carriers_of_shard_.push_back(std::make_unique<rt::TaskGroup>(shard.env.executor));
}

QueueCore::~QueueCore() = default;

void QueueCore::start() {
    started_ = now();
    recorder_.spawn(committer());
    tasks_.spawn(read_heads());
}

// The heads of the schedule, a page at a time: what is due for whom, and when first.
Task<void> QueueCore::read_heads() {
    std::string after;
    while (!stopping_) {
        auto page = co_await spool().destinations(after, heads_per_page);
        if (!page) {
            auto const again = env().clock.steady() + retry_after_read_error;
            co_await env().clock.sleep_until(again);
            continue;
        }
        for (auto const& head : *page) {
            auto& slot = slot_of(head.destination);
            slot.earliest = std::min(slot.earliest, head.earliest);
            schedule(slot);
        }
        if (page->size() < heads_per_page) break;
        after = page->back().destination;
    }
}

void QueueCore::reload(SettingsPtr settings) {
    settings_ = std::move(settings);
    router_ = std::make_unique<routing::Router>(settings_->routing);
    // Carriers keep what they began with and end; what is ready is read again, under the new
    // routes.
    std::vector<Slot*> busy;
    for (auto& [key, slot] : slots_)
        if (slot.active) busy.push_back(&slot);
    for (auto* const slot : busy) {
        slot->active->route = router_->route_of_key(*slot->key);
        for (auto const& carrier : slot->active->carriers) end_carrier(*carrier);
        unload(*slot);
        schedule(*slot);
    }
}

Task<void> QueueCore::cancel_carriers_at(SteadyTime deadline) {
    co_await env().clock.sleep_until(deadline);
    for (std::size_t i = 0; i < carriers_of_shard_.size(); ++i) {
        auto& group = *carriers_of_shard_[i];
        boost::asio::dispatch(group.executor(), [&group] { group.cancel(); });
    }
}

Task<void> QueueCore::stop(SteadyTime deadline) {
    stopping_ = true;
    give_up_at_ = deadline + recording_grace;
    for (auto& [key, slot] : slots_)
        if (slot.active)
            for (auto const& carrier : slot.active->carriers) end_carrier(*carrier);
    rt::TaskGroup watch(executor());
    watch.spawn(cancel_carriers_at(deadline));
    for (auto& group : carriers_of_shard_) {
        auto joining = group->join();
        co_await boost::asio::co_spawn(group->executor(), std::move(joining),
                                       boost::asio::use_awaitable);
    }
    watch.cancel();
    co_await watch.join();
    co_await tasks_.join();  // loads end by themselves, reports after give_up_at_ at the latest
    closing_ = true;
    commit_wake_.wake();
    co_await recorder_.join();
    closed_ = true;
    sleepers_.cancel();
    co_await sleepers_.join();
    co_await tasks_.join();
}

Slot& QueueCore::slot_of(std::string const& key) {
    auto const [place, is_new] = slots_.try_emplace(key);
    if (is_new) place->second.key = &place->first;
    return place->second;
}

Active& QueueCore::activate(Slot& slot) {
    if (!slot.active) {
        slot.active = std::make_unique<Active>();
        slot.active->route = router_->route_of_key(*slot.key);
    }
    return *slot.active;
}

void QueueCore::relax(Slot& slot) {
    if (slot.active) {
        auto const& active = *slot.active;
        if (!active.ready.empty() || !active.carriers.empty() || active.loading ||
            active.sweeping || active.starved || active.stalled || active.flying > 0)
            return;
        if (slot.earliest <= now() && slot.state.limit(policy(), now()) > 0) return;
        slot.active.reset();
    }
    if (slot.parts > 0 || slot.earliest != WallTime::max() ||
        !slot.state.is_forgettable(policy(), now())) {
        schedule(slot);
        return;
    }
    wakes_.remove(slot);
    if (slot.state.is_probing()) --silent_;
    slots_.erase(slots_.find(*slot.key));
}

// Puts the slot where it belongs in the heap: when is it to be looked at next? Whatever changes the
// answer of wants_load() calls this again.
void QueueCore::schedule(Slot& slot) {
    auto const time = now();
    WallTime at = WallTime::max();
    if (slot.earliest != WallTime::max() && !stopping_) {
        at = std::max(slot.earliest, time);
        if (auto const until = slot.state.backed_off_until(time))
            at = std::max(at, *until);
        else if (slot.earliest <= time && !wants_load(slot))
            at = WallTime::max();
    } else if (slot.parts == 0 && !slot.active && !slot.state.is_forgettable(policy(), time)) {
        at = time + std::chrono::minutes(10);  // to be forgotten some day
    }
    slot.wake = at;
    if (at == WallTime::max()) {
        wakes_.remove(slot);
        return;
    }
    wakes_.put(slot);
    if (&wakes_.top() != &slot) return;
    if (at <= time)
        soon();
    else
        arm(env().clock.steady() + std::min<Duration>(at - time, sleep_max));
}

void QueueCore::note(Slot& slot, Cursor entry) {
    slot.earliest = std::min(slot.earliest, entry.due);
    if (slot.active) {
        auto& active = *slot.active;
        if (active.cursor && entry <= *active.cursor) active.cursor.reset();
        if (!active.noted || entry < *active.noted) active.noted = entry;
    }
    schedule(slot);
}

void QueueCore::arm(SteadyTime at) {
    if (alarm_ <= at || closed_) return;
    sleepers_.cancel();
    alarm_ = at;
    sleepers_.spawn(sleep(at));
}

Task<void> QueueCore::sleep(SteadyTime until) {
    co_await env().clock.sleep_until(until);
    if (alarm_ == until) {
        alarm_ = SteadyTime::max();
        on_time();
    }
}

void QueueCore::soon() {
    if (soon_ || closed_) return;
    soon_ = true;
    auto later = [](QueueCore* core) -> Task<void> {
        core->soon_ = false;
        core->on_time();
        co_return;
    };
    tasks_.spawn(later(this));
}

// Memory is spoken for: a destination that has something in hand gets no more from disk.
bool QueueCore::is_short() const {
    return ready_ >= policy().ready_all || hot_bytes_ >= policy().hot_content_bytes;
}

// Not even for a destination that has nothing in hand. Between the two lies one message for each
// connection, so that slow destinations never keep the others from going on.
bool QueueCore::is_full() const {
    return ready_ >= std::uint64_t{policy().ready_all} + policy().connections_all ||
           hot_bytes_ >= policy().hot_content_bytes + policy().hot_content_bytes / 2 ||
           loads_ >= loads_max || recording_fails_;
}

void QueueCore::on_time() {
    auto const steady = env().clock.steady();
    while (!waits_.empty() && waits_.top().deadline <= steady) end_carrier(waits_.top());
    auto const time = now();
    std::size_t turns = 0;
    while (!stopping_ && !wakes_.empty() && wakes_.top().wake <= time && !is_full()) {
        if (++turns > turns_at_once) {
            soon();
            break;
        }
        auto& slot = wakes_.top();
        slot.wake = WallTime::max();
        wakes_.remove(slot);
        turn(slot);
    }
    if (!waits_.empty()) arm(waits_.top().deadline);
    if (!stopping_ && !wakes_.empty() && wakes_.top().wake > time)
        arm(steady + std::min<Duration>(wakes_.top().wake - time, sleep_max));
}

void QueueCore::turn(Slot& slot) {
    if (wants_load(slot)) {
        activate(slot).loading = true;
        ++loads_;
        tasks_.spawn(load(*slot.key));
        return;
    }
    schedule(slot);
    relax(slot);
}

Live& QueueCore::create_live(MessageId id) {
    auto& live = lives_[id];
    live.id = id;
    return live;
}

void QueueCore::touch(Live& live) {
    ++change_sequence_;
    if (!live.touched) {
        live.touched = true;
        ++live.pins;
        touched_.push_back(&live);
    }
    commit_wake_.wake();
}

Part& QueueCore::add_part(Live& live, Slot& slot) {
    auto& part = live.parts.emplace_back();
    part.slot = &slot;
    ++slot.parts;
    return part;
}

// Out of memory it goes when nothing holds it; where it waits, the schedule on disk knows.
void QueueCore::let_go(Live& live) {
    if (live.pins > 0) return;
    for (auto const& part : live.parts)
        if (part.is_in_progress()) return;
    drop_content(live);
    if (live.early && early_.insert(live.id).second) {
        early_order_.push_back(live.id);
        if (early_order_.size() > early_max) {
            early_.erase(early_order_.front());
            early_order_.pop_front();
        }
    }
    auto const id = live.id;
    auto const parts = std::move(live.parts);
    lives_.erase(id);
    for (auto const& part : parts) {
        --part.slot->parts;
        if (part.disk) note(*part.slot, Cursor{*part.disk, id});
    }
    for (auto const& part : parts) relax(*part.slot);
}

void QueueCore::hold_content(Live& live, spool::ContentPtr content) {
    live.content = std::move(content);
    live.hot_bytes = live.content->in_memory() ? live.content->size() : 0;
    hot_bytes_ += live.hot_bytes;
}

void QueueCore::drop_content(Live& live) {
    bool const was_full = is_full();
    hot_bytes_ -= live.hot_bytes;
    live.hot_bytes = 0;
    live.content.reset();
    if (was_full && !is_full()) soon();
}

std::optional<WallTime> QueueCore::next_due(Live const& live, Part const& part) const {
    std::optional<WallTime> due;
    auto const& recipients = live.truth().recipients;
    for (auto const index : part.recipients) {
        auto const& recipient = recipients[index];
        if (recipient.state != envelope::State::waiting) continue;
        if (recipient.destination != *part.slot->key) continue;
        due = due ? std::min(*due, recipient.next_attempt) : recipient.next_attempt;
    }
    return due;
}

// One part a destination, of the recipients that wait.
void QueueCore::make_parts(Live& live) {
    auto const& recipients = live.truth().recipients;
    std::unordered_map<std::string_view, std::uint32_t> known;
    for (std::uint32_t i = 0; i < recipients.size(); ++i) {
        auto const& recipient = recipients[i];
        if (recipient.state != envelope::State::waiting) continue;
        if (recipients.size() == 1) {
            add_part(live, slot_of(recipient.destination)).recipients.push_back(i);
            break;
        }
        auto const next = static_cast<std::uint32_t>(live.parts.size());
        auto const [at, is_new] = known.try_emplace(recipient.destination, next);
        if (is_new) add_part(live, slot_of(recipient.destination));
        live.parts[at->second].recipients.push_back(i);
    }
    for (auto& part : live.parts) part.disk = next_due(live, part);
}

// May a message that just came stand in memory for this destination? Behind a backlog on disk only
// some may, lest the older mail never has its turn.
bool QueueCore::takes_fresh(Slot& slot) {
    auto const time = now();
    if (stopping_ || ready_ >= policy().ready_all || slot.state.is_probing()) return false;
    auto const& active = activate(slot);
    if (!active.route) return false;
    auto const most = slot.earliest <= time ? load_target(active) / 2
                                            : std::size_t{policy().ready_per_destination};
    // Nobody takes more than a share of the contents' memory.
    if (!active.ready.empty() && active.hot_bytes >= policy().hot_content_bytes / 4) return false;
    return active.ready.size() < most;
}

// Fresh mail: ready at once where there is room, and otherwise left where it already lies, on disk.
void QueueCore::accepted(spool::EnvelopePtr envelope, spool::ContentPtr content) {
    if (early_.erase(envelope->id) > 0) {
        // Found on disk, worked on and let go before we heard of it; a second try would be a second
        // delivery. The schedule on disk says what is left.
        for (auto const& due : due_entries(*envelope))
            note(slot_of(due.destination), Cursor{due.due, due.id});
        return;
    }
    auto const [place, is_new] = lives_.try_emplace(envelope->id);
    auto& live = place->second;
    if (!is_new) {
        // Its entry was found on disk before we heard of it. Other parts may still be unknown.
        live.early = false;
        for (auto const& due : due_entries(*envelope))
            if (auto& slot = slot_of(due.destination); live.part_of(slot) == nullptr)
                note(slot, Cursor{due.due, due.id});
        return;
    }
    live.id = envelope->id;
    live.shared = std::move(envelope);
    ++live.pins;
    std::uint64_t const size = content->in_memory() ? content->size() : 0;
    bool const is_hot = hot_bytes_ + size <= policy().hot_content_bytes;
    make_parts(live);
    bool any = false;
    for (auto& part : live.parts) {
        if (!is_hot || *part.disk > now() || !takes_fresh(*part.slot)) continue;
        if (!live.content) hold_content(live, content);
        make_ready(live, part);
        any = true;
    }
    if (any)  // a kick may finish nothing at once: the pin holds the parts where they are
        for (auto& part : live.parts)
            if (part.listed) kick(*part.slot);
    --live.pins;
    let_go(live);
}

}  // namespace dawk::mta
