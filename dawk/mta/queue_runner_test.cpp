#include "dawk/mta/queue_runner.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dawk/mta/queue_test.hpp"

namespace dawk::mta {
namespace {

using namespace test;
using namespace std::chrono_literals;

TEST(QueueRunner, FreshMessageGoesOutAtOnceAndLeavesNothing) {
    QueueFixture f;
    f.send("a@x.test", {"b@y.test"});
    f.world.run_for(1s);
    EXPECT_EQ(f.deliverer->delivered, 1U);
    EXPECT_TRUE(f.disk->envelopes.empty());
    EXPECT_TRUE(f.disk->contents.empty());
    EXPECT_TRUE(f.disk->due.empty());
    EXPECT_EQ(f.events.of(Event::Kind::relayed), 1U);
    f.world.run_for(1h);
    auto const stats = f.queue->stats();
    EXPECT_EQ(stats.messages, 0U);
    EXPECT_EQ(stats.destinations, 0U);
    EXPECT_EQ(stats.carriers, 0U);
    EXPECT_EQ(stats.hot_content_bytes, 0U);
}

TEST(QueueRunner, MailboxIsDeliveredNotRelayed) {
    QueueFixture f;
    f.send("a@x.test", {"alice@dawk.test"});
    f.world.run_for(1s);
    ASSERT_EQ(f.events.events.size(), 1U);
    EXPECT_EQ(f.events.events[0].kind, Event::Kind::delivered);
    EXPECT_EQ(f.events.events[0].destination, "maildir:dawk.test");
    EXPECT_EQ(f.events.events[0].attempt, 1U);
}

TEST(QueueRunner, RecipientsOfOneDestinationTravelTogether) {
    QueueFixture f;
    f.settings.queue.recipients_per_transaction = 3;
    f.queue->reload(std::make_shared<Settings>(f.settings));
    f.send("a@x.test", {"1@y.test", "2@z.test", "3@y.test", "4@y.test", "5@y.test", "6@z.test"});
    f.world.run_for(1s);
    EXPECT_EQ(f.deliverer->delivered, 6U);
    EXPECT_EQ(f.deliverer->jobs, 3U);  // 3 + 1 to y, 2 to z
    EXPECT_TRUE(f.disk->envelopes.empty());
}

TEST(QueueRunner, DeferredRecipientIsTriedByTheSchedule) {
    QueueFixture f;
    auto const start = f.world.wall();
    f.deliverer->answer = [](Job const&, Recipient const&) {
        return outcome_of(Outcome::Kind::deferred, 421, "4.3.2", "mail", "later");
    };
    f.send("", {"b@y.test"});  // nobody to tell of the delay
    f.world.run_for(8h);
    std::vector<Millis> at;
    for (auto const& tried : f.deliverer->tries) at.push_back(tried.at - start);
    std::vector<Millis> const expected = {0min, 5min, 20min, 50min, 110min, 230min, 410min};
    ASSERT_EQ(at.size(), expected.size());
    for (std::size_t i = 0; i < at.size(); ++i) {
        EXPECT_GE(at[i], expected[i]) << i;
        EXPECT_LE(at[i], expected[i] + 1s) << i;
    }
    ASSERT_EQ(f.disk->envelopes.size(), 1U);
    auto const& stored = f.disk->envelopes.begin()->second->recipients[0];
    EXPECT_EQ(stored.attempts, 7U);
    EXPECT_EQ(stored.last.text, "later");
    EXPECT_EQ(f.disk->due.size(), 1U);
    EXPECT_EQ(f.disk->due.begin()->due, stored.next_attempt);
    EXPECT_EQ(f.queue->stats().messages, 0U);  // it waits on disk
    f.deliverer->answer = [](Job const&, Recipient const&) { return accepted_outcome(); };
    f.world.run_for(4h);
    EXPECT_TRUE(f.disk->envelopes.empty());
    EXPECT_TRUE(f.disk->due.empty());
}

TEST(QueueRunner, MixedOutcomesKeepOnlyWhatWaits) {
    QueueFixture f;
    f.deliverer->answer = [](Job const&, Recipient const& r) {
        return r.address.local == "full" ? deferred_outcome() : accepted_outcome();
    };
    f.send("a@x.test", {"one@y.test", "full@y.test", "two@z.test"});
    f.world.run_for(1min);
    ASSERT_EQ(f.disk->envelopes.size(), 1U);
    auto const& recipients = f.disk->envelopes.begin()->second->recipients;
    EXPECT_EQ(recipients[0].state, State::relayed);
    EXPECT_EQ(recipients[1].state, State::waiting);
    EXPECT_EQ(recipients[2].state, State::relayed);
    ASSERT_EQ(f.disk->due.size(), 1U);
    EXPECT_EQ(f.disk->due.begin()->destination, "mx:y.test");
    f.world.run_for(10min);
    EXPECT_EQ(f.deliverer->delivered, 2U);
    for (std::size_t i = 3; i < f.deliverer->tries.size(); ++i)
        EXPECT_EQ(f.deliverer->tries[i].recipient, "full@y.test");
}

TEST(QueueRunner, DeadHostIsProbedByOneMessageAndThenAllFollow) {
    QueueFixture f;
    f.deliverer->down.insert("mx:dead.test");
    for (int i = 0; i < 200; ++i) f.send("a@x.test", {std::to_string(i) + "@dead.test"});
    f.world.run_for(1s);
    auto const first = f.deliverer->tries.size();
    EXPECT_LE(first, 2U);  // what may be started toward a host nobody knows
    // 1, 2, 4, 8, 16, 32, 60 minutes: seven probes in about two hours.
    f.world.run_for(125min);
    EXPECT_EQ(f.deliverer->tries.size(), first + 7);
    EXPECT_EQ(f.disk->envelopes.size(), 200U);
    EXPECT_EQ(f.queue->stats().messages, 0U);
    auto const view = f.queue->destination("mx:dead.test");
    ASSERT_TRUE(view);
    EXPECT_TRUE(view->backed_off_until);
    EXPECT_EQ(view->last_failure.text, "connection refused");
    f.deliverer->down.clear();
    f.world.run_for(61min);
    EXPECT_EQ(f.deliverer->delivered, 200U);
    EXPECT_TRUE(f.disk->envelopes.empty());
    EXPECT_TRUE(f.disk->due.empty());
    EXPECT_LE(f.deliverer->most_of["mx:dead.test"], 20U);
}

TEST(QueueRunner, FreshMailToABackedOffHostWaitsForIt) {
    QueueFixture f;
    f.deliverer->down.insert("mx:dead.test");
    f.send("a@x.test", {"1@dead.test"});
    f.world.run_for(10s);
    f.send("a@x.test", {"2@dead.test"});
    f.world.run_for(30s);
    EXPECT_EQ(f.deliverer->tries.size(), 1U);
    f.world.run_for(30s);
    ASSERT_EQ(f.deliverer->tries.size(), 2U);
    EXPECT_EQ(f.deliverer->tries[1].recipient, "2@dead.test");
}

TEST(QueueRunner, RefusedExtraConnectionIsNotADeadHost) {
    QueueFixture f;
    f.deliverer->connections_max["mx:small.test"] = 3;
    f.deliverer->job_time = 500ms;
    for (int i = 0; i < 100; ++i) f.send("a@x.test", {std::to_string(i) + "@small.test"});
    f.world.run_for(2min);
    EXPECT_GE(f.deliverer->delivered, 90U);
    auto const view = f.queue->destination("mx:small.test");
    EXPECT_TRUE(!view || view->failures == 0);
    f.world.run_for(20min);
    EXPECT_EQ(f.deliverer->delivered, 100U);
}

TEST(QueueRunner, ConnectionsOfAllAreSharedFairly) {
    QueueFixture f;
    f.settings.queue.connections_all = 4;
    f.queue->reload(std::make_shared<Settings>(f.settings));
    f.deliverer->job_time = 100ms;
    for (int i = 0; i < 400; ++i) f.send("a@x.test", {std::to_string(i) + "@big.test"});
    for (int i = 0; i < 10; ++i) f.send("a@x.test", {"x@small" + std::to_string(i) + ".test"});
    std::size_t small = 0;
    f.world.run_for(5s);
    for (auto const& tried : f.deliverer->tries)
        small += tried.recipient.starts_with("x@") ? 1U : 0U;
    EXPECT_EQ(small, 10U);  // long before the big one is through
    EXPECT_LT(f.deliverer->delivered, 410U);
    f.world.run_for(10min);
    EXPECT_EQ(f.deliverer->delivered, 410U);
    EXPECT_LE(f.deliverer->most_running, 4U);
}

TEST(QueueRunner, OneConnectionCarriesManyMessages) {
    QueueFixture f;
    f.settings.queue.connections_per_destination = 1;
    f.queue->reload(std::make_shared<Settings>(f.settings));
    for (int i = 0; i < 50; ++i) f.send("a@x.test", {"b@y.test"});
    f.world.run_for(1s);
    f.send("a@x.test", {"b@y.test"});  // while the carrier waits idle
    f.world.run_for(1s);
    EXPECT_EQ(f.deliverer->delivered, 51U);
    EXPECT_EQ(f.deliverer->connects, 1U);
    f.world.run_for(3s);
    EXPECT_EQ(f.deliverer->running, 0U);  // it does not stay for ever
}

TEST(QueueRunner, QueueOnDiskIsFoundAfterARestart) {
    QueueFixture f;
    f.deliverer->answer = [](Job const&, Recipient const&) { return deferred_outcome(); };
    for (int i = 0; i < 30; ++i)
        f.send("a@x.test", {"b@y" + std::to_string(i % 3) + ".test", "alice@dawk.test"});
    f.world.run_for(1min);
    f.shut_down();
    EXPECT_EQ(f.disk->due.size(), 60U);
    f.deliverer->answer = [](Job const&, Recipient const&) { return accepted_outcome(); };
    f.boot();
    f.world.run_for(10min);
    EXPECT_EQ(f.deliverer->delivered, 60U);
    EXPECT_TRUE(f.disk->envelopes.empty());
    EXPECT_TRUE(f.disk->due.empty());
}

TEST(QueueRunner, CrashRepeatsAtMostWhatWasUnderWay) {
    QueueFixture f;
    f.deliverer->job_time = 10ms;
    for (int i = 0; i < 300; ++i) f.send("a@x.test", {std::to_string(i) + "@y.test"});
    f.world.run_for(100ms);
    auto const before = f.deliverer->delivered;
    EXPECT_GT(before, 0U);
    EXPECT_LT(before, 300U);
    f.crash();
    f.boot();
    f.world.run_for(10min);
    EXPECT_TRUE(f.disk->envelopes.empty());
    std::map<std::string, int> times;
    for (auto const& tried : f.deliverer->tries) ++times[tried.recipient];
    EXPECT_EQ(times.size(), 300U);
    std::size_t twice = 0;
    for (auto const& [recipient, count] : times) twice += count > 1 ? 1U : 0U;
    EXPECT_LE(twice, 40U);  // one each that a carrier held
}

TEST(QueueRunner, OutcomesWaitForAFailingSpoolAndNothingIsDeliveredTwice) {
    QueueFixture f;
    f.deliverer->job_time = 10ms;
    for (int i = 0; i < 100; ++i) f.send("a@x.test", {std::to_string(i) + "@y.test"});
    f.spool->set_trouble(Errc::no_space);
    f.world.run_for(1min);
    auto const during = f.deliverer->delivered;
    EXPECT_LT(during, 60U);  // it stopped delivering what it could not record
    EXPECT_EQ(f.disk->envelopes.size(), 100U);
    EXPECT_EQ(f.events.of(Event::Kind::spool_trouble), 1U);
    EXPECT_EQ(f.events.of(Event::Kind::relayed), 0U);
    f.spool->set_trouble({});
    f.world.run_for(1min);
    EXPECT_EQ(f.deliverer->delivered, 100U);
    EXPECT_EQ(f.events.of(Event::Kind::relayed), 100U);
    EXPECT_EQ(f.events.of(Event::Kind::spool_trouble), 2U);
    EXPECT_TRUE(f.disk->envelopes.empty());
}

TEST(QueueRunner, StoppedWithATroubledSpoolItGivesUpInTheEnd) {
    QueueFixture f;
    f.send("a@x.test", {"b@y.test"});
    f.spool->set_trouble(Errc::io_error);
    f.world.run_for(1s);
    EXPECT_EQ(f.deliverer->delivered, 1U);
    f.shut_down();
    EXPECT_EQ(f.disk->envelopes.size(), 1U);
}

TEST(QueueRunner, GracefulStopFinishesWhatCarriersHold) {
    QueueFixture f;
    f.deliverer->job_time = 1s;
    for (int i = 0; i < 10; ++i) f.send("a@x.test", {"b@y.test"});
    f.world.run_for(500ms);
    f.shut_down(30s);
    EXPECT_GE(f.deliverer->delivered, 1U);
    EXPECT_EQ(f.disk->envelopes.size(), 10U - f.deliverer->delivered);
    EXPECT_EQ(f.deliverer->running, 0U);
}

TEST(QueueRunner, StopAtItsDeadlineCancelsCarriersAndDefersTheirJobs) {
    QueueFixture f;
    f.deliverer->job_time = 1h;
    f.send("a@x.test", {"b@y.test"});
    f.world.run_for(1s);
    f.shut_down(2s);
    ASSERT_EQ(f.disk->envelopes.size(), 1U);
    EXPECT_EQ(f.disk->envelopes.begin()->second->recipients[0].last.text, "interrupted");
    EXPECT_EQ(f.disk->envelopes.begin()->second->recipients[0].attempts, 1U);
}

TEST(QueueRunner, StopWhileTheQueueIsStillBeingRead) {
    QueueFixture f;
    f.shut_down();
    for (int i = 0; i < 500; ++i)
        f.store(f.make("a@x.test", {"b@y" + std::to_string(i % 9) + ".test"}));
    f.boot();
    f.shut_down(0s);
    f.boot();
    f.world.run_for(1us);
    f.shut_down(1s);
    f.boot();
    f.world.run_for(10min);
    EXPECT_EQ(f.deliverer->delivered, 500U);
    EXPECT_TRUE(f.disk->due.empty());
}

TEST(QueueRunner, CarrierThatDoesNothingIsNotStartedOverAndOver) {
    QueueFixture f;
    f.deliverer->ends_at_once = true;
    f.send("a@x.test", {"b@y.test"});
    f.world.run_for(30s);
    EXPECT_LE(f.world.events(), 10'000U);
    f.deliverer->ends_at_once = false;
    f.world.run_for(10min);
    EXPECT_EQ(f.deliverer->delivered, 1U);
}

TEST(QueueRunner, JobsACarrierLosesAreDeferred) {
    QueueFixture f;
    f.deliverer->forgets_jobs = true;
    f.send("a@x.test", {"b@y.test"});
    f.world.run_for(1s);
    EXPECT_EQ(f.events.of(Event::Kind::deferred), 1U);
    f.deliverer->forgets_jobs = false;
    f.world.run_for(6min);
    EXPECT_EQ(f.deliverer->delivered, 1U);
}

TEST(QueueRunner, RecipientsAreRoutedAnewAfterAReload) {
    QueueFixture f;
    f.deliverer->answer = [](Job const&, Recipient const&) { return deferred_outcome(); };
    f.send("a@x.test", {"b@y.test", "c@z.test"});
    f.world.run_for(1min);
    routing::RouteConfig route;
    route.to = "y.test";
    route.via = "smtp:relay.test";
    f.settings.routing.routes = {route};
    f.queue->reload(std::make_shared<Settings>(f.settings));
    f.deliverer->answer = [](Job const&, Recipient const&) { return accepted_outcome(); };
    f.world.run_for(10min);
    EXPECT_EQ(f.deliverer->delivered, 2U);
    EXPECT_EQ(f.events.of(Event::Kind::rerouted), 1U);
    bool by_relay = false;
    for (auto const& tried : f.deliverer->tries)
        by_relay = by_relay || tried.destination == "smtp:relay.test:25";
    EXPECT_TRUE(by_relay);
    EXPECT_TRUE(f.disk->due.empty());
    EXPECT_TRUE(f.disk->envelopes.empty());
}

TEST(QueueRunner, ReadyMessagesFollowAReload) {
    QueueFixture f;
    f.settings.queue.connections_per_destination = 2;
    f.queue->reload(std::make_shared<Settings>(f.settings));
    f.deliverer->job_time = 1s;
    for (int i = 0; i < 20; ++i) f.send("a@x.test", {"b@y.test"});
    f.world.run_for(100ms);
    routing::RouteConfig route;
    route.to = "*";
    route.via = "smtp:relay.test";
    f.settings.routing.routes = {route};
    f.queue->reload(std::make_shared<Settings>(f.settings));
    f.world.run_for(5min);
    EXPECT_EQ(f.deliverer->delivered, 20U);
    EXPECT_EQ(f.deliverer->tries.size(), 20U);
    EXPECT_GE(f.events.of(Event::Kind::rerouted), 16U);
    EXPECT_TRUE(f.disk->due.empty());
}

TEST(QueueRunner, OrphansInTheScheduleAreCleanedUp) {
    QueueFixture f;
    auto const id = MessageId::make(f.world.wall(), 1, 2);
    f.disk->due.insert({"mx:y.test", f.world.wall(), id});
    f.send("a@x.test", {"b@y.test"});
    f.shut_down();
    f.boot();
    f.world.run_for(1min);
    EXPECT_TRUE(f.disk->due.empty());
}

TEST(QueueRunner, EntryInTheWrongPlaceIsPutRight) {
    QueueFixture f;
    auto envelope = f.make("a@x.test", {"b@y.test"});
    envelope->recipients[0].next_attempt = f.world.wall() + 1h;
    f.store(envelope);
    f.disk->due.clear();
    f.disk->due.insert({"mx:y.test", f.world.wall(), envelope->id});
    f.shut_down();
    f.boot();
    f.world.run_for(59min);
    EXPECT_EQ(f.deliverer->delivered, 0U);
    ASSERT_EQ(f.disk->due.size(), 1U);
    EXPECT_EQ(f.disk->due.begin()->due, envelope->recipients[0].next_attempt);
    f.world.run_for(2min);
    EXPECT_EQ(f.deliverer->delivered, 1U);
}

TEST(QueueRunner, UnreadableRecordHarmsOnlyItself) {
    QueueFixture f;
    for (int i = 0; i < 5; ++i) f.store(f.make("a@x.test", {"b@y.test"}));
    f.shut_down();
    f.boot();
    f.spool->fail_next(spool::MemSpool::Op::load, Errc::corrupt, 1);
    f.world.run_for(1min);
    EXPECT_EQ(f.deliverer->delivered, 4U);
    EXPECT_EQ(f.events.of(Event::Kind::spool_trouble), 1U);
    f.world.run_for(1h);
    EXPECT_EQ(f.deliverer->delivered, 5U);  // it can be read again
    EXPECT_TRUE(f.disk->due.empty());
}

TEST(QueueRunner, UnreadableContentDefersTheMessage) {
    QueueFixture f;
    f.store(f.make("a@x.test", {"b@y.test"}));
    f.shut_down();
    f.boot();
    f.spool->fail_next(spool::MemSpool::Op::open_content, Errc::io_error, 1);
    f.world.run_for(1min);
    EXPECT_EQ(f.events.of(Event::Kind::deferred), 1U);
    f.world.run_for(5min);
    EXPECT_EQ(f.deliverer->delivered, 1U);
}

TEST(QueueRunner, FailingReadsOfTheScheduleAreRepeated) {
    QueueFixture f;
    f.store(f.make("a@x.test", {"b@y.test"}));
    f.shut_down();
    f.boot();
    f.spool->fail_next(spool::MemSpool::Op::destinations, Errc::io_error, 2);
    f.spool->fail_next(spool::MemSpool::Op::due, Errc::io_error, 2);
    f.world.run_for(1min);
    EXPECT_EQ(f.deliverer->delivered, 1U);
}

TEST(QueueRunner, MessageFoundOnDiskBeforeItIsAnnouncedIsNotDeliveredTwice) {
    QueueFixture f;
    f.deliverer->down.insert("mx:y.test");
    f.send("a@x.test", {"first@y.test"});
    f.world.run_for(30s);
    auto envelope = f.make("a@x.test", {"second@y.test"});
    f.put(envelope, "x\r\n", false);
    f.deliverer->down.clear();
    f.world.run_for(10min);  // the probe finds it
    EXPECT_EQ(f.deliverer->delivered, 2U);
    f.queue->accepted(envelope, std::make_shared<spool::MemoryContent>("x\r\n", false));
    f.world.run_for(1min);
    EXPECT_EQ(f.deliverer->delivered, 2U);
}

TEST(QueueRunner, HotContentsStayInTheirBudget) {
    QueueFixture f;
    f.settings.queue.hot_content_bytes = 100'000;
    f.queue->reload(std::make_shared<Settings>(f.settings));
    f.deliverer->job_time = 50ms;
    std::uint64_t most = 0;
    for (int i = 0; i < 100; ++i) {
        f.put(f.make("a@x.test", {"b@y" + std::to_string(i % 7) + ".test"}),
              std::string(10'000, 'x'));
        most = std::max(most, f.queue->stats().hot_content_bytes);
    }
    while (f.queue->stats().hot_content_bytes > 0) {
        f.world.run_for(10ms);
        most = std::max(most, f.queue->stats().hot_content_bytes);
    }
    f.world.run_for(1min);
    EXPECT_LE(most, 220'000U);  // half more, and one content for each destination's page
    EXPECT_EQ(f.deliverer->delivered, 100U);
}

TEST(QueueRunner, TwoHundredThousandForADeadHostCostNoMemory) {
    QueueFixture f;
    f.deliverer->down.insert("mx:dead.test");
    auto const envelope = f.make("a@x.test", {"b@dead.test"});
    for (std::uint64_t i = 0; i < 200'000; ++i) {
        auto copy = std::make_shared<Envelope>(*envelope);
        copy->id = MessageId::make(f.world.wall(), i, i);
        f.store(copy, "x\r\n");
    }
    f.shut_down();
    f.boot();
    std::uint64_t most = 0;
    for (int i = 0; i < 200; ++i) {
        f.world.run_for(1min);
        most = std::max(most, f.queue->stats().messages);
    }
    EXPECT_LE(most, 300U);
    EXPECT_LE(f.deliverer->tries.size(), 12U);
    f.deliverer->keeps_tries = false;
    f.events.keeps = false;
    f.deliverer->down.clear();
    f.deliverer->job_time = 100us;
    for (int i = 0; i < 200 && !f.disk->envelopes.empty(); ++i) {
        f.world.run_for(1min);
        most = std::max(most, f.queue->stats().messages);
    }
    EXPECT_TRUE(f.disk->envelopes.empty());
    EXPECT_EQ(f.deliverer->delivered, 200'000U);
    EXPECT_LE(most, 2000U);
}

TEST(QueueRunner, ManyDestinationsAreServedWithinTheBounds) {
    QueueFixture f;
    f.settings.queue.ready_all = 100;
    f.settings.queue.connections_all = 20;
    for (int i = 0; i < 5000; ++i)
        f.store(f.make("a@x.test", {"b@y" + std::to_string(i) + ".test"}));
    f.shut_down();
    f.boot();
    std::uint64_t most = 0;
    for (int i = 0; i < 1000 && !f.disk->envelopes.empty(); ++i) {
        f.world.run_for(1s);
        most = std::max(most, f.queue->stats().ready);
    }
    EXPECT_EQ(f.deliverer->delivered, 5000U);
    EXPECT_LE(most, 120U);
    EXPECT_LE(f.deliverer->most_running, 20U);
}

TEST(QueueRunner, CarriersOnOtherShardsDeliverTheSame) {
    QueueFixture f(3, 4);
    f.deliverer->batch = 3;
    for (int i = 0; i < 300; ++i)
        f.send("a@x.test", {"b@y" + std::to_string(i % 10) + ".test", "c@z.test"});
    f.world.run_for(5min);
    EXPECT_EQ(f.deliverer->delivered, 600U);
    EXPECT_EQ(f.deliverer->tries.size(), 600U);
    EXPECT_TRUE(f.disk->envelopes.empty());
    EXPECT_TRUE(f.disk->due.empty());
    EXPECT_EQ(f.queue->stats().flying, 0U);
    EXPECT_EQ(f.queue->stats().carriers, 0U);
}

}  // namespace
}  // namespace dawk::mta
