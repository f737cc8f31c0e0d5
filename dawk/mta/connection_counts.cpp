#include "dawk/mta/connection_counts.hpp"

#include <algorithm>
#include <bit>

#include "dawk/base/check.hpp"

namespace dawk::mta {
namespace {

constexpr std::uint64_t count_mask = (1U << 20U) - 1;
constexpr std::uint32_t addresses_max = 1U << 20U;
// Stronger than needed while one adds; nothing here is hot enough to matter.
constexpr auto order = std::memory_order_acq_rel;

}  // namespace

ConnectionCounts::ConnectionCounts(std::uint32_t addresses, std::uint64_t key)
    : key_(key), buckets_(std::bit_ceil(std::clamp(addresses, 64U, addresses_max))) {}

bool ConnectionCounts::enter(std::uint32_t most) noexcept {
    auto open = open_.load(std::memory_order_relaxed);
    while (open < most) {
        if (open_.compare_exchange_weak(open, open + 1, order)) return true;
    }
    return false;
}

void ConnectionCounts::leave() noexcept {
    open_.fetch_sub(1, order);
}

std::uint64_t ConnectionCounts::hash_of(std::string_view address) const noexcept {
    std::uint64_t hash = key_ ^ 14695981039346656037ULL;
    for (char const c : address) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
        hash ^= hash >> 29U;
    }
    hash = (hash ^ hash >> 33U ^ key_) * 0xff51afd7ed558ccdULL;
    return hash ^ hash >> 33U;
}

ConnectionCounts::Added ConnectionCounts::add_to_known(Bucket& bucket, std::uint64_t print,
                                                       std::uint32_t most) noexcept {
    for (auto& slot : bucket.slots) {
        auto value = slot.load(std::memory_order_acquire);
        while ((value & ~count_mask) == print && (value & count_mask) != 0) {
            if ((value & count_mask) >= std::min<std::uint64_t>(most, count_mask))
                return Added::full;
            if (slot.compare_exchange_weak(value, value + 1, order)) return Added::yes;
        }
    }
    return Added::absent;
}

// With `adding` set: nobody else gives this bucket a new address.
ConnectionCounts::Place ConnectionCounts::add_new(Bucket& bucket, std::uint64_t print,
                                                  std::uint32_t most) noexcept {
    auto const known = add_to_known(bucket, print, most);
    if (known == Added::yes) return Place::counted;
    if (known == Added::full || most == 0) return Place::full;
    for (auto& slot : bucket.slots) {
        auto value = slot.load(std::memory_order_acquire);
        if ((value & count_mask) != 0) continue;
        if (slot.compare_exchange_strong(value, print | 1U, order)) return Place::counted;
    }
    return Place::uncounted;
}

ConnectionCounts::Place ConnectionCounts::enter_address(std::string_view address,
                                                        std::uint32_t most) noexcept {
    auto const hash = hash_of(address);
    auto& bucket = bucket_of(hash);
    auto const print = hash & ~count_mask;
    for (;;) {
        auto const known = add_to_known(bucket, print, most);
        if (known == Added::yes) return Place::counted;
        if (known == Added::full) return Place::full;
        // Some nanoseconds of another shard: look again meanwhile.
        if (bucket.adding.exchange(true, order)) continue;
        auto const place = add_new(bucket, print, most);
        bucket.adding.store(false, std::memory_order_release);
        return place;
    }
}

void ConnectionCounts::leave_address(std::string_view address, Place place) noexcept {
    if (place != Place::counted) return;
    auto const hash = hash_of(address);
    for (auto& slot : bucket_of(hash).slots) {
        auto value = slot.load(std::memory_order_acquire);
        while ((value & ~count_mask) == (hash & ~count_mask) && (value & count_mask) != 0) {
            if (slot.compare_exchange_weak(value, value - 1, order)) return;
        }
    }
    DAWK_CHECK(false);  // it was never counted
}

}  // namespace dawk::mta
