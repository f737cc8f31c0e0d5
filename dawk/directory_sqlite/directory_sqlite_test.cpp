#include <filesystem>
#include <fstream>
#include <thread>

#include <sqlite3.h>
#include <sys/stat.h>

#include "dawk/directory/contract.hpp"
#include "dawk/directory_sqlite/lru.hpp"
#include "dawk/directory_sqlite/sqlite_directory.hpp"
#include "dawk/sqlite/folder_test.hpp"

namespace dawk::directory_sqlite {
namespace {

using namespace directory::contract;
using directory::Found;
using directory::LoginResult;

using sqlite::test::Folder;
using sqlite::test::Pool;

class HandClock final : public rt::Clock {
  public:
    SteadyTime steady() const override { return now; }
    WallTime wall() const override { return {}; }
    Task<void> sleep_until(SteadyTime) override { co_return; }
    SteadyTime now{};
};

class SqliteSubject final : public Subject {
  public:
    explicit SqliteSubject(mail::Address postmaster)
        : directory_(
              Database::open(folder_.file()).value(), pool_, clock_,
              Options{std::move(postmaster), crypto::PasswordCost::cheapest(), 100, Millis(500)}) {}
    directory::Directory& directory() override { return directory_; }

  private:
    Folder folder_;
    Pool pool_;
    HandClock clock_;
    SqliteDirectory directory_;
};

std::unique_ptr<Subject> make_sqlite(mail::Address postmaster) {
    return std::make_unique<SqliteSubject>(std::move(postmaster));
}

}  // namespace
}  // namespace dawk::directory_sqlite

namespace dawk::directory::contract {
INSTANTIATE_TEST_SUITE_P(Sqlite, DirectoryContract,
                         ::testing::Values(MakeDirectory(directory_sqlite::make_sqlite)));
}

namespace dawk::directory_sqlite {
namespace {

crypto::PasswordRecord record(std::string_view password) {
    return crypto::PasswordRecord::make(password, crypto::PasswordCost::cheapest()).value();
}

// One file, a shard that reads it and a second database object in the place of another process.
class Shard : public ::testing::Test {
  protected:
    Shard() {
        EXPECT_TRUE(other_->add_domain("dawk.test"));
        EXPECT_TRUE(other_->add_user(address("anna@dawk.test"), record("pass")));
    }
    Found::Kind kind(std::string_view name) { return run(shard_.find(address(name)))->kind; }

    Folder folder_;
    Pool pool_;
    HandClock clock_;
    std::shared_ptr<Database> ours_ = Database::open(folder_.file()).value();
    std::shared_ptr<Database> other_ = Database::open(folder_.file()).value();
    SqliteDirectory shard_{ours_, pool_, clock_,
                           Options{{}, crypto::PasswordCost::cheapest(), 100, Millis(500)}};
};

TEST_F(Shard, RemembersAnswersAndAsksOnce) {
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(kind("anna@dawk.test"), Found::Kind::mailbox);
        EXPECT_EQ(kind("ben@dawk.test"), Found::Kind::unknown);
        EXPECT_TRUE(run(shard_.has_domain("dawk.test")).value());
    }
    EXPECT_EQ(shard_.asked(), 3U);
    clock_.now += Millis(501);
    EXPECT_EQ(kind("anna@dawk.test"), Found::Kind::mailbox);
    EXPECT_EQ(shard_.asked(), 3U) << "looked, and nothing had changed";
}

TEST_F(Shard, SeesChangesOfOthersAfterHalfASecond) {
    EXPECT_EQ(kind("ben@dawk.test"), Found::Kind::unknown);
    EXPECT_EQ(kind("anna@dawk.test"), Found::Kind::mailbox);
    ASSERT_TRUE(other_->add_user(address("ben@dawk.test"), record("pass")));
    ASSERT_TRUE(other_->remove_user(address("anna@dawk.test")));
    clock_.now += Millis(499);
    EXPECT_EQ(kind("ben@dawk.test"), Found::Kind::unknown);
    clock_.now += Millis(1);
    EXPECT_EQ(kind("ben@dawk.test"), Found::Kind::mailbox);
    EXPECT_EQ(kind("anna@dawk.test"), Found::Kind::unknown);
}

TEST_F(Shard, SeesChangesOfItsProcessAtOnce) {
    SqliteDirectory second(ours_, pool_, clock_, {.cost = crypto::PasswordCost::cheapest()});
    EXPECT_EQ(kind("ben@dawk.test"), Found::Kind::unknown);
    ASSERT_TRUE(run(second.add_user(address("ben@dawk.test"), "pass")));
    EXPECT_EQ(kind("ben@dawk.test"), Found::Kind::mailbox);
}

TEST_F(Shard, DomainsOfTheConfigurationAreOurs) {
    EXPECT_FALSE(run(shard_.has_domain("second.test")).value());
    EXPECT_EQ(kind("postmaster@second.test"), Found::Kind::unknown);
    EXPECT_EQ(ours_->add_user(address("x@second.test"), record("pass")).error(), Errc::not_found);
    ours_->set_configured_domains({"Second.TEST", "third.test"});
    EXPECT_TRUE(run(shard_.has_domain("second.test")).value());
    EXPECT_EQ(kind("postmaster@second.test"), Found::Kind::mailbox);
    EXPECT_EQ(kind("x@second.test"), Found::Kind::unknown);
    EXPECT_EQ(ours_->domains().value(), std::vector<std::string>{"dawk.test"});
    ASSERT_TRUE(ours_->add_user(address("x@second.test"), record("pass")));
    ASSERT_TRUE(ours_->add_alias({address("y@third.test"), list({"x@second.test"})}));
    EXPECT_EQ(ours_->domains()->size(), 3U);
    ours_->set_configured_domains({});
    EXPECT_EQ(kind("x@second.test"), Found::Kind::mailbox) << "it has users, so it stays";
}

TEST_F(Shard, WhatItRemembersIsBounded) {
    for (int i = 0; i < 300; ++i)
        EXPECT_EQ(kind("u" + std::to_string(i) + "@dawk.test"), Found::Kind::unknown);
    EXPECT_EQ(shard_.asked(), 300U);
    EXPECT_EQ(kind("u299@dawk.test"), Found::Kind::unknown);
    EXPECT_EQ(shard_.asked(), 300U);
    EXPECT_EQ(kind("u0@dawk.test"), Found::Kind::unknown);
    EXPECT_EQ(shard_.asked(), 301U) << "forgotten";
}

TEST_F(Shard, AWeakRecordIsMadeStrongerAtLogin) {
    crypto::PasswordCost cost = crypto::PasswordCost::cheapest();
    cost.scram_iterations = 5000;
    SqliteDirectory strict(ours_, pool_, clock_, {.cost = cost});
    EXPECT_EQ(run(strict.login("anna@dawk.test", "no")).value(), LoginResult::bad_credentials);
    EXPECT_EQ(run(strict.scram_keys("anna@dawk.test"))->iterations, 4096U);
    EXPECT_EQ(run(strict.login("anna@dawk.test", "pass")).value(), LoginResult::ok);
    EXPECT_EQ(run(strict.scram_keys("anna@dawk.test"))->iterations, 5000U);
    EXPECT_EQ(run(strict.login("anna@dawk.test", "pass")).value(), LoginResult::ok);
}

TEST_F(Shard, DecoysSurviveARestart) {
    auto const before = run(shard_.scram_keys("nobody@dawk.test")).value();
    SqliteDirectory again(other_, pool_, clock_, {.cost = crypto::PasswordCost::cheapest()});
    EXPECT_EQ(run(again.scram_keys("nobody@dawk.test")).value(), before);
}

TEST_F(Shard, ManyThreadsWriteAndReadAtOnce) {
    std::vector<std::thread> threads;
    std::atomic<int> failures{0};
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&, t] {
            auto& database = t % 2 == 0 ? *ours_ : *other_;
            for (int i = 0; i < 20; ++i) {
                mail::Address const name{"t" + std::to_string(t) + "-" + std::to_string(i),
                                         "dawk.test"};
                if (!database.add_alias({name, list({"x@example.org"})})) ++failures;
                auto const found = database.find(name, {});
                if (!found || found->kind != Found::Kind::alias) ++failures;
            }
        });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(failures, 0);
    EXPECT_EQ(ours_->aliases("dawk.test")->size(), 80U);
}

void execute(std::string const& file, char const* sql) {
    sqlite3* handle = nullptr;
    ASSERT_EQ(sqlite3_open(file.c_str(), &handle), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(handle, sql, nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(handle);
    sqlite3_close(handle);
}

TEST(DatabaseFile, IsForItsOwnerOnly) {
    Folder folder;
    ASSERT_TRUE(Database::open(folder.file()));
    struct stat info {};
    ASSERT_EQ(::stat(folder.file().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0600U);
}

TEST(DatabaseFile, KeepsWhatWasWritten) {
    Folder folder;
    {
        auto const database = Database::open(folder.file()).value();
        ASSERT_TRUE(database->add_domain("dawk.test"));
        ASSERT_TRUE(database->add_alias({address("a@dawk.test"), list({"x@example.org"})}));
    }
    auto const database = Database::open(folder.file()).value();
    EXPECT_EQ(database->find(address("A@dawk.test"), {})->targets, list({"x@example.org"}));
}

TEST(DatabaseFile, OfSomebodyElseIsRefused) {
    Folder folder;
    EXPECT_EQ(Database::open(folder.file() + "/none/x.db").error(), Errc::not_found);
    std::ofstream(folder.file()) << std::string(5000, 'x');
    EXPECT_EQ(Database::open(folder.file()).error(), Errc::corrupt);

    Folder second;
    execute(second.file(), "CREATE TABLE mine(x)");
    EXPECT_EQ(Database::open(second.file()).error(), Errc::corrupt);

    Folder third;
    ASSERT_TRUE(Database::open(third.file()));
    execute(third.file(), "PRAGMA user_version = 2");
    EXPECT_EQ(Database::open(third.file()).error(), Errc::unsupported);
}

TEST(DatabaseFile, DamagedRowsAreErrorsNotAnswers) {
    Folder folder;
    auto const database = Database::open(folder.file()).value();
    ASSERT_TRUE(database->add_domain("dawk.test"));
    ASSERT_TRUE(database->add_user(address("anna@dawk.test"), record("pass")));
    ASSERT_TRUE(database->add_alias({address("a@dawk.test"), list({"x@example.org"})}));
    execute(folder.file(), "UPDATE target SET target_local = 'a' || char(13, 10) || 'b'");
    EXPECT_EQ(database->find(address("a@dawk.test"), {}).error(), Errc::corrupt);
    EXPECT_EQ(database->aliases("").error(), Errc::corrupt);
    execute(folder.file(), "UPDATE user SET password = '1 broken'");
    Pool pool;
    HandClock clock;
    SqliteDirectory directory(database, pool, clock, {.cost = crypto::PasswordCost::cheapest()});
    EXPECT_EQ(run(directory.login("anna@dawk.test", "pass")).error(), Errc::corrupt);
    execute(folder.file(), "DROP TABLE target");
    EXPECT_EQ(database->find(address("a@dawk.test"), {}).error(), Errc::corrupt);
}

TEST(DatabaseFile, WithoutItsFolderNothingIsAnsweredWrong) {
    Folder folder;
    auto const database = Database::open(folder.file()).value();
    ASSERT_TRUE(database->add_domain("dawk.test"));
    std::filesystem::remove_all(std::filesystem::path(folder.file()).parent_path());
    EXPECT_FALSE(database->find(address("a@dawk.test"), {})) << "never: unknown";
}

TEST(LruMap, ForgetsWhatWasLongestUnused) {
    Lru<int> map(2);
    map.put("a", 1);
    map.put("b", 2);
    EXPECT_EQ(*map.find("a"), 1);
    map.put("c", 3);
    EXPECT_EQ(map.find("b"), nullptr);
    EXPECT_EQ(*map.find("a"), 1);
    map.put("a", 4);
    EXPECT_EQ(*map.find("a"), 4);
    EXPECT_EQ(map.size(), 2U);
    map.clear();
    EXPECT_EQ(map.find("a"), nullptr);
    Lru<int> none(0);
    none.put("a", 1);
    EXPECT_EQ(none.find("a"), nullptr);
}

}  // namespace
}  // namespace dawk::directory_sqlite
