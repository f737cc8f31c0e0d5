// What others may know and change: statistics, views, and the pins of operators.
#include <algorithm>

#include "dawk/base/check.hpp"
#include "dawk/mta/queue_core.hpp"

namespace dawk::mta {

QueueStats QueueCore::stats() const {
    QueueStats stats;
    stats.messages = lives_.size();
    stats.ready = ready_;
    stats.flying = flying_;
    stats.unrecorded = touched_.size() + reports_.size() + reports_running_;
    stats.carriers = carriers_;
    stats.destinations = slots_.size();
    stats.backed_off = silent_;
    stats.hot_content_bytes = hot_bytes_;
    stats.commits = commits_;
    stats.commit_failures = commit_failures_;
    return stats;
}

std::optional<DestinationView> QueueCore::view(std::string_view key) const {
    auto const found = slots_.find(std::string(key));
    if (found == slots_.end()) return std::nullopt;
    auto const& slot = found->second;
    DestinationView view;
    view.key = found->first;
    view.has_route = router_->route_of_key(key).has_value();
    view.backed_off_until = slot.state.backed_off_until(now());
    view.failures = slot.state.failures();
    view.limit = slot.state.limit(policy(), now());
    if (slot.earliest != WallTime::max()) view.next_on_disk = slot.earliest;
    if (slot.failure) view.last_failure = *slot.failure;
    if (!slot.active) return view;
    view.carriers = static_cast<std::uint32_t>(slot.active->carriers.size());
    view.connected = slot.active->connected;
    view.ready = slot.active->ready.size();
    view.flying = slot.active->flying;
    return view;
}

Live const* QueueCore::find_live(MessageId id) const {
    auto const found = lives_.find(id);
    return found != lives_.end() && found->second.shared ? &found->second : nullptr;
}

Task<Result<Live*>> QueueCore::pin(MessageId id) {
    Live* live = nullptr;
    while (live == nullptr) {
        auto const found = lives_.find(id);
        if (found == lives_.end()) break;
        live = &found->second;
        if (live->shared) break;
        live = nullptr;  // being read by another task, which is soon done
        auto const again = env().clock.steady() + std::chrono::milliseconds(10);
        co_await env().clock.sleep_until(again);
    }
    if (live != nullptr) {
        if (live->gone || live->finished) co_return Errc::not_found;
        ++live->pins;
    } else {
        live = &create_live(id);
        ++live->pins;
        auto loaded = co_await spool().load(id);
        if (!loaded) {
            --live->pins;
            lives_.erase(id);  // nobody else touches one that is being read
            co_return loaded.error();
        }
        live->shared = std::move(*loaded);
    }
    add_missing_parts(*live);
    co_return live;
}

// A live message may know only the destinations that were due: an operator speaks of all.
void QueueCore::add_missing_parts(Live& live) {
    auto const& recipients = live.truth().recipients;
    auto const known = live.parts.size();
    for (std::uint32_t i = 0; i < recipients.size(); ++i) {
        if (recipients[i].state != envelope::State::waiting) continue;
        auto& slot = slot_of(recipients[i].destination);
        auto* part = live.part_of(slot);
        if (part != nullptr && static_cast<std::size_t>(part - live.parts.data()) < known) continue;
        if (part == nullptr) part = &add_part(live, slot);
        part->recipients.push_back(i);
    }
    for (std::size_t i = known; i < live.parts.size(); ++i)
        live.parts[i].disk = next_due(live, live.parts[i]);
}

void QueueCore::unpin(Live& live) {
    --live.pins;
    let_go(live);
}

bool QueueCore::is_flying(Live const& live, std::uint32_t recipient) const {
    auto const& key = live.truth().recipients[recipient].destination;
    for (auto const& part : live.parts)
        if (*part.slot->key == key) return part.flying > 0 || part.staged > 0;
    return false;
}

void QueueCore::rearrange(Live& live) {
    DAWK_CHECK(live.pins > 0);
    for (auto& part : live.parts) unlist(live, part);
    adopt_waiting(live);
    if (live.truth().is_finished()) live.finished = true;
    touch(live);
}

// Recipients that wait again (released) belong to the part of their destination.
void QueueCore::adopt_waiting(Live& live) {
    auto const& recipients = live.truth().recipients;
    for (std::uint32_t i = 0; i < recipients.size(); ++i) {
        if (recipients[i].state != envelope::State::waiting) continue;
        auto& slot = slot_of(recipients[i].destination);
        auto* part = live.part_of(slot);
        if (part == nullptr) part = &add_part(live, slot);
        auto& list = part->recipients;
        if (std::find(list.begin(), list.end(), i) == list.end()) list.push_back(i);
    }
}

void QueueCore::forgive(std::string_view key) {
    auto const found = slots_.find(std::string(key));
    if (found == slots_.end()) return;
    found->second.state.forgive(now());
    schedule(found->second);
}

}  // namespace dawk::mta
