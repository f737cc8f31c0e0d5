// Tools: the fixture of tests about damaged spools: a spool on a real disk, closed, and the tools.
#pragma once

#include <fstream>
#include <set>

#include <gtest/gtest.h>

#include "dawk/spool/samples.hpp"
#include "dawk/spool_rocks/engine.hpp"
#include "dawk/spool_rocks/keys.hpp"
#include "dawk/spool_rocks/large_files.hpp"
#include "dawk/spool_rocks/test_world.hpp"
#include "dawk/spool_rocks/tools.hpp"

namespace dawk::spool_rocks {

namespace fs = std::filesystem;
using spool::contract::id_of;
using spool::contract::large_bytes;
using spool::contract::octets_of;

class Tools : public ::testing::Test {
  protected:
    Tools() {
        options_.folder = folder_.path() + "/spool";
        options_.memtable_bytes = 1U << 20U;
        options_.disk_free_min_bytes = 0;
        options_.env = env_.get();
        other_ = options_;
        other_.folder = folder_.path() + "/other";
    }
    std::unique_ptr<RocksSpool> open(RocksOptions const& options) {
        auto opened = RocksSpool::open(pool_, clock_, files_, options);
        EXPECT_TRUE(opened) << opened.error().detail;
        return std::move(*opened);
    }
    static std::size_t size_of(unsigned n) { return n % 5 == 0 ? large_bytes + n : 10 + 700 * n; }
    // Messages 1 to count; the spool is closed, and all lies in tables.
    void fill(unsigned count) {
        {
            auto const spool = open(options_);
            for (unsigned n = 1; n <= count; ++n) {
                ASSERT_TRUE(rt::run(spool::contract::insert(*spool, n, octets_of(size_of(n), n))));
            }
        }
        open(options_);  // what the log held was written into tables
    }
    void expect_message(RocksSpool& spool, unsigned n) {
        auto const e = rt::run(spool.load(id_of(n)));
        ASSERT_TRUE(e) << n;
        auto const content = rt::run(spool.open_content(*e));
        ASSERT_TRUE(content) << n;
        EXPECT_TRUE(rt::run(spool::read_all(*content, 1U << 20U)) == octets_of(size_of(n), n));
        auto const due = rt::run(spool.due("example.com", {}, 1000));
        EXPECT_TRUE(
            std::any_of(due->begin(), due->end(), [&](auto const& d) { return d.id == id_of(n); }));
    }
    // Breaks something inside, as no server would.
    void change(std::function<void(Engine&)> const& how) {
        auto engine = open_engine(options_);
        ASSERT_TRUE(engine);
        how(**engine);
        ASSERT_TRUE((*engine)->db->Flush({}, (*engine)->handles).ok());
    }
    static rocksdb::Slice key(MessageId const& id) { return {id.bytes().data(), 16}; }
    CheckReport check(bool contents = true) {
        auto report = check_spool(world_, options_, CheckOptions{contents});
        EXPECT_TRUE(report) << report.error().detail;
        return *report;
    }
    static std::string kinds(Findings const& findings) {
        std::string out;
        for (auto const& f : findings.list()) out += f.kind + " ";
        return out;
    }
    bool has_database_file(std::string const& extension) {
        for (auto const& entry : fs::directory_iterator(options_.folder + "/db")) {
            if (entry.path().extension() == extension) return true;
        }
        return false;
    }

    test::TempFolder folder_;
    test::Faults faults_;
    test::PosixFiles files_{faults_};
    std::unique_ptr<rocksdb::Env> env_ =
        rocksdb::NewCompositeEnv(std::make_shared<test::FaultyFileSystem>(faults_));
    test::StillClock clock_;
    test::ThreadPool pool_;
    ToolWorld world_{pool_, clock_, files_};
    RocksOptions options_, other_;
};

}  // namespace dawk::spool_rocks
