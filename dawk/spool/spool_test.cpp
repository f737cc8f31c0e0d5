// MemSpool fulfils the contract of all spools, and its faults do what tests need of them.
#include <gtest/gtest.h>

#include "dawk/spool/contract.hpp"
#include "dawk/spool/mem_spool.hpp"

namespace dawk::spool::contract {
namespace {

class MemSubject final : public Subject {
  public:
    explicit MemSubject(std::uint64_t large) {
        options_.large_content_bytes = large;
        reopen();
    }
    Spool& spool() override { return *spool_; }
    void reopen() override { spool_ = std::make_unique<MemSpool>(disk_, options_); }
    void break_disk(Errc error) override { spool_->set_trouble(error); }
    void mend_disk() override { spool_->set_trouble({}); }
    std::size_t files_of_large_contents() override {
        std::size_t count = 0;
        for (auto const& [id, content] : disk_->contents) count += !content->in_memory();
        return count;
    }

  private:
    std::shared_ptr<MemDisk> disk_ = std::make_shared<MemDisk>();
    MemSpoolOptions options_;
    std::unique_ptr<MemSpool> spool_;
};

INSTANTIATE_TEST_SUITE_P(Mem, SpoolContract, ::testing::Values(MakeSpool([](std::uint64_t large) {
                             return std::make_unique<MemSubject>(large);
                         })));

TEST(MemSpool, FailsAsOftenAsItWasAskedTo) {
    MemSpool spool;
    spool.fail_next(MemSpool::Op::commit, Errc::io_error, 2);
    EXPECT_EQ(run(insert(spool, 1, "x")).error(), Errc::io_error);
    EXPECT_EQ(run(insert(spool, 1, "x")).error(), Errc::io_error);
    EXPECT_FALSE(spool.is_in_trouble());
    EXPECT_TRUE(run(insert(spool, 1, "x")));
    spool.fail_next(MemSpool::Op::load, Errc::corrupt);
    EXPECT_EQ(run(spool.load(id_of(1))).error(), Errc::corrupt);
    EXPECT_TRUE(run(spool.load(id_of(1))));
}

TEST(MemSpool, RefusesContentsBeyondItsCapacityButLetsGo) {
    MemSpoolOptions options;
    options.capacity_bytes = 1000;
    MemSpool spool(std::make_shared<MemDisk>(), options);
    ASSERT_TRUE(run(insert(spool, 1, std::string(1000, 'x'))));
    EXPECT_TRUE(spool.is_in_trouble());
    EXPECT_EQ(run(insert(spool, 2, "y")).error(), Errc::no_space);
    Batch batch;
    batch.removes.push_back(shared(sample(1)));
    ASSERT_TRUE(run(spool.commit(std::move(batch))));
    EXPECT_FALSE(spool.is_in_trouble());
    EXPECT_TRUE(run(insert(spool, 2, "y")));
}

TEST(MemSpool, WithoutPowerNothingIsWrittenOrRead) {
    auto const disk = std::make_shared<MemDisk>();
    {
        MemSpool spool(disk);
        ASSERT_TRUE(run(insert(spool, 1, "kept")));
        disk->powered = false;
        EXPECT_EQ(run(insert(spool, 2, "lost")).error(), Errc::io_error);
        EXPECT_EQ(run(spool.load(id_of(1))).error(), Errc::io_error);
        EXPECT_TRUE(spool.is_in_trouble());
    }
    disk->powered = true;
    MemSpool spool(disk);
    EXPECT_TRUE(run(spool.load(id_of(1))));
    EXPECT_EQ(run(spool.load(id_of(2))).error(), Errc::not_found);
}

TEST(MemSpool, KeepsABoundedHistory) {
    MemSpoolOptions options;
    options.history_events_max = 3;
    MemSpool spool(std::make_shared<MemDisk>(), options);
    for (unsigned n = 1; n <= 5; ++n) ASSERT_TRUE(run(insert(spool, n, "x")));
    EXPECT_TRUE(run(spool.history(id_of(2)))->empty());
    EXPECT_EQ(run(spool.history(id_of(3)))->size(), 1U);
}

}  // namespace
}  // namespace dawk::spool::contract
