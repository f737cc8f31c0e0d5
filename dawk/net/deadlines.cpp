#include "dawk/net/deadlines.hpp"

#include <utility>

#include "dawk/base/check.hpp"

namespace dawk::net {

Deadlines::~Deadlines() {
    DAWK_CHECK(heap_.empty());
}

void Deadlines::place(Entry& entry) {
    entry.looked_at_ = entry.deadline_;
    if (entry.slot_ == SIZE_MAX) {
        entry.slot_ = heap_.size();
        heap_.push_back(&entry);
    }
    rise(entry.slot_);
    arm();
}

void Deadlines::forget(Entry& entry) noexcept {
    if (entry.slot_ == SIZE_MAX) return;
    remove(entry);
    if (heap_.empty() && armed_for_ != SteadyTime::max()) {
        armed_for_ = SteadyTime::max();
        timer_.cancel();
    }
}

void Deadlines::remove(Entry& entry) noexcept {
    std::size_t const slot = entry.slot_;
    std::size_t const last = heap_.size() - 1;
    if (slot != last) swap_slots(slot, last);
    heap_.pop_back();
    if (slot != last) sink(rise(slot));
    entry.slot_ = SIZE_MAX;
    entry.looked_at_ = SteadyTime::max();
}

void Deadlines::swap_slots(std::size_t a, std::size_t b) noexcept {
    std::swap(heap_[a], heap_[b]);
    heap_[a]->slot_ = a;
    heap_[b]->slot_ = b;
}

std::size_t Deadlines::rise(std::size_t slot) noexcept {
    while (slot > 0) {
        std::size_t const parent = (slot - 1) / 2;
        if (heap_[parent]->looked_at_ <= heap_[slot]->looked_at_) break;
        swap_slots(slot, parent);
        slot = parent;
    }
    return slot;
}

std::size_t Deadlines::sink(std::size_t slot) noexcept {
    for (;;) {
        std::size_t child = 2 * slot + 1;
        if (child >= heap_.size()) return slot;
        if (child + 1 < heap_.size() && heap_[child + 1]->looked_at_ < heap_[child]->looked_at_) {
            ++child;
        }
        if (heap_[slot]->looked_at_ <= heap_[child]->looked_at_) return slot;
        swap_slots(slot, child);
        slot = child;
    }
}

void Deadlines::arm() {
    SteadyTime const next = heap_.front()->looked_at_;
    if (next >= armed_for_) return;
    armed_for_ = next;
    timer_.expires_at(next);
    timer_.async_wait([this](boost::system::error_code const& error) {
        if (!error) look();
    });
}

void Deadlines::look() {
    armed_for_ = SteadyTime::max();
    SteadyTime const now = std::chrono::steady_clock::now();
    while (!heap_.empty() && heap_.front()->looked_at_ <= now) {
        Entry& entry = *heap_.front();
        if (entry.deadline_ <= now) {
            remove(entry);
            entry.on_deadline();
        } else {  // it was moved meanwhile
            entry.looked_at_ = entry.deadline_;
            sink(0);
        }
    }
    if (!heap_.empty() && heap_.front()->looked_at_ != SteadyTime::max()) arm();
}

}  // namespace dawk::net
