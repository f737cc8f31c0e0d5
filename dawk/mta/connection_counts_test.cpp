#include "dawk/mta/connection_counts.hpp"

#include <thread>

#include <gtest/gtest.h>

namespace dawk::mta {
namespace {

using Place = ConnectionCounts::Place;

TEST(ConnectionCounts, TheTotalHoldsAtItsLimit) {
    ConnectionCounts counts;
    EXPECT_TRUE(counts.enter(2));
    EXPECT_TRUE(counts.enter(2));
    EXPECT_FALSE(counts.enter(2));
    EXPECT_EQ(counts.open(), 2U);
    counts.leave();
    EXPECT_TRUE(counts.enter(2));
}

TEST(ConnectionCounts, EachAddressHasALimitOfItsOwn) {
    ConnectionCounts counts;
    EXPECT_EQ(counts.enter_address("192.0.2.1", 2), Place::counted);
    EXPECT_EQ(counts.enter_address("192.0.2.1", 2), Place::counted);
    EXPECT_EQ(counts.enter_address("192.0.2.1", 2), Place::full);
    EXPECT_EQ(counts.enter_address("192.0.2.2", 2), Place::counted);
    counts.leave_address("192.0.2.1", Place::counted);
    EXPECT_EQ(counts.enter_address("192.0.2.1", 2), Place::counted);
    EXPECT_EQ(counts.enter_address("2001:db8::1", 0), Place::full);
}

TEST(ConnectionCounts, ManyAddressesComeAndGoAndLeaveNothingBehind) {
    ConnectionCounts counts(64, 7);  // few buckets: they overflow
    unsigned uncounted = 0;
    for (int round = 0; round < 3; ++round) {
        std::vector<std::pair<std::string, Place>> open;
        for (int i = 0; i < 1000; ++i) {
            auto address = "2001:db8::" + std::to_string(i);
            auto const place = counts.enter_address(address, 1);
            ASSERT_NE(place, Place::full) << address;
            if (place == Place::uncounted) ++uncounted;
            open.emplace_back(std::move(address), place);
        }
        for (auto const& [address, place] : open) {
            if (place == Place::counted) {
                EXPECT_EQ(counts.enter_address(address, 1), Place::full) << address;
            }
            counts.leave_address(address, place);
        }
    }
    EXPECT_GT(uncounted, 0U);
    EXPECT_LT(uncounted, 3000U - 3U * 64U);
}

// More threads than may be in at once, all from one address: nobody ever sees more than the limit.
TEST(ConnectionCounts, TheLimitIsExactAcrossThreads) {
    constexpr std::uint32_t most = 3;
    ConnectionCounts counts(64, 1);
    std::atomic<std::uint32_t> inside{0}, too_many{0}, entered{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < 20'000; ++i) {
                auto const place = counts.enter_address("192.0.2.1", most);
                if (place != Place::counted) continue;
                if (inside.fetch_add(1) >= most) ++too_many;
                ++entered;
                inside.fetch_sub(1);
                counts.leave_address("192.0.2.1", place);
            }
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(too_many, 0U);
    EXPECT_GT(entered, 1000U);
    for (std::uint32_t i = 0; i < most; ++i)
        EXPECT_EQ(counts.enter_address("192.0.2.1", most), Place::counted);
    EXPECT_EQ(counts.enter_address("192.0.2.1", most), Place::full);
}

}  // namespace
}  // namespace dawk::mta
