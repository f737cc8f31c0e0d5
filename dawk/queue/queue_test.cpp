#include <gtest/gtest.h>

#include "dawk/queue/destination_state.hpp"
#include "dawk/queue/schedule.hpp"

namespace dawk::queue {
namespace {

using namespace std::chrono_literals;
using envelope::Outcome;
using envelope::State;

constexpr std::uint64_t middle = std::uint64_t{1} << 63U;  // jitter of nothing
constexpr WallTime start{Millis{1'700'000'000'000}};
constexpr MessageTimes times{start, start + 120h};

Outcome outcome(Outcome::Kind kind, std::uint16_t code = 0, std::string stage = "connect",
                std::string status = "4.4.1") {
    Outcome out;
    out.kind = kind;
    out.code = code;
    out.stage = std::move(stage);
    out.status = std::move(status);
    return out;
}
Outcome deferred() {
    return outcome(Outcome::Kind::deferred, 421, "mail");
}

Decision decide_at(std::uint32_t attempts, Millis age, Outcome const& last,
                   Policy const& policy = {}, std::uint64_t random = middle) {
    envelope::Recipient recipient;
    recipient.attempts = attempts;
    return decide(recipient, times, last, Success::relayed, policy, start + age, random);
}

TEST(Schedule, SuccessAndFailureAreFinal) {
    EXPECT_EQ(decide_at(0, 0ms, outcome(Outcome::Kind::delivered)).state, State::relayed);
    EXPECT_EQ(decide_at(0, 0ms, outcome(Outcome::Kind::failed)).state, State::failed);
    EXPECT_EQ(decide({}, times, outcome(Outcome::Kind::delivered), Success::delivered, {}, start, 0)
                  .state,
              State::delivered);
    // Delivered after its time is delivered all the same.
    EXPECT_EQ(decide_at(9, 121h, outcome(Outcome::Kind::delivered)).state, State::relayed);
}

// RFC 5321 §4.5.4.1: two attempts in the first hour, then every two or three hours.
TEST(Schedule, IntervalsFollowThePolicyAndTheLastRepeats) {
    std::vector<Millis> const expected = {5min, 15min, 30min, 1h, 2h, 3h, 3h, 3h};
    for (std::uint32_t attempts = 0; attempts < expected.size(); ++attempts) {
        auto const next = decide_at(attempts, 1s, deferred());
        EXPECT_EQ(next.state, State::waiting);
        EXPECT_EQ(next.next_attempt, start + 1s + expected[attempts]) << attempts;
    }
}

TEST(Schedule, JitterStaysInItsShareAndIsOneFunctionOfRandom) {
    Policy policy;
    policy.jitter = 0.25;
    EXPECT_EQ(decide_at(0, 0ms, deferred(), policy, 0).next_attempt, start + 225s);
    auto const most = decide_at(0, 0ms, deferred(), policy, UINT64_MAX).next_attempt;
    EXPECT_LE(most, start + 375s);
    EXPECT_GE(most, start + 374s);
    EXPECT_EQ(decide_at(0, 0ms, deferred(), policy, 77).next_attempt,
              decide_at(0, 0ms, deferred(), policy, 77).next_attempt);
    policy.jitter = 0;
    EXPECT_EQ(decide_at(0, 0ms, deferred(), policy, 0).next_attempt, start + 300s);
    policy.jitter = 50;  // nonsense does not lead into the past
    EXPECT_GT(decide_at(0, 0ms, deferred(), policy, 0).next_attempt, start);
}

TEST(Schedule, LastAttemptFallsOnExpiryAndThenItIsGivenUp) {
    EXPECT_EQ(decide_at(50, 119h, deferred()).next_attempt, times.expires);
    EXPECT_EQ(decide_at(50, 120h, deferred()).state, State::expired);
    EXPECT_EQ(decide_at(50, 120h - 1ms, deferred()).state, State::waiting);
}

TEST(Schedule, GreylistedRecipientsComeBackSoon) {
    Policy policy;
    policy.retry = {1h};
    auto const grey = outcome(Outcome::Kind::deferred, 450, "rcpt", "4.2.0");
    EXPECT_EQ(decide_at(0, 0ms, grey, policy).next_attempt, start + 5min);
    EXPECT_EQ(decide_at(1, 0ms, grey, policy).next_attempt, start + 10min);
    EXPECT_EQ(decide_at(2, 0ms, grey, policy).next_attempt, start + 1h);
    policy.retry = {1min};  // never later than the policy says
    EXPECT_EQ(decide_at(0, 0ms, grey, policy).next_attempt, start + 1min);
}

TEST(Schedule, WhatLooksGreylisted) {
    struct Row {
        std::uint16_t code;
        char const* stage;
        char const* status;
        bool expected;
    };
    for (auto const& row : std::vector<Row>{{450, "rcpt", "4.2.0", true},
                                            {451, "rcpt", "4.7.1", true},
                                            {451, "data", "4.7.1", true},
                                            {451, "content", "4.3.0", false},
                                            {452, "rcpt", "4.2.2", false},
                                            {421, "rcpt", "4.7.0", false},
                                            {450, "mail", "4.7.1", false},
                                            {0, "connect", "4.4.1", false}}) {
        auto const last = outcome(Outcome::Kind::deferred, row.code, row.stage, row.status);
        EXPECT_EQ(looks_greylisted(last), row.expected) << row.code << row.stage;
    }
    auto whole = outcome(Outcome::Kind::deferred, 450, "rcpt");
    whole.whole_host = true;
    EXPECT_FALSE(looks_greylisted(whole));
    EXPECT_FALSE(looks_greylisted(outcome(Outcome::Kind::failed, 450, "rcpt")));
}

TEST(Schedule, DelayIsToldOnce) {
    EXPECT_FALSE(decide_at(4, 4h - 1ms, deferred()).warn_delay);
    EXPECT_TRUE(decide_at(4, 4h, deferred()).warn_delay);
    EXPECT_FALSE(decide_at(4, 121h, deferred()).warn_delay);  // it expires instead
    envelope::Recipient recipient;
    recipient.delay_notified = true;
    EXPECT_FALSE(is_warning_due(recipient, times, {}, start + 5h));
    recipient.delay_notified = false;
    EXPECT_TRUE(is_warning_due(recipient, times, {}, start + 5h));
    Policy never;
    never.warn_after = 0ms;
    EXPECT_FALSE(is_warning_due(recipient, times, never, start + 5h));
    recipient.state = State::held;
    EXPECT_FALSE(is_warning_due(recipient, times, {}, start + 5h));
}

TEST(Schedule, BouncesAreGivenUpSooner) {
    EXPECT_EQ(expiry(false, {}, start), start + 120h);
    EXPECT_EQ(expiry(true, {}, start), start + 48h);
}

TEST(DestinationState, StartsSmallAndDoublesWithEachGreeting) {
    DestinationState state;
    Policy policy;
    policy.connections_per_destination = 7;
    std::vector<std::uint32_t> limits;
    for (int i = 0; i < 4; ++i) {
        limits.push_back(state.limit(policy, start));
        state.ready(policy, start);
    }
    EXPECT_EQ(limits, (std::vector<std::uint32_t>{2, 4, 7, 7}));
    policy.connections_per_destination = 3;
    EXPECT_EQ(state.limit(policy, start), 3U);
    policy.connections_per_destination = 0;
    EXPECT_EQ(state.limit(policy, start), 1U);
}

TEST(DestinationState, DeadHostIsProbedByOneAtDoublingIntervals) {
    DestinationState state;
    Policy const policy;
    auto now = start;
    std::vector<Millis> const expected = {1min, 2min, 4min, 8min, 16min, 32min, 60min, 60min};
    for (auto const interval : expected) {
        state.failed(0, policy, now, middle);
        EXPECT_EQ(state.limit(policy, now), 0U);
        EXPECT_EQ(state.backed_off_until(now), now + interval);
        now += interval;
        EXPECT_FALSE(state.backed_off_until(now));
        EXPECT_TRUE(state.is_probing());
        EXPECT_EQ(state.limit(policy, now), 1U);
    }
    state.ready(policy, now);
    EXPECT_FALSE(state.is_probing());
    EXPECT_EQ(state.limit(policy, now), 4U);
    state.failed(0, policy, now, middle);
    EXPECT_EQ(state.backed_off_until(now), now + 1min);
}

TEST(DestinationState, FailuresOfOneMomentCountOnce) {
    DestinationState state;
    for (int i = 0; i < 20; ++i) state.failed(0, {}, start + Millis(i), middle);
    EXPECT_EQ(state.failures(), 1U);
    EXPECT_EQ(state.backed_off_until(start + 1s), start + 1min);
}

TEST(DestinationState, RefusalBesideWorkingConnectionsOnlyCapsThem) {
    DestinationState state;
    Policy const policy;
    for (int i = 0; i < 3; ++i) state.ready(policy, start);
    EXPECT_EQ(state.limit(policy, start), 16U);
    state.failed(5, policy, start, middle);
    EXPECT_FALSE(state.backed_off_until(start));
    EXPECT_EQ(state.limit(policy, start), 5U);
    state.ready(policy, start + 4min);
    EXPECT_EQ(state.limit(policy, start + 4min), 5U);
    state.ready(policy, start + 5min);
    EXPECT_EQ(state.limit(policy, start + 5min), 10U);
}

TEST(DestinationState, ForgivenIsTriedAtOnceButByOne) {
    DestinationState state;
    state.failed(0, {}, start, middle);
    state.forgive(start + 1s);
    EXPECT_EQ(state.limit({}, start + 1s), 1U);
    state.failed(0, {}, start + 1s, middle);
    EXPECT_EQ(state.backed_off_until(start + 1s), start + 1s + 2min);
}

TEST(DestinationState, ForgettableWhenNothingIsLostByIt) {
    DestinationState state;
    Policy const policy;
    EXPECT_TRUE(state.is_forgettable(policy, start));
    state.failed(0, policy, start, middle);
    EXPECT_FALSE(state.is_forgettable(policy, start + 2h));
    EXPECT_TRUE(state.is_forgettable(policy, start + 3h));
    state.ready(policy, start);
    EXPECT_TRUE(state.is_forgettable(policy, start));
    state.failed(1, policy, start, middle);
    EXPECT_FALSE(state.is_forgettable(policy, start));
}

TEST(DestinationState, IsSmall) {
    EXPECT_LE(sizeof(DestinationState), 24U);
}

}  // namespace
}  // namespace dawk::queue
