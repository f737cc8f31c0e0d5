// Files harmed on purpose: what is damaged is noticed, a server does not serve less than there was
// without a word, never gives out other octets than it took, and repair saves what is left.
//
// DAWK_DAMAGE=all: every kind of harm to every file (default: some, by DAWK_DAMAGE_SEED).
#include "dawk/base/crc32c.hpp"
#include "dawk/envelope/codec.hpp"
#include "dawk/spool_rocks/disk_image.hpp"
#include "dawk/spool_rocks/log_check.hpp"
#include "dawk/spool_rocks/tools_fixture_test.hpp"

namespace dawk::spool_rocks {
namespace {

enum class Harm { flip, zero_page, halve, empty, remove };
constexpr char const* harm_names[] = {"a flipped octet", "an empty page", "half of it", "emptied",
                                      "removed"};

std::string read_all_of(fs::path const& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

void write_all_of(fs::path const& path, std::string const& octets) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << octets;
}

void do_harm(fs::path const& path, Harm harm, test::Chance& chance) {
    if (harm == Harm::remove) {
        fs::remove(path);
        return;
    }
    auto octets = read_all_of(path);
    auto const at = chance.below(octets.size());
    switch (harm) {
        case Harm::flip:
            if (!octets.empty()) octets[at] = static_cast<char>(octets[at] ^ 0x40);
            break;
        case Harm::zero_page:
            for (auto i = at / 4096 * 4096; i < octets.size() && i < at / 4096 * 4096 + 4096; ++i) {
                octets[i] = '\0';
            }
            break;
        case Harm::halve:
            octets.resize(octets.size() / 2);
            break;
        default:
            octets.clear();
    }
    write_all_of(path, octets);
}

class Damage : public Tools {
  protected:
    static constexpr unsigned in_tables = 14, all = 24;

    // Some messages in tables and blob files, the others in the log alone; closed.
    void prepare() {
        fill(in_tables);
        auto const spool = open(options_);
        for (unsigned n = in_tables + 1; n <= all; ++n) {
            ASSERT_TRUE(rt::run(spool::contract::insert(*spool, n, octets_of(size_of(n), n))));
        }
    }
    std::vector<fs::path> files() const {
        std::vector<fs::path> out;
        for (auto const& entry : fs::recursive_directory_iterator(options_.folder)) {
            auto const name = entry.path().filename().string();
            bool const matters = !name.starts_with("LO") && !name.starts_with("OPTIONS") &&
                                 !name.starts_with("IDENTITY");
            if (entry.is_regular_file() && matters) {
                out.push_back(fs::relative(entry.path(), options_.folder));
            }
        }
        std::sort(out.begin(), out.end());
        return out;
    }
    // What the harmed copy does wrong.
    std::string judge(RocksOptions const& harmed, bool is_log, Harm harm) {
        is_cut_short_ = harm == Harm::halve || harm == Harm::empty;
        auto const checked = check_spool(world_, harmed);
        bool const noticed = !checked || !checked->is_sound();
        auto fault = judge_server(harmed, noticed, is_log);
        return fault + judge_repair(harmed, is_log);
    }

  private:
    // Of the log, the end of the last record cannot be told from one that was never acknowledged;
    // nor can a log that ends between two records from one that was not longer.
    bool may_miss(unsigned n, bool is_log) const {
        return is_log && (n == all || (is_cut_short_ && n > in_tables));
    }

    std::string judge_server(RocksOptions const& harmed, bool noticed, bool is_log) {
        // On a copy: opening writes.
        auto copy = harmed;
        copy.folder = harmed.folder + ".served";
        fs::copy(harmed.folder, copy.folder, fs::copy_options::recursive);
        std::string out;
        {
            auto opened = RocksSpool::open(pool_, clock_, files_, copy);
            if (!opened) {
                if (!noticed) out += "refused (" + opened.error().detail + ") but sound; ";
            } else {
                for (unsigned n = 1; n <= all; ++n)
                    out += judge_message(**opened, n, noticed, is_log);
            }
        }
        fs::remove_all(copy.folder);
        return out;
    }
    std::string judge_message(RocksSpool& spool, unsigned n, bool noticed, bool is_log) {
        auto const number = std::to_string(n);
        auto const e = rt::run(spool.load(id_of(n)));
        if (!e && e.error() == Errc::not_found) {
            return may_miss(n, is_log) ? "" : "served without message " + number + "; ";
        }
        if (!e) return noticed ? "" : "unreadable " + number + ", not noticed; ";
        auto const content = rt::run(spool.open_content(*e));
        if (!content) return noticed ? "" : "no content of " + number + ", not noticed; ";
        auto const octets = rt::run(spool::read_all(*content, 1U << 20U));
        if (!octets) return noticed ? "" : "unreadable content of " + number + ", not noticed; ";
        return *octets == octets_of(size_of(n), n) ? "" : "other octets of " + number + "; ";
    }
    std::string judge_repair(RocksOptions const& harmed, bool is_log) {
        fs::remove_all(other_.folder);
        auto const report = repair_spool(world_, harmed, other_);
        if (!report) return "not repaired: " + report.error().detail + "; ";
        unsigned saved = 0;
        std::string out;
        {
            auto const spool = open(other_);
            for (unsigned n = 1; n <= all; ++n) {
                auto const e = rt::run(spool->load(id_of(n)));
                if (!e) continue;
                ++saved;
                out += judge_message(*spool, n, false, is_log);
            }
        }
        bool const told = report->lost.count() + report->contents_without_envelope > 0;
        auto const may_go = !is_log ? 0 : is_cut_short_ ? all - in_tables : 1;
        if (saved + may_go < all && !told) {
            out += "only " + std::to_string(saved) + " saved, and no word of it; ";
        }
        auto const sound = check_spool(world_, other_);
        if (!sound || !sound->is_sound()) out += "the repaired spool is not sound; ";
        return out;
    }

    bool is_cut_short_ = false;
};

TEST_F(Damage, OfAnyFileIsNoticedAndTheRestIsSaved) {
    prepare();
    char const* const wish = ::getenv("DAWK_DAMAGE");
    bool const every = wish != nullptr && std::string_view(wish) == "all";
    char const* const seed = ::getenv("DAWK_DAMAGE_SEED");
    test::Chance chance(seed == nullptr ? 1 : std::strtoull(seed, nullptr, 10));
    auto harmed = options_;
    harmed.folder = folder_.path() + "/harmed";
    for (auto const& file : files()) {
        for (auto const harm :
             {Harm::flip, Harm::zero_page, Harm::halve, Harm::empty, Harm::remove}) {
            if (!every && chance.below(3) != 0) continue;
            fs::remove_all(harmed.folder);
            fs::copy(options_.folder, harmed.folder, fs::copy_options::recursive);
            do_harm(fs::path(harmed.folder) / file, harm, chance);
            if (read_all_of(fs::path(harmed.folder) / file) ==
                    read_all_of(fs::path(options_.folder) / file) &&
                harm != Harm::remove) {
                continue;  // it was empty before
            }
            EXPECT_EQ(judge(harmed, file.extension() == ".log", harm), "")
                << file << ": " << harm_names[static_cast<int>(harm)];
        }
    }
}

TEST_F(Damage, InTheMiddleOfTheLogIsNotTakenForItsTornEnd) {
    prepare();
    fs::path log;
    for (auto const& file : files()) {
        if (file.extension() == ".log") log = fs::path(options_.folder) / file;
    }
    auto const octets = read_all_of(log);
    ASSERT_GT(octets.size(), 30'000U);
    auto damaged = octets;
    damaged[octets.size() / 2] = static_cast<char>(damaged[octets.size() / 2] ^ 1);
    write_all_of(log, damaged);
    auto const refused = RocksSpool::open(pool_, clock_, files_, options_);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::corrupt);
    EXPECT_NE(refused.error().detail.find("write-ahead log is damaged"), std::string::npos);
    EXPECT_FALSE(check().is_sound());
    EXPECT_EQ(read_all_of(log), damaged) << "a refused spool is left as it is";

    for (std::size_t const missing : {1U, 100U, 5000U}) {  // torn: only the last record is gone
        write_all_of(log, octets.substr(0, octets.size() - missing) + std::string(missing, 'x'));
        EXPECT_TRUE(check().is_sound()) << check().text();
    }
    auto const spool = open(options_);
    for (unsigned n = 1; n < all; ++n) expect_message(*spool, n);
    EXPECT_EQ(rt::run(spool->load(id_of(all))).error(), Errc::not_found);
}

// ---- Versions.

// As a newer Dawk would write it: intact, but with a version this one does not know.
std::string of_a_newer_version(std::string record) {
    record[1] = 2;
    std::string covered = record.substr(0, 2) + record.substr(6);
    auto const sum = crc32c(covered);
    for (unsigned i = 0; i < 4; ++i) record[2 + i] = static_cast<char>((sum >> (8 * i)) & 0xFFU);
    return record;
}

TEST_F(Damage, ARecordOfANewerVersionIsLeftAloneAndNamed) {
    fill(3);
    auto const record = envelope::encode(spool::contract::sample(2));
    ASSERT_TRUE(record);
    auto const newer = of_a_newer_version(*record);
    ASSERT_EQ(envelope::decode_envelope(newer).error(), Errc::unsupported);
    change([&](Engine& e) {
        ASSERT_TRUE(e.db->Put({}, e[Family::envelope], key(id_of(2)), newer).ok());
    });
    auto const report = check();
    ASSERT_EQ(report.damage.count(), 1U) << report.text();
    EXPECT_EQ(report.damage.list()[0].id, id_of(2).text());
    EXPECT_NE(report.damage.list()[0].detail.find("newer"), std::string::npos) << report.text();
    {
        auto const spool = open(options_);
        EXPECT_EQ(rt::run(spool->load(id_of(2))).error(), Errc::unsupported);
        EXPECT_EQ(rt::run(spool->list({}, 10))->size(), 2U);
        expect_message(*spool, 1);
        expect_message(*spool, 3);
    }
    auto const repaired = repair_spool(world_, options_, other_);
    ASSERT_TRUE(repaired) << repaired.error().detail;
    EXPECT_EQ(repaired->messages, 2U);
    ASSERT_GE(repaired->lost.count(), 1U);
    EXPECT_NE(repaired->lost.list()[0].detail.find("newer"), std::string::npos);
}

TEST_F(Damage, ASpoolOfANewerFormatIsRefusedAndLeftAlone) {
    fill(3);
    change([&](Engine& e) {
        std::string format;
        keys::append_u64(format, 2);
        ASSERT_TRUE(e.db->Put({}, e[Family::meta], "format", format).ok());
    });
    auto const refused = RocksSpool::open(pool_, clock_, files_, options_);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::unsupported);
    EXPECT_NE(refused.error().detail.find("newer"), std::string::npos);
    EXPECT_EQ(check_spool(world_, options_).error().code, Errc::unsupported);
    EXPECT_EQ(repair_spool(world_, options_, other_).error().code, Errc::unsupported);
}

// A spool of before there were format numbers, epochs and counters.
TEST_F(Damage, AnOlderSpoolIsRead) {
    fill(5);
    change([&](Engine& e) {
        for (auto const* const name : {"format", "epoch", "usage"}) {
            ASSERT_TRUE(e.db->Delete({}, e[Family::meta], name).ok());
        }
    });
    {
        auto const spool = open(options_);
        for (unsigned n = 1; n <= 5; ++n) expect_message(*spool, n);
        ASSERT_TRUE(rt::run(spool::contract::insert(*spool, 9, "new")));
        expect_message(*spool, 1);
    }
    EXPECT_TRUE(check().is_sound()) << check().text();
}

TEST_F(Damage, LargeContentsWithoutADatabaseAreNotSweptAway) {
    fill(10);
    fs::remove_all(options_.folder + "/db");
    auto const refused = RocksSpool::open(pool_, clock_, files_, options_);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::corrupt);
    LargeFiles large(pool_, files_, options_);
    EXPECT_EQ(large.names()->size(), 2U);
}

}  // namespace
}  // namespace dawk::spool_rocks
