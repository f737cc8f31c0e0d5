// What a start makes of the MANIFEST that it finds, and of what happens while it looks.
#include "dawk/spool_rocks/manifest.hpp"

#include <condition_variable>
#include <mutex>

#include "dawk/spool_rocks/tools_fixture_test.hpp"

namespace dawk::spool_rocks {
namespace {

class Manifest : public Tools {
  protected:
    static constexpr unsigned all = 6;
    void SetUp() override {
        fill(all);
        options_.report = [this](std::string_view words) { reports_ += std::string(words) + "\n"; };
    }
    fs::path path() const {
        std::ifstream current(options_.folder + "/db/CURRENT");
        std::string name;
        std::getline(current, name);
        return fs::path(options_.folder) / "db" / name;
    }
    void append(std::string const& octets) const {
        std::ofstream(path(), std::ios::binary | std::ios::app) << octets;
    }
    std::string octets() const {
        std::ifstream in(path(), std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    void expect_all() {
        auto const spool = open(options_);
        for (unsigned n = 1; n <= all; ++n) expect_message(*spool, n);
    }
    void expect_refused() {
        auto const refused = RocksSpool::open(pool_, clock_, files_, options_);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, Errc::corrupt);
        EXPECT_NE(refused.error().detail.find("the MANIFEST is damaged"), std::string::npos)
            << refused.error().detail;
        EXPECT_FALSE(check().is_sound());
        auto const report = repair_spool(world_, options_, other_);
        ASSERT_TRUE(report) << report.error().detail;
        EXPECT_EQ(report->messages, all);
        EXPECT_GT(report->lost.count(), 0U) << "it says that something was wrong";
    }
    std::string reports_;
};

// Octets that were written and never synced, in any order of their sectors.
TEST_F(Manifest, ATornEndIsNotRead) {
    auto const whole = octets();
    auto const record = whole.substr(0, 40);
    for (auto const& end :
         {std::string(4096, '\0'), std::string(700, 'x'), std::string(3, '\1'), whole.substr(0, 9),
          std::string(512, '\0') + record + record, std::string(40'000, '\0') + whole}) {
        append(end);
        EXPECT_TRUE(check().is_sound()) << check().text();
        reports_.clear();
        expect_all();  // and begins a new MANIFEST
        EXPECT_NE(reports_.find("torn end"), std::string::npos) << end.size();
    }
}

TEST_F(Manifest, OneThatIsWholeIsReadWithoutAWord) {
    expect_all();
    EXPECT_EQ(reports_, "");
}

TEST_F(Manifest, DamageBeforeItsMarkIsRefused) {
    auto damaged = octets();
    damaged[damaged.size() - 3] = static_cast<char>(damaged[damaged.size() - 3] ^ 1);
    std::ofstream(path(), std::ios::binary | std::ios::trunc) << damaged;
    expect_refused();
}

// RocksDB itself believes a MANIFEST that ends early, and would forget what the end had told.
TEST_F(Manifest, OneThatIsTooShortIsRefused) {
    fs::resize_file(path(), fs::file_size(path()) - 1);
    expect_refused();
}

TEST_F(Manifest, OneOfAnOlderDawkHasNoMark) {
    ASSERT_TRUE(fs::remove(mark_of(path())));
    expect_all();
    EXPECT_TRUE(fs::exists(mark_of(path())));
}

TEST_F(Manifest, AMarkThatIsTornItselfStillHolds) {
    std::ofstream(mark_of(path()), std::ios::binary | std::ios::app) << "12345";
    expect_all();
    std::ofstream(mark_of(path()), std::ios::binary | std::ios::app) << std::string(12, '\xff');
    fs::resize_file(path(), fs::file_size(path()) - 1);
    expect_refused();
}

TEST_F(Manifest, MarksGoWithTheirManifest) {
    std::ofstream(options_.folder + "/db/MANIFEST-000001.synced") << "of one that is gone";
    for (int i = 0; i < 3; ++i) open(options_);
    std::vector<fs::path> marks;
    for (auto const& entry : fs::directory_iterator(options_.folder + "/db")) {
        if (entry.path().extension() == ".synced") marks.push_back(entry.path());
    }
    EXPECT_EQ(marks, std::vector<fs::path>{mark_of(path())});
}

// The compaction that begins with the opening waits for the first look at a blob file; that look
// waits until the compaction has removed one, or would have.
class SlowLook final : public test::FaultyFileSystem {
  public:
    using FaultyFileSystem::FaultyFileSystem;
    rocksdb::IOStatus NewWritableFile(std::string const& name, rocksdb::FileOptions const& options,
                                      std::unique_ptr<rocksdb::FSWritableFile>* result,
                                      rocksdb::IODebugContext* context) override {
        if (is_slow && !is_looker()) wait([this] { return looks_ > 0; });
        return FaultyFileSystem::NewWritableFile(name, options, result, context);
    }
    rocksdb::IOStatus GetFileSize(std::string const& name, rocksdb::IOOptions const& options,
                                  std::uint64_t* size, rocksdb::IODebugContext* context) override {
        if (is_slow && is_looker() && name.ends_with(".blob")) {
            change([this] { ++looks_; });
            wait([this] { return has_removed_; });
        }
        return target()->GetFileSize(name, options, size, context);
    }
    rocksdb::IOStatus DeleteFile(std::string const& name, rocksdb::IOOptions const& options,
                                 rocksdb::IODebugContext* context) override {
        auto status = target()->DeleteFile(name, options, context);
        if (name.ends_with(".blob")) change([this] { has_removed_ = true; });
        return status;
    }
    bool has_removed_a_blob_file() {
        std::lock_guard const lock(mutex_);
        return has_removed_;
    }
    std::atomic<bool> is_slow{false};

  private:
    bool is_looker() const { return std::this_thread::get_id() == looker_; }
    void wait(std::function<bool()> const& condition) {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, std::chrono::milliseconds(500), condition);
    }
    void change(std::function<void()> const& how) {
        std::lock_guard const lock(mutex_);
        how();
        changed_.notify_all();
    }
    std::thread::id const looker_ = std::this_thread::get_id();
    std::mutex mutex_;
    std::condition_variable changed_;
    int looks_ = 0;
    bool has_removed_ = false;
};

TEST_F(Tools, ACompactionThatRemovesBlobFilesWhileTheyAreLookedAtIsNoDamage) {
    auto const slow = std::make_shared<SlowLook>(faults_);
    auto const env = rocksdb::NewCompositeEnv(slow);
    options_.env = env.get();
    // Each opening makes a table and a blob file of the log; with the fourth, the compaction
    // begins.
    for (unsigned n = 1; n <= 4; ++n) {
        auto const spool = open(options_);
        ASSERT_TRUE(rt::run(spool::contract::insert(*spool, n, octets_of(20'000, n))));
        if (n != 2) continue;
        auto e = spool::contract::sample(1);
        e.content_size = 20'000;
        spool::Batch batch;
        batch.due_remove.push_back({"example.com", e.arrived, e.id});
        batch.removes.push_back(spool::contract::shared(std::move(e)));
        ASSERT_TRUE(rt::run(spool->commit(std::move(batch))));
    }
    ASSERT_FALSE(slow->has_removed_a_blob_file());
    slow->is_slow = true;
    auto const spool = open(options_);
    for (unsigned n = 2; n <= 4; ++n) EXPECT_TRUE(rt::run(spool->load(id_of(n)))) << n;
}

}  // namespace
}  // namespace dawk::spool_rocks
