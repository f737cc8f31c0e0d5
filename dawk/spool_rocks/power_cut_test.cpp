// What a spool acknowledged is there after the power went at any moment, on a disk that keeps no
// more than it promised. A failure names its seed and cut:
//
//     DAWK_POWER_CUT_SEED=7 DAWK_POWER_CUT_AT=311 spool_rocks_test
//     --gtest_filter='PowerCut.*AnyCut'
//
// RocksDB has threads, so two recordings of a seed differ in places; every cut of one recording is
// exact. DAWK_POWER_CUTS=N: how many cuts (all when it is 0); DAWK_POWER_CUTS_AGAIN=N: so many, and
// so many in the recovery from each; DAWK_POWER_FAULTS=N: how many runs with failing steps.
#include <gtest/gtest.h>

#include "dawk/spool_rocks/power_cut_world.hpp"

namespace dawk::spool_rocks::test {
namespace {

std::uint64_t number_from(char const* name, std::uint64_t otherwise) {
    char const* const text = ::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::uint64_t seed() {
    return number_from("DAWK_POWER_CUT_SEED", 1);
}

std::string text_of(std::vector<std::string> const& problems) {
    std::string out;
    for (std::size_t i = 0; i < problems.size() && i < 10; ++i) out += "\n  " + problems[i];
    return out;
}

DiskImage::Cut cut_style(Chance& chance) {
    using enum DiskImage::Cut;
    switch (chance.below(6)) {
        case 0:
            return everything;
        case 1:
            return names_but_no_octets;
        case 2:
        case 3:
            return nothing_unsynced;
        default:
            return any;
    }
}

// Calls on_cut(image before step n, n) for the cuts that were asked for, in order.
template <class OnCut>
void each_cut(Disk const& disk, std::size_t wanted, OnCut on_cut) {
    auto const& record = disk.record();
    auto const only = number_from("DAWK_POWER_CUT_AT", UINT64_MAX);
    auto const stride =
        wanted == 0 ? 1 : std::max<std::size_t>(1, (record.size() + wanted - 1) / wanted);
    auto image = disk.first();
    for (std::size_t n = 0; n <= record.size(); ++n) {
        bool const chosen = only == UINT64_MAX ? (n + seed()) % stride == 0 : n == only;
        if (chosen && !on_cut(image, n)) return;
        if (n < record.size()) image.apply(record[n]);
    }
}

std::string where(Disk const& disk, std::size_t n) {
    std::string out = "seed " + std::to_string(seed()) + ", cut " + std::to_string(n) + " of " +
                      std::to_string(disk.steps());
    if (n < disk.steps()) out += std::string(", before ") + name_of(disk.record()[n].kind);
    return out;
}

TEST(PowerCut, NothingAcknowledgedIsLostAtAnyCut) {
    Life life(seed());
    life.work(60);
    ASSERT_EQ(life.trouble(), "");
    std::size_t cuts = 0;
    each_cut(life.disk(), number_from("DAWK_POWER_CUTS", 120), [&](auto const& image, auto n) {
        Chance chance(seed() * 1'000'003 + n);
        auto const how = cut_style(chance);
        auto const problems =
            life.problems_after(image.after_power_cut(how, chance), n, cuts++ % 4 == 0);
        EXPECT_TRUE(problems.empty())
            << where(life.disk(), n) << ", style " << static_cast<int>(how) << text_of(problems);
        return problems.empty();
    });
    EXPECT_GT(cuts, 0U);
}

// A life long enough for compactions that collect what is left in blob files and remove them: the
// power goes around each removal.
TEST(PowerCut, NorWhenBlobFilesAreCollected) {
    Life life(seed() + 200);
    life.work(static_cast<unsigned>(number_from("DAWK_POWER_ROUNDS", 400)));
    ASSERT_EQ(life.trouble(), "");
    auto const& record = life.disk().record();
    std::set<std::size_t> chosen;
    for (std::size_t n = 0; n < record.size() && chosen.size() < 40; ++n) {
        bool const is_it =
            record[n].kind == Step::Kind::remove && record[n].name.ends_with(".blob");
        for (std::size_t i = n < 4 ? 0 : n - 4; is_it && i < n + 3; ++i) chosen.insert(i);
    }
    ASSERT_FALSE(chosen.empty()) << "no blob file was removed";
    auto image = life.disk().first();
    for (std::size_t n = 0; n <= *chosen.rbegin() && n < record.size(); ++n) {
        if (chosen.contains(n)) {
            Chance chance(seed() * 4'000'037 + n);
            auto const how = cut_style(chance);
            auto const problems = life.problems_after(image.after_power_cut(how, chance), n, true);
            ASSERT_TRUE(problems.empty()) << where(life.disk(), n) << ", style "
                                          << static_cast<int>(how) << text_of(problems);
        }
        image.apply(record[n]);
    }
}

// The power goes, comes, and goes again while the spool is being opened and closed.
TEST(PowerCut, NorWhenItGoesAgainDuringRecovery) {
    Life life(seed() + 100);
    life.work(25);
    ASSERT_EQ(life.trouble(), "");
    each_cut(life.disk(), number_from("DAWK_POWER_CUTS_AGAIN", 5), [&](auto const& image, auto n) {
        Chance chance(seed() * 2'000'003 + n);
        Disk second(image.after_power_cut(cut_style(chance), chance));
        {
            Process process(second);
            EXPECT_EQ(process.open(), "") << where(life.disk(), n);
        }
        std::vector<std::string> problems;
        each_cut(second, number_from("DAWK_POWER_CUTS_AGAIN", 8), [&](auto const& again, auto k) {
            auto const how = cut_style(chance);
            problems = life.problems_after(again.after_power_cut(how, chance), n, true);
            EXPECT_TRUE(problems.empty())
                << where(life.disk(), n) << ", then " << where(second, k) << ", style "
                << static_cast<int>(how) << text_of(problems);
            return problems.empty();
        });
        return problems.empty();
    });
}

// What fails, for how long, and from which step on.
struct Fault {
    std::size_t from = 0, count = 0;
    int error = 0;
    enum class What { anything, writes, syncs, names } what = What::anything;

    bool hits(Step const& step) const {
        using Kind = Step::Kind;
        bool const is_sync = step.kind == Kind::sync || step.kind == Kind::sync_folder;
        bool const is_write = step.kind == Kind::append || step.kind == Kind::truncate;
        switch (what) {
            case What::anything:
                return true;
            case What::writes:
                return is_write;
            case What::syncs:
                return is_sync;
            case What::names:
                return !is_sync && !is_write;
        }
        return false;
    }
    std::string text() const {
        return "fault from step " + std::to_string(from) + ", " + std::to_string(count) +
               " times, errno " + std::to_string(error) + ", of kind " +
               std::to_string(static_cast<int>(what));
    }
};

Fault fault_by(Chance& chance, std::size_t steps) {
    Fault fault;
    fault.from = chance.below(steps);
    fault.count = chance.half() ? 1 : 1 + chance.below(40);
    fault.error = chance.half() ? EIO : ENOSPC;
    fault.what = static_cast<Fault::What>(chance.below(4));
    return fault;
}

// Writes and syncs fail while it works; later the power goes as well. A commit that was refused is
// not there once the spool has recovered, and all that was acknowledged is: also what had to be
// written again because the sync before it had failed.
TEST(PowerCut, FailingWritesAndSyncsLoseNothing) {
    auto const only = number_from("DAWK_POWER_CUT_FAULT", UINT64_MAX);
    for (std::uint64_t i = 0; i < number_from("DAWK_POWER_FAULTS", 16); ++i) {
        if (only != UINT64_MAX && i != only) continue;
        Chance chance(seed() * 3'000'017 + i);
        Life life(seed() * 1000 + i);
        auto const fault = fault_by(chance, 600);
        auto left = std::make_shared<std::size_t>(fault.count);
        auto count = std::make_shared<std::size_t>(0);
        life.disk().set_plan([=](Step const& step) {
            if ((*count)++ < fault.from || *left == 0 || !fault.hits(step)) return 0;
            --*left;
            return fault.error;
        });
        life.work(15);
        auto const what = "fault " + std::to_string(i) + ": " + fault.text();
        ASSERT_EQ(life.trouble(), "") << what;
        life.disk().set_plan({});
        bool is_sound = true;
        each_cut(life.disk(), 5, [&](auto const& image, auto n) {
            auto const how = cut_style(chance);
            auto const problems = life.problems_after(image.after_power_cut(how, chance), n, true);
            EXPECT_TRUE(problems.empty()) << what << ", " << where(life.disk(), n) << ", style "
                                          << static_cast<int>(how) << text_of(problems);
            is_sound = problems.empty();
            return is_sound;
        });
        if (!is_sound) return;
    }
}

// The test of the test: a disk that only says that it synced is found out.
TEST(PowerCut, ADiskThatLiesIsFoundOut) {
    Life life(seed());
    life.disk().lie();
    life.work(10);
    ASSERT_EQ(life.trouble(), "");
    std::size_t found = 0;
    each_cut(life.disk(), 20, [&](auto const& image, auto n) {
        Chance chance(n);
        auto const after = image.after_power_cut(DiskImage::Cut::nothing_unsynced, chance);
        found += !life.problems_after(after, n).empty();
        return true;
    });
    EXPECT_GE(found, 5U);
}

}  // namespace
}  // namespace dawk::spool_rocks::test
