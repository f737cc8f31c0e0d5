#include <algorithm>

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "dawk/base/check.hpp"
#include "dawk/mta/queue_core.hpp"

namespace dawk::mta {
namespace {

constexpr std::size_t page_max = 256;
constexpr std::size_t parts_per_carrier = 32;
constexpr std::size_t ahead_max = 32;  // messages that are read at once
constexpr std::uint64_t ahead_bytes_max = 1U << 20U;
constexpr auto again_after_error = std::chrono::seconds(10);
constexpr auto again_when_busy = std::chrono::milliseconds(50);
constexpr auto unreadable_pause = std::chrono::hours(1);

}  // namespace

std::size_t QueueCore::load_target(Active const& active) const {
    auto const carriers = std::max<std::size_t>(1, active.carriers.size());
    return std::clamp<std::size_t>(parts_per_carrier * carriers, 1,
                                   std::max<std::uint32_t>(1, policy().ready_per_destination));
}

bool QueueCore::wants_load(Slot const& slot) const {
    if (stopping_ || slot.earliest > now() || slot.state.backed_off_until(now())) return false;
    if (!slot.active) return true;
    auto const& active = *slot.active;
    if (active.loading) return false;
    bool const has_nothing = active.ready.empty() && active.flying == 0;
    if (slot.state.is_probing() || is_short()) return has_nothing;
    // Half empty, so that pages are not read for a single entry.
    return active.ready.size() <= load_target(active) / 2 &&
           active.hot_bytes <= policy().hot_content_bytes / 4;
}

Task<void> QueueCore::load(std::string key) {
    auto& slot = slots_.at(key);                                         // loading keeps it
    co_await boost::asio::post(executor(), boost::asio::use_awaitable);  // a turn of its own
    co_await load_page(slot);
    slot.active->loading = false;
    slot.active->noted.reset();
    --loads_;
    kick(slot);
    schedule(slot);
    relax(slot);
    soon();
}

// Reads on from the cursor: what is due becomes ready, until there is enough.
Task<void> QueueCore::load_page(Slot& slot) {
    auto& active = *slot.active;
    std::size_t limit = 1;
    if (!slot.state.is_probing() && !is_short())
        limit = std::clamp<std::size_t>(load_target(active) - active.ready.size(), 1, page_max);
    std::optional<spool::Due> after;
    if (active.cursor) after = spool::Due{*slot.key, active.cursor->due, active.cursor->id};
    slot.earliest = WallTime::max();
    active.noted.reset();
    // A few more, because some will be in memory already.
    auto const asked = limit + active.flying + active.ready.size() + 16;
    auto const page = co_await spool().due(*slot.key, after, asked);
    if (!page) {
        slot.earliest = now() + again_after_error;
        co_return;
    }
    auto cursor = active.cursor;
    std::size_t loaded = 0, read = 0;
    Ahead ahead;
    for (std::size_t i = 0; i < page->size(); ++i) {
        auto const& entry = (*page)[i];
        Cursor const here{entry.due, entry.id};
        if (entry.due > now() || has_read_enough(slot, loaded, limit)) {
            slot.earliest = std::min(slot.earliest, entry.due);
            break;
        }
        if (i == read) {
            auto const more = std::min({ahead_max, limit - loaded, page->size() - i});
            read += more;
            std::span<spool::Due const> const entries(&entry, more);
            if (more > 1) co_await read_ahead(entries, ahead);
        }
        auto const outcome = co_await load_entry(slot, here, ahead);
        if (outcome == Loaded::busy) {  // another destination is reading the same message
            slot.earliest = std::min(slot.earliest, now() + again_when_busy);
            break;
        }
        if (outcome == Loaded::ready) ++loaded;
        cursor = here;
    }
    forget(ahead);
    if (page->size() == asked && slot.earliest == WallTime::max()) slot.earliest = page->back().due;
    // What came to disk behind the cursor meanwhile must be found again.
    if (cursor && active.noted && *active.noted <= *cursor) cursor.reset();
    active.cursor = cursor;
    if (active.noted) slot.earliest = std::min(slot.earliest, active.noted->due);
}

bool QueueCore::has_read_enough(Slot const& slot, std::size_t loaded, std::size_t limit) const {
    if (loaded >= limit || slot.state.backed_off_until(now()) || stopping_) return true;
    return loaded > 0 && (is_short() || slot.active->hot_bytes > policy().hot_content_bytes / 4);
}

// Reads at once what the next entries speak of, as far as nobody else is at it.
Task<void> QueueCore::read_ahead(std::span<spool::Due const> entries, Ahead& ahead) {
    std::vector<MessageId> ids;
    for (auto const& entry : entries) {
        if (entry.due > now()) break;
        if (lives_.contains(entry.id)) continue;
        ++create_live(entry.id).pins;
        ids.push_back(entry.id);
    }
    auto const asked = ids;
    auto found = co_await spool().load_many(std::move(ids), ahead_bytes_max);
    DAWK_CHECK(found.size() == asked.size());
    for (std::size_t i = 0; i < asked.size(); ++i) ahead.emplace(asked[i], std::move(found[i]));
}

// What was read and has not had its turn.
void QueueCore::forget(Ahead& ahead) {
    for (auto const& [id, unused] : ahead) unpin(lives_.at(id));
    ahead.clear();
}

Task<QueueCore::Loaded> QueueCore::load_entry(Slot& slot, Cursor entry, Ahead& ahead) {
    auto mine = ahead.extract(entry.id);
    auto const found = lives_.find(entry.id);
    if (!mine && found != lives_.end()) {
        auto& known = found->second;
        if (!known.shared) co_return Loaded::busy;
        if (known.gone || known.finished || known.part_of(slot) != nullptr)
            co_return Loaded::skipped;
    }
    auto& live = found != lives_.end() ? found->second : create_live(entry.id);
    if (!mine) ++live.pins;
    Loaded outcome = Loaded::skipped;
    bool have = live.shared != nullptr;
    if (!have && mine) {
        have = take_envelope(live, slot, entry, std::move(mine.mapped().envelope));
    } else if (!have) {
        have = co_await fill_envelope(live, slot, entry);
    }
    if (have && !live.gone && live.part_of(slot) == nullptr) {
        auto& part = add_part(live, slot);
        auto const index = live.parts.size() - 1;
        part.disk = entry.due;
        auto const& recipients = live.truth().recipients;
        for (std::uint32_t i = 0; i < recipients.size(); ++i)
            if (recipients[i].state == envelope::State::waiting &&
                recipients[i].destination == *slot.key)
                part.recipients.push_back(i);
        bool const moved = reroute(live, part);
        auto const due = next_due(live, live.parts[index]);
        if (moved || !due || *due > now() + std::chrono::seconds(1)) {
            touch(live);  // puts its entries where they belong
        } else {
            bool filled = false;
            if (mine && mine.mapped().content && !live.content) {
                filled = take_content(live, slot, std::move(*mine.mapped().content));
            } else {
                filled = co_await fill_content(live, slot);
            }
            auto& again = live.parts[index];
            if (filled && slot.active->route && !slot.state.backed_off_until(now()) &&
                !again.is_in_progress()) {
                make_ready(live, again);
                if (again.listed) outcome = Loaded::ready;
            }
        }
    }
    --live.pins;
    let_go(live);
    co_return outcome;
}

// False: there is no such message to work on; the schedule is told so.
Task<bool> QueueCore::fill_envelope(Live& live, Slot& slot, Cursor entry) {
    auto loaded = co_await spool().load(entry.id);
    co_return take_envelope(live, slot, entry, std::move(loaded));
}

bool QueueCore::take_envelope(Live& live, Slot& slot, Cursor entry,
                              Result<spool::EnvelopePtr> loaded) {
    if (loaded) {
        live.shared = std::move(*loaded);
        live.early = live.shared->arrived >= started_;
        return true;
    }
    if (loaded.error() == Errc::not_found) {
        loose_remove_.push_back({*slot.key, entry.due, entry.id});
        ++change_sequence_;
        commit_wake_.wake();
        return false;
    }
    // One bad record harms only itself: it is looked at again now and then.
    bool const is_broken = loaded.error() == Errc::corrupt || loaded.error() == Errc::unsupported;
    Millis const pause = is_broken ? Millis(unreadable_pause) : Millis(again_after_error);
    postpone(slot, entry, pause, "its record cannot be read: " + loaded.error().message());
    return false;
}

void QueueCore::postpone(Slot& slot, Cursor entry, Millis by, std::string why) {
    loose_remove_.push_back({*slot.key, entry.due, entry.id});
    loose_add_.push_back({*slot.key, now() + by, entry.id});
    ++change_sequence_;
    envelope::Event event;
    event.kind = envelope::Event::Kind::spool_trouble;
    event.at = now();
    event.id = entry.id;
    event.destination = *slot.key;
    event.note = std::move(why);
    add_event(std::move(event));
    note(slot, Cursor{now() + by, entry.id});
}

// A content that cannot be read defers its recipients like any other trouble, so that in the end
// their sender hears of it.
Task<bool> QueueCore::fill_content(Live& live, Slot& slot) {
    if (live.content) co_return true;
    auto opened = co_await spool().open_content(live.shared);
    co_return take_content(live, slot, std::move(opened));
}

bool QueueCore::take_content(Live& live, Slot& slot, Result<spool::ContentPtr> opened) {
    if (opened) {
        if (!live.content) hold_content(live, std::move(*opened));
        return true;
    }
    auto* const part = live.part_of(slot);
    if (part == nullptr || part->is_in_progress() || live.gone) return false;
    envelope::Outcome outcome;
    outcome.kind = envelope::Outcome::Kind::deferred;
    outcome.status = "4.3.0";  // RFC 3463 §3.4: other or undefined mail system status
    outcome.stage = "queue";
    outcome.text = "The content of the message cannot be read: " + opened.error().message();
    outcome.at = now();
    std::vector<Change> changes;
    auto const random = env().rng.next();
    for (auto const index : part->recipients) {
        auto const& recipient = live.truth().recipients[index];
        if (recipient.state != envelope::State::waiting) continue;
        auto decision = decide(live, recipient, outcome, *part->slot, random);
        changes.push_back({index, outcome, decision, true, false});
    }
    settle(live, *part, std::move(changes));
    return false;
}

// Recipients whose way is another one under the present configuration go there; true when any did.
bool QueueCore::reroute(Live& live, Part& part) {
    auto const& key = *part.slot->key;
    bool const was_local = routing::is_local_key(key);
    bool moved = false;
    for (auto const index : part.recipients) {
        auto const& recipient = live.truth().recipients[index];
        bool const is_local = was_local || router_->has_domain(recipient.address.domain);
        auto where = router_->key_of(recipient.address.domain, is_local);
        if (where == key) continue;
        auto& changed = live.change().recipients[index];
        changed.destination = std::move(where);
        auto event = event_of(envelope::Event::Kind::rerouted, live, &changed);
        event.note = "was " + key;
        add_event(std::move(event));
        moved = true;
    }
    if (moved) spread(live, part);
    return moved;
}

// Gives recipients of a part that now go elsewhere to the parts of where they go.
void QueueCore::spread(Live& live, Part& part) {
    auto const index = static_cast<std::size_t>(&part - live.parts.data());
    std::vector<std::uint32_t> stay, go;
    auto const& recipients = live.truth().recipients;
    for (auto const i : part.recipients)
        (recipients[i].destination == *part.slot->key ? stay : go).push_back(i);
    live.parts[index].recipients = std::move(stay);
    for (auto const i : go) {
        auto& slot = slot_of(recipients[i].destination);
        auto* there = live.part_of(slot);
        if (there == nullptr) {
            there = &add_part(live, slot);
            // Recipients that were there before share the one entry of this message.
            for (std::uint32_t k = 0; k < recipients.size(); ++k)
                if (k != i && recipients[k].state == envelope::State::waiting &&
                    recipients[k].destination == *slot.key &&
                    std::find(go.begin(), go.end(), k) == go.end())
                    there->recipients.push_back(k);
            there->disk = next_due(live, *there);
        }
        there->recipients.push_back(i);
    }
}

}  // namespace dawk::mta
