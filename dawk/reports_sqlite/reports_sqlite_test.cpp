#include <filesystem>
#include <fstream>
#include <thread>

#include <sys/stat.h>

#include "dawk/reports/contract.hpp"
#include "dawk/reports_sqlite/sqlite_store.hpp"
#include "dawk/sqlite/folder_test.hpp"

namespace dawk::reports_sqlite {
namespace {

using namespace reports::contract;

using sqlite::test::Folder;
using sqlite::test::Pool;

class SqliteSubject final : public Subject {
  public:
    SqliteSubject() { reopen(); }
    reports::Store& store() override { return *store_; }
    void reopen() override {
        store_.reset();
        store_ = std::make_unique<SqliteStore>(Database::open(folder_.file()).value(), pool_);
    }

  private:
    Folder folder_;
    Pool pool_;
    std::unique_ptr<SqliteStore> store_;
};
INSTANTIATE_TEST_SUITE_P(Sqlite, ReportStoreContract, ::testing::Values(MakeStore([] {
                             return std::make_unique<SqliteSubject>();
                         })));

TEST(ReportsSqlite, TheFileIsForItsOwnerAlone) {
    Folder const folder;
    ASSERT_TRUE(Database::open(folder.file()));
    struct stat info {};
    ASSERT_EQ(::stat(folder.file().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0600U);
}

TEST(ReportsSqlite, AnotherFileIsNotTouched) {
    Folder const folder;
    std::ofstream(folder.file()) << "this is no database, but a text of some length, a longer one";
    EXPECT_EQ(Database::open(folder.file()).error(), Errc::corrupt);
    EXPECT_EQ(Database::open("/nonexistent/reports.db").error(), Errc::not_found);
}

TEST(ReportsSqlite, SeveralMayWrite) {
    Folder const folder;
    auto const work = [&] {
        auto const database = Database::open(folder.file()).value();
        for (int i = 0; i < 20; ++i)
            EXPECT_TRUE(database->add({seen(10, "example.org", "192.0.2.1")}));
    };
    std::thread other(work);
    work();
    other.join();
    auto const collected = Database::open(folder.file()).value()->collected({10, "example.org"}, 9);
    EXPECT_EQ(collected->rows.at(0).count, 40U);
}

}  // namespace
}  // namespace dawk::reports_sqlite
