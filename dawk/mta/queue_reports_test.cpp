#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dawk/mta/queue_test.hpp"
#include "dawk/mta/signing.hpp"

namespace dawk::mta {
namespace {

using namespace test;
using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

// Fails for good for everything outside, keeps the contents that reach mailboxes.
struct ReportFixture : QueueFixture {
    using Notify = envelope::Notify;
    struct Mail {
        std::string recipient, sender, content;
    };
    std::vector<Mail> mailbox;
    std::set<std::string> failing_mailboxes;
    Outcome outside = failed_outcome();

    ReportFixture() {
        deliverer->answer = [this](Job const& job, Recipient const& recipient) {
            if (!routing::is_local_key(recipient.destination)) return outside;
            if (failing_mailboxes.contains(recipient.address.text())) return failed_outcome();
            mailbox.push_back({recipient.address.text(), job.envelope->reverse_path.text(),
                               std::string(*job.content->in_memory())});
            return accepted_outcome();
        };
    }
    MessageId send_with(Notify notify, std::string sender = "alice@dawk.test") {
        auto envelope = make(std::move(sender), {"b@y.test"});
        envelope->recipients[0].notify = notify;
        put(envelope);
        return envelope->id;
    }
};

TEST(QueueReports, FailureIsToldToTheSenderInTheSameCommit) {
    ReportFixture f;
    auto const id = f.send("alice@dawk.test", {"b@y.test"});
    f.world.run_for(1min);
    ASSERT_EQ(f.mailbox.size(), 1U);
    EXPECT_EQ(f.mailbox[0].recipient, "alice@dawk.test");
    EXPECT_EQ(f.mailbox[0].sender, "");
    EXPECT_THAT(f.mailbox[0].content, HasSubstr("b@y.test"));
    EXPECT_THAT(f.mailbox[0].content, HasSubstr("Action: failed"));
    EXPECT_THAT(f.mailbox[0].content, HasSubstr("no such user"));
    EXPECT_THAT(f.mailbox[0].content, HasSubstr("Subject: x"));  // the original's header
    EXPECT_TRUE(f.disk->envelopes.empty());
    EXPECT_TRUE(f.disk->due.empty());
    EXPECT_EQ(f.events.of(Event::Kind::failed), 1U);
    ASSERT_EQ(f.events.of(Event::Kind::dsn_made), 1U);
    for (auto const& event : f.events.events)
        EXPECT_TRUE(event.kind != Event::Kind::dsn_made || event.id == id);
}

TEST(QueueReports, ReportsAreSigned) {
    ReportFixture f;
    std::string trace;
    f.deliverer->answer = [&](Job const& job, Recipient const& recipient) {
        if (!routing::is_local_key(recipient.destination)) return failed_outcome();
        trace = job.envelope->trace;
        return accepted_outcome();
    };
    auto settings = f.settings;
    dkim::SigningKey key;
    key.domain = settings.hostname;
    key.selector = "s";
    key.key = std::make_shared<crypto::PrivateKey const>(
        crypto::PrivateKey::generate(crypto::KeyKind::ed25519));
    auto signing = std::make_shared<Signing>();
    signing->add(key);
    settings.signing = signing;
    f.queue->reload(std::make_shared<Settings const>(settings));
    f.send("alice@dawk.test", {"b@y.test"});
    f.world.run_for(1min);
    EXPECT_THAT(trace, HasSubstr("DKIM-Signature: v=1; a=ed25519-sha256"));
    EXPECT_THAT(trace, HasSubstr("d=" + settings.hostname + ";"));
}

TEST(QueueReports, NotifyIsObeyed) {
    ReportFixture f;
    ReportFixture::Notify never, success, delay;
    never.never = true;
    success.success = true;
    delay.delay = true;
    f.send_with(never);
    f.send_with(success);
    f.send_with(delay);
    f.world.run_for(1min);
    EXPECT_TRUE(f.mailbox.empty());
    EXPECT_TRUE(f.disk->envelopes.empty());
}

TEST(QueueReports, SuccessIsToldWhenAskedFor) {
    ReportFixture f;
    f.outside = accepted_outcome();
    ReportFixture::Notify success;
    success.success = true;
    f.send_with(success);
    f.send_with({});
    f.world.run_for(1min);
    ASSERT_EQ(f.mailbox.size(), 1U);
    EXPECT_THAT(f.mailbox[0].content, HasSubstr("Action: relayed"));
    f.outside.remote_has_dsn = true;  // then the next hop tells (RFC 3461 §5.2.2)
    f.send_with(success);
    f.world.run_for(1min);
    EXPECT_EQ(f.mailbox.size(), 1U);
}

TEST(QueueReports, RecipientsOfOneJobShareOneReport) {
    ReportFixture f;
    f.send("alice@dawk.test", {"1@y.test", "2@y.test", "3@y.test"});
    f.world.run_for(1min);
    ASSERT_EQ(f.mailbox.size(), 1U);
    for (auto const* text : {"1@y.test", "2@y.test", "3@y.test"})
        EXPECT_THAT(f.mailbox[0].content, HasSubstr(text));
}

TEST(QueueReports, DelayIsToldOnceAndExpiryEndsIt) {
    ReportFixture f;
    f.outside = deferred_outcome();
    f.send("alice@dawk.test", {"b@y.test"});
    f.world.run_for(3h);
    EXPECT_TRUE(f.mailbox.empty());
    f.world.run_for(100h);
    ASSERT_EQ(f.mailbox.size(), 1U);
    EXPECT_THAT(f.mailbox[0].content, HasSubstr("Action: delayed"));
    f.world.run_for(30h);
    ASSERT_EQ(f.mailbox.size(), 2U);
    EXPECT_THAT(f.mailbox[1].content, HasSubstr("Action: failed"));
    EXPECT_EQ(f.events.of(Event::Kind::expired), 1U);
    EXPECT_EQ(f.events.of(Event::Kind::delay_notified), 1U);
    EXPECT_TRUE(f.disk->envelopes.empty());
    EXPECT_TRUE(f.disk->due.empty());
}

TEST(QueueReports, MessagesThatOnlyWaitForADeadHostAreWarnedOfAndExpire) {
    ReportFixture f;
    f.deliverer->down.insert("mx:dead.test");
    for (int i = 0; i < 300; ++i) f.send("alice@dawk.test", {std::to_string(i) + "@dead.test"});
    f.world.run_for(7h);
    EXPECT_EQ(f.mailbox.size(), 300U);
    EXPECT_EQ(f.events.of(Event::Kind::delay_notified), 300U);
    EXPECT_LE(f.deliverer->tries.size(), 400U);
    f.world.run_for(116h);
    EXPECT_EQ(f.events.of(Event::Kind::expired), 300U);
    EXPECT_EQ(f.mailbox.size(), 600U);
    EXPECT_TRUE(f.disk->envelopes.empty());
    EXPECT_TRUE(f.disk->due.empty());
}

TEST(QueueReports, BounceOfABounceGoesToPostmaster) {
    ReportFixture f;
    f.send("bob@remote.test", {"b@y.test"});  // the report to bob fails as well
    f.world.run_for(1min);
    ASSERT_EQ(f.mailbox.size(), 1U);
    EXPECT_EQ(f.mailbox[0].recipient, "postmaster@dawk.test");
    EXPECT_THAT(f.mailbox[0].content, HasSubstr("bob@remote.test"));
    EXPECT_TRUE(f.disk->envelopes.empty());
}

TEST(QueueReports, UnknownSenderOfOursMeansPostmaster) {
    ReportFixture f;
    f.send("nobody@dawk.test", {"b@y.test"});
    f.world.run_for(1min);
    ASSERT_EQ(f.mailbox.size(), 1U);
    EXPECT_EQ(f.mailbox[0].recipient, "postmaster@dawk.test");
    EXPECT_TRUE(f.disk->envelopes.empty());
}

TEST(QueueReports, WhatNobodyCanBeToldOfIsHeldNotDropped) {
    ReportFixture f;
    f.failing_mailboxes.insert("postmaster@dawk.test");
    f.send("", {"b@y.test"});
    f.world.run_for(1min);
    EXPECT_TRUE(f.mailbox.empty());
    ASSERT_EQ(f.disk->envelopes.size(), 1U);
    auto const& held = *f.disk->envelopes.begin()->second;
    EXPECT_EQ(held.recipients[0].state, State::held);
    EXPECT_EQ(held.recipients[0].address.text(), "postmaster@dawk.test");
    EXPECT_EQ(f.events.of(Event::Kind::held), 1U);
    EXPECT_TRUE(f.disk->due.empty());
}

TEST(QueueReports, WithoutAPostmasterAFailedBounceIsHeld) {
    ReportFixture f;
    f.settings.postmaster = "";
    f.queue->reload(std::make_shared<Settings>(f.settings));
    f.send("", {"b@y.test"});
    f.world.run_for(1min);
    ASSERT_EQ(f.disk->envelopes.size(), 1U);
    EXPECT_EQ(f.disk->envelopes.begin()->second->recipients[0].state, State::held);
}

TEST(QueueReports, ReportFollowsAnAlias) {
    ReportFixture f;
    directory::Alias alias;
    alias.address = {"team", "dawk.test"};
    alias.targets = {{"alice", "dawk.test"}, {"postmaster", "dawk.test"}};
    ASSERT_TRUE(f.ask(f.directory.add_alias(alias)));
    f.send("team@dawk.test", {"b@y.test"});
    f.world.run_for(1min);
    EXPECT_EQ(f.mailbox.size(), 2U);
}

TEST(QueueReports, CrashBeforeTheCommitLosesNeitherMessageNorReport) {
    ReportFixture f;
    f.spool->set_trouble(Errc::no_space);
    auto envelope = f.make("alice@dawk.test", {"b@y.test"});
    f.store(envelope);
    f.queue->accepted(envelope,
                      std::make_shared<spool::MemoryContent>("Subject: x\r\n\r\n", false));
    f.world.run_for(1min);
    EXPECT_EQ(f.deliverer->tries.size(), 1U);
    EXPECT_TRUE(f.mailbox.empty());
    f.crash();
    ASSERT_EQ(f.disk->envelopes.size(), 1U);
    EXPECT_EQ(f.disk->envelopes.begin()->second->recipients[0].state, State::waiting);
    f.boot();
    f.world.run_for(10min);
    EXPECT_EQ(f.mailbox.size(), 1U);
    EXPECT_TRUE(f.disk->envelopes.empty());
}

TEST(QueueReports, NoSpaceForReportsDoesNotKeepOthersFromBeingRecorded) {
    ReportFixture f;
    auto const inner = f.deliverer->answer;
    f.deliverer->answer = [&](Job const& job, Recipient const& recipient) {
        return recipient.address.local == "good" ? accepted_outcome() : inner(job, recipient);
    };
    auto const bad = f.make("alice@dawk.test", {"bad@y.test"});
    auto const good = f.make("alice@dawk.test", {"good@y.test"});
    for (auto const& envelope : {bad, good}) f.store(envelope);
    f.spool->fail_next(spool::MemSpool::Op::write, Errc::no_space, 3);
    for (auto const& envelope : {bad, good})
        f.queue->accepted(envelope, f.disk->contents[envelope->id]);
    f.world.run_for(1s);
    EXPECT_EQ(f.deliverer->tries.size(), 2U);
    EXPECT_EQ(f.disk->envelopes.size(), 1U);
    f.world.run_for(1min);
    EXPECT_EQ(f.mailbox.size(), 1U);
    EXPECT_TRUE(f.disk->envelopes.empty());
}

TEST(QueueReports, MixedOutcomesOfOneJob) {
    ReportFixture f;
    auto const inner = f.deliverer->answer;
    f.deliverer->answer = [&](Job const& job, Recipient const& recipient) {
        if (recipient.address.local == "good") return accepted_outcome();
        if (recipient.address.local == "full") return deferred_outcome();
        return inner(job, recipient);
    };
    f.send("alice@dawk.test", {"bad@y.test", "good@y.test", "full@y.test"});
    f.world.run_for(1min);
    ASSERT_EQ(f.mailbox.size(), 1U);
    EXPECT_THAT(f.mailbox[0].content, HasSubstr("bad@y.test"));
    EXPECT_THAT(f.mailbox[0].content, Not(HasSubstr("full@y.test")));
    ASSERT_EQ(f.disk->envelopes.size(), 1U);
    auto const& recipients = f.disk->envelopes.begin()->second->recipients;
    EXPECT_EQ(recipients[0].state, State::failed);
    EXPECT_EQ(recipients[1].state, State::relayed);
    EXPECT_EQ(recipients[2].state, State::waiting);
    EXPECT_EQ(f.disk->due.size(), 1U);
}

}  // namespace
}  // namespace dawk::mta
