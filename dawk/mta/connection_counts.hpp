// ConnectionCounts: how many connections are open, in all and from each address, across shards.
//
//     if (!counts.enter(limits.connections)) turn_away();
//     auto const place = counts.enter_address(address, limits.connections_per_address);
//     ... counts.leave_address(address, place); counts.leave();
//
// One for all shards, called from any of them: atomic numbers only, no lock. Addresses stand under
// a keyed hash in buckets of fixed size; the limit is exact, however many shards count. Only where
// more than seven addresses with open connections share a bucket are further ones not counted.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>
#include <vector>

namespace dawk::mta {

class ConnectionCounts {
  public:
    // addresses: about so many at once. key: whatever peers cannot know.
    explicit ConnectionCounts(std::uint32_t addresses = 8192, std::uint64_t key = 0);

    bool enter(std::uint32_t most) noexcept;  // false: there are so many already
    void leave() noexcept;
    std::uint32_t open() const noexcept { return open_.load(std::memory_order_relaxed); }

    enum class Place { counted, uncounted, full };
    Place enter_address(std::string_view address, std::uint32_t most) noexcept;
    void leave_address(std::string_view address, Place place) noexcept;

  private:
    // A slot: the address's fingerprint above, the number of its connections below; free when the
    // number is 0.
    using Slot = std::atomic<std::uint64_t>;
    struct alignas(64) Bucket {
        std::atomic<bool> adding{false};  // by one at a time, so that no address has two slots
        std::array<Slot, 7> slots{};
    };
    enum class Added { yes, full, absent };
    static Added add_to_known(Bucket& bucket, std::uint64_t print, std::uint32_t most) noexcept;
    static Place add_new(Bucket& bucket, std::uint64_t print, std::uint32_t most) noexcept;
    std::uint64_t hash_of(std::string_view address) const noexcept;
    Bucket& bucket_of(std::uint64_t hash) noexcept {
        return buckets_[hash & (buckets_.size() - 1)];
    }

    std::uint64_t key_;
    std::atomic<std::uint32_t> open_{0};
    std::vector<Bucket> buckets_;  // a power of two
};

}  // namespace dawk::mta
