// RocksSpool fulfils the contract of all spools, on a real disk that can be told to fail.
#include <gtest/gtest.h>

#include "dawk/spool/contract.hpp"
#include "dawk/spool_rocks/large_files.hpp"
#include "dawk/spool_rocks/power_cut_world.hpp"
#include "dawk/spool_rocks/rocks_spool.hpp"
#include "dawk/spool_rocks/test_world.hpp"

namespace dawk::spool::contract {
namespace {

using namespace dawk::spool_rocks;

class RocksSubject : public Subject {
  public:
    explicit RocksSubject(std::uint64_t large) {
        options.folder = folder.path() + "/spool";
        options.large_content_bytes = large;
        options.memtable_bytes = 4U << 20U;
        options.disk_free_min_bytes = 0;
        options.recovery_interval = std::chrono::milliseconds(1);
        options.env = env.get();
        options.report = [this](std::string_view words) { on_report(words); };
        open();
    }
    void open() {
        auto opened = RocksSpool::open(pool, clock, files, options);
        ASSERT_TRUE(opened) << opened.error().detail;
        rocks = std::move(*opened);
    }
    Spool& spool() override { return *rocks; }
    void reopen() override {
        rocks.reset();
        open();
    }
    void break_disk(Errc error) override {
        faults.write_errno = error == Errc::no_space ? ENOSPC : EIO;
    }
    void mend_disk() override {
        std::unique_lock lock(mutex);
        faults.write_errno = 0;
        reported.wait(lock, [this] { return !rocks->is_in_trouble(); });
    }
    std::size_t files_of_large_contents() override {
        LargeFiles large(pool, files, options);
        auto const names = large.names();
        EXPECT_TRUE(names);
        return names->size();
    }
    void on_report(std::string_view words) {
        std::lock_guard const lock(mutex);
        reports.emplace_back(words);
        if (::getenv("DAWK_TEST_TALK") != nullptr)
            std::fprintf(stderr, "%s\n", reports.back().c_str());
        reported.notify_all();
    }

    test::TempFolder folder;
    test::Faults faults;
    test::PosixFiles files{faults};
    test::StillClock clock;
    std::unique_ptr<rocksdb::Env> env =
        rocksdb::NewCompositeEnv(std::make_shared<test::FaultyFileSystem>(faults));
    RocksOptions options;
    std::mutex mutex;
    std::condition_variable reported;
    std::vector<std::string> reports;
    test::ThreadPool pool;
    std::unique_ptr<RocksSpool> rocks;
};

class SyncFailsSubject final : public RocksSubject {
  public:
    using RocksSubject::RocksSubject;
    void break_disk(Errc error) override {
        faults.sync_only = true;
        RocksSubject::break_disk(error);
    }
};

INSTANTIATE_TEST_SUITE_P(Rocks, SpoolContract, ::testing::Values(MakeSpool([](std::uint64_t large) {
                             return std::make_unique<RocksSubject>(large);
                         })));
// The sync fails but the group stands in the log: it must not come back when the log is replayed.
INSTANTIATE_TEST_SUITE_P(RocksWhoseSyncsFail, SpoolContract,
                         ::testing::Values(MakeSpool([](std::uint64_t large) {
                             return std::make_unique<SyncFailsSubject>(large);
                         })));

// Each reopening is a power cut: only what was synced is there.
class PowerCutSubject final : public Subject {
  public:
    explicit PowerCutSubject(std::uint64_t large) : large_(large) { open({}); }
    Spool& spool() override { return process_->spool(); }
    void reopen() override {
        disk_->stop();
        process_.reset();
        test::Chance chance(1);
        auto const how = test::DiskImage::Cut::nothing_unsynced;
        open(disk_->image().after_power_cut(how, chance));
    }
    void break_disk(Errc error) override {
        int const number = error == Errc::no_space ? ENOSPC : EIO;
        disk_->set_plan([number](test::Step const&) { return number; });
    }
    void mend_disk() override {
        disk_->set_plan({});
        process_->wait_for_recovery();
    }
    std::size_t files_of_large_contents() override { return process_->files_of_large_contents(); }

  private:
    void open(test::DiskImage image) {
        disk_ = std::make_unique<test::Disk>(std::move(image));
        process_ = std::make_unique<test::Process>(*disk_);
        process_->options().large_content_bytes = large_;
        ASSERT_EQ(process_->open(), "");
    }
    std::uint64_t large_;
    std::unique_ptr<test::Disk> disk_;
    std::unique_ptr<test::Process> process_;
};

INSTANTIATE_TEST_SUITE_P(RocksAfterPowerCuts, SpoolContract,
                         ::testing::Values(MakeSpool([](std::uint64_t large) {
                             return std::make_unique<PowerCutSubject>(large);
                         })));

std::unique_ptr<RocksSubject> make_subject() {
    return std::make_unique<RocksSubject>(contract::large_bytes);
}

TEST(RocksSpool, IsOpenedByOneServerOnly) {
    auto const first = make_subject();
    auto const second = RocksSpool::open(first->pool, first->clock, first->files, first->options);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::conflict);
    EXPECT_NE(second.error().detail.find("in use"), std::string::npos) << second.error().detail;
}

TEST(RocksSpool, OrphanedFilesAreSweptAtTheStartAndNamedOnesAreKept) {
    auto const subject = make_subject();
    ASSERT_TRUE(run(insert(subject->spool(), 1, octets_of(large_bytes + 1, 1))));
    LargeFiles large(subject->pool, subject->files, subject->options);
    large.set_epoch(77);
    for (unsigned const n : {1U, 2U}) {
        auto file = subject->files.create(large.path_of(large.new_name(id_of(n))), 0600);
        ASSERT_TRUE(file);
    }
    EXPECT_EQ(subject->files_of_large_contents(), 3U);
    subject->reopen();
    EXPECT_EQ(subject->files_of_large_contents(), 1U);
    auto e = sample(1);
    e.content_size = large_bytes + 1;
    auto content = run(subject->spool().open_content(shared(e)));
    ASSERT_TRUE(content);
    EXPECT_EQ(run(read_all(*content, 1U << 20U)), octets_of(large_bytes + 1, 1));
}

TEST(RocksSpool, ADamagedLargeContentIsNeverReadToItsEnd) {
    auto const subject = make_subject();
    ASSERT_TRUE(run(insert(subject->spool(), 1, octets_of(large_bytes + 9, 1))));
    LargeFiles large(subject->pool, subject->files, subject->options);
    auto const names = large.names();
    ASSERT_EQ(names->size(), 1U);
    auto const path = large.path_of(names->front());
    auto e = sample(1);
    e.content_size = large_bytes + 9;
    auto content = run(subject->spool().open_content(shared(e)));
    ASSERT_TRUE(content);
    std::filesystem::resize_file(path, large_bytes + 8);
    EXPECT_EQ(run(read_all(*content, 1U << 20U)).error(), Errc::corrupt);
    std::filesystem::resize_file(path, large_bytes + 9);  // right size again, another last octet
    EXPECT_EQ(run(read_all(*content, 1U << 20U)).error(), Errc::corrupt);
}

TEST(RocksSpool, BelowTheFloorOnlyInsertsAreRefused) {
    auto const subject = make_subject();
    std::atomic<std::uint64_t> free{10'000};
    subject->rocks.reset();
    subject->options.disk_free_min_bytes = 5'000;
    subject->options.disk_free = [&] { return free.load(); };
    subject->open();
    ASSERT_TRUE(run(insert(subject->spool(), 1, "x")));
    {
        std::unique_lock lock(subject->mutex);
        free = 4'999;
        lock.unlock();
        subject->reopen();  // looks at once
    }
    EXPECT_TRUE(subject->spool().is_in_trouble());
    EXPECT_EQ(run(insert(subject->spool(), 2, "x")).error(), Errc::no_space);
    auto writer = subject->spool().create_content(id_of(2), 0);
    EXPECT_EQ(run(writer->write("x")).error(), Errc::no_space);
    Batch batch;
    auto e = sample(1);
    e.content_size = 1;
    batch.updates.push_back(shared(e));
    batch.events.push_back(event_of(e, envelope::Event::Kind::deferred, 1));
    EXPECT_TRUE(run(subject->spool().commit(std::move(batch))));
    Batch remove;
    remove.removes.push_back(shared(e));
    EXPECT_TRUE(run(subject->spool().commit(std::move(remove))));
    {
        std::unique_lock lock(subject->mutex);
        free = 10'000;
        subject->reported.wait(lock, [&] { return !subject->spool().is_in_trouble(); });
    }
    EXPECT_TRUE(run(insert(subject->spool(), 2, "x")));
    subject->rocks.reset();
}

TEST(RocksSpool, OldHistoryGoesAndTheNewStays) {
    auto const subject = make_subject();
    auto const& clock = subject->clock;
    auto const old = event_of(sample(1), envelope::Event::Kind::received, 0);
    Batch first;
    first.events = {old};
    ASSERT_TRUE(run(subject->spool().commit(std::move(first))));
    subject->clock.advance(std::chrono::hours(24 * 32));
    auto fresh = old;
    fresh.at = clock.wall();
    fresh.id = MessageId::make(clock.wall(), 5, 5);
    fresh.note = "fresh";
    Batch second;
    second.events = {fresh};
    ASSERT_TRUE(run(subject->spool().commit(std::move(second))));
    ASSERT_TRUE(run(insert(subject->spool(), 9, "x")));  // behind the sweep
    EXPECT_TRUE(run(subject->spool().history(old.id))->empty());
    EXPECT_EQ(run(subject->spool().history(fresh.id))->size(), 1U);
    auto const found = run(subject->spool().history_of("user@example.com", 10));
    ASSERT_EQ(found->size(), 2U);
    EXPECT_EQ(found->front().note, "fresh");
}

TEST(RocksSpool, SpillsArrivingContentsToFilesUnderPressure) {
    auto const subject = make_subject();
    subject->rocks.reset();
    subject->options.arriving_bytes_max = 20'000;
    subject->open();
    auto const one = run(write_content(subject->spool(), id_of(1), octets_of(40'000, 1), 9'000, 0));
    EXPECT_FALSE((*one)->in_memory());
    EXPECT_EQ(run(read_all(*one, 50'000)), octets_of(40'000, 1));
    auto const two = run(write_content(subject->spool(), id_of(2), octets_of(15'000, 1), 9'000, 0));
    EXPECT_TRUE((*two)->in_memory());
}

TEST(RocksSpool, ARecordItCannotEncodeFailsAloneAndHarmsNobody) {
    auto const subject = make_subject();
    auto e = sample(1);
    e.envid.assign(1U << 20U, 'x');
    Batch batch;
    batch.inserts.push_back({shared(e), std::make_shared<MemoryContent>("x")});
    EXPECT_EQ(run(subject->spool().commit(std::move(batch))).error(), Errc::too_long);
    EXPECT_FALSE(subject->spool().is_in_trouble());
    EXPECT_TRUE(run(insert(subject->spool(), 2, "x")));
}

}  // namespace
}  // namespace dawk::spool::contract
