#include <algorithm>

#include <gtest/gtest.h>

#include "dawk/rt/task_group.hpp"
#include "dawk/sim/network.hpp"

namespace dawk::sim {
namespace {

using namespace std::chrono_literals;

struct Fixture : ::testing::Test {
    World world{7};
    Internet internet{world};
    Host a{internet, "a.test", {"192.0.2.1"}};
    Host b{internet, "b.test", {"192.0.2.2"}};
    std::string log;

    Task<void> echo(std::unique_ptr<rt::Stream> stream) {
        char buffer[16];
        for (;;) {
            stream->expires_at(world.steady() + 5min);
            auto const n = co_await stream->read_some(buffer);
            if (!n) {
                log += "[" + n.error().message() + "]";
                co_return;
            }
            std::string const octets(buffer, *n);
            auto const sent = co_await stream->write_all(octets);
            if (!sent) co_return;
        }
    }
    Task<void> serve(rt::Listener& listener, rt::TaskGroup& group) {
        for (;;) {
            auto stream = co_await listener.accept();
            if (!stream) co_return;
            group.spawn(echo(std::move(*stream)));
        }
    }
    Task<void> talk(bool stall) {
        rt::ConnectTarget target{rt::Endpoint{"192.0.2.2", 25}, "", world.steady() + 30s};
        auto stream = co_await a.connect(std::move(target));
        if (!stream) {
            log += "(" + stream.error().message() + ")";
            co_return;
        }
        std::string_view const text = "hello, world of mail";
        auto const sent = co_await (*stream)->write_all(text);
        EXPECT_TRUE(sent);
        std::string got;
        char buffer[64];
        while (got.size() < text.size()) {
            auto const n = co_await (*stream)->read_some(buffer);
            if (!n) co_return;
            got.append(buffer, *n);
        }
        log += got;
        auto const late = world.steady() + 10min;
        if (stall) co_await world.sleep_until(late);
        co_await (*stream)->shutdown();
    }
};

TEST_F(Fixture, OctetsArriveInOrderAndTheEndIsSeen) {
    auto listener = b.listen("192.0.2.2:25", false).value();
    rt::TaskGroup group(world.context().get_executor());
    group.spawn(serve(*listener, group));
    group.spawn(talk(false));
    world.run_for(1h);
    EXPECT_EQ(log, "hello, world of mail[connection closed]");
    listener->close();
    world.run_until_idle();
    EXPECT_EQ(group.size(), 0U);
}

TEST_F(Fixture, APortMayBeSharedByThoseWhoAllShareIt) {
    auto first = b.listen("192.0.2.2:25", true).value();
    auto second = b.listen("192.0.2.2:25", true).value();
    EXPECT_FALSE(b.listen("192.0.2.2:25", false));
    rt::TaskGroup group(world.context().get_executor());
    group.spawn(serve(*first, group));
    for (int i = 0; i < 4; ++i) group.spawn(talk(false));
    world.run_for(1s);
    EXPECT_EQ(std::count(log.begin(), log.end(), ','), 2) << log;  // the others are the second's
    second->close();
    group.spawn(talk(false));
    world.run_for(1s);
    EXPECT_EQ(std::count(log.begin(), log.end(), ','), 3) << log;
    first->close();
    auto const alone = b.listen("192.0.2.2:25", false);
    EXPECT_TRUE(alone);
    group.cancel();
    world.run_for(1s);
}

TEST_F(Fixture, ADeadlinePassesInVirtualTime) {
    auto listener = b.listen("0.0.0.0:25", false).value();
    rt::TaskGroup group(world.context().get_executor());
    group.spawn(serve(*listener, group));
    group.spawn(talk(true));
    world.run_for(6min);
    EXPECT_EQ(log, "hello, world of mail[timed out]");
    group.cancel();
    world.run_for(1min);
    EXPECT_EQ(group.size(), 0U) << "cancellation unwinds every task";
}

TEST_F(Fixture, DownRefusesAndSilentHangs) {
    rt::TaskGroup group(world.context().get_executor());
    b.set_down(true);
    group.spawn(talk(false));
    world.run_for(1min);
    EXPECT_EQ(log, "(Connection refused)");
    b.set_down(false);
    b.set_silent(true);
    group.spawn(talk(false));
    world.run_for(1min);
    EXPECT_EQ(log, "(Connection refused)(timed out)");
}

TEST(World, EqualSeedsGiveEqualRuns) {
    auto const run = [](std::uint64_t seed) {
        World world(seed);
        for (int i = 0; i < 1000; ++i) {
            world.after(Duration(static_cast<Duration::rep>(world.rng().below(1'000'000))),
                        [&world] {
                            if (world.rng().chance(0.5)) world.after(1ms, [] {});
                        });
        }
        world.run_until_idle();
        return world.fingerprint();
    };
    EXPECT_EQ(run(1), run(1));
    EXPECT_NE(run(1), run(2));
}

TEST(MemoryFiles, APowerCutTakesWhatWasNotSynced) {
    MemoryFiles files;
    ASSERT_TRUE(files.make_folder("m", 0700));
    ASSERT_TRUE(files.sync_folder(""));
    std::string_view const pieces[] = {"text"};
    auto kept = files.create("m/kept", 0600).value();
    ASSERT_TRUE(kept->append(pieces));
    ASSERT_TRUE(kept->sync());
    ASSERT_TRUE(files.sync_folder("m"));
    auto unsynced = files.create("m/lost", 0600).value();
    ASSERT_TRUE(unsynced->append(pieces));
    ASSERT_TRUE(unsynced->sync());  // the file, but not the folder that names it
    ASSERT_TRUE(kept->append(pieces));
    files.power_cut();
    EXPECT_EQ(files.get("m/kept").value(), "text");
    EXPECT_FALSE(files.get("m/lost"));
}

TEST(Zone, TellsAbsenceApart) {
    World world(1);
    Zone zone;
    zone.add_mx("example.org", 10, "mx.example.org");
    zone.add_cname("www.example.org", "example.org");
    EXPECT_EQ(zone.answer({"www.example.org", dns::Type::mx}).mx.size(), 1U);
    EXPECT_EQ(zone.answer({"www.example.org", dns::Type::mx}).canonical_name, "example.org");
    EXPECT_EQ(zone.answer({"example.org", dns::Type::a}).status, dns::Status::no_data);
    EXPECT_EQ(zone.answer({"org", dns::Type::a}).status, dns::Status::no_data);
    EXPECT_EQ(zone.answer({"nowhere.test", dns::Type::a}).status, dns::Status::nxdomain);
    zone.fail("example.org", dns::Status::servfail);
    EXPECT_TRUE(zone.answer({"example.org", dns::Type::mx}).temporary());
}

}  // namespace
}  // namespace dawk::sim
