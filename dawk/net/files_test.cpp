#include "dawk/net/files.hpp"

#include <atomic>
#include <csignal>

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dawk/net/net_test.hpp"
#include "dawk/net/work_pool.hpp"

namespace dawk::net::test {
namespace {

struct FilesTest : ::testing::Test {
    TemporaryFolder folder;
    PosixFiles files;
    std::string at(std::string const& name) const { return folder.path + "/" + name; }

    void put(std::string const& name, std::string_view text) {
        auto file = files.create(at(name), 0600);
        ASSERT_TRUE(file);
        ASSERT_TRUE((*file)->append(std::span(&text, 1)));
    }
    std::string get(std::string const& name) {
        auto file = files.open(at(name));
        if (!file) return "(" + file.error().message() + ")";
        std::string buffer(100, '\0');
        auto const n = (*file)->read_at(0, buffer);
        return n ? buffer.substr(0, *n) : "(unreadable)";
    }
};

TEST_F(FilesTest, WritesPiecesAndReadsThemBack) {
    auto file = files.create(at("a"), 0600);
    ASSERT_TRUE(file);
    std::vector<std::string_view> pieces{"one ", "", "two ", "three"};
    ASSERT_TRUE((*file)->append(pieces));
    ASSERT_TRUE((*file)->append(std::span(pieces).first(1)));
    EXPECT_EQ(*(*file)->size(), 17U);
    ASSERT_TRUE((*file)->sync());
    std::string buffer(100, '\0');
    EXPECT_EQ(*(*file)->read_at(4, buffer), 13U);
    EXPECT_EQ(buffer.substr(0, 13), "two threeone ");
    EXPECT_EQ(*(*file)->read_at(17, buffer), 0U);
    struct stat facts {};
    ASSERT_EQ(::stat(at("a").c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777U, 0600U);
}

TEST_F(FilesTest, AppendsMorePiecesThanOneCallTakes) {
    auto file = files.create(at("a"), 0600);
    std::vector<std::string_view> const pieces(5000, "abcdefg");
    ASSERT_TRUE((*file)->append(pieces));
    EXPECT_EQ(*(*file)->size(), 35000U);
}

TEST_F(FilesTest, SyncsManyFilesAndFoldersAtOnce) {
    for (std::size_t const count : {1U, 2U, 5U}) {
        std::vector<std::unique_ptr<rt::File>> open;
        std::vector<std::string> folders;
        for (std::size_t i = 0; i < count; ++i) {
            auto const name = at("many" + std::to_string(count) + "-" + std::to_string(i));
            ASSERT_TRUE(files.make_folder(name, 0700));
            folders.push_back(name);
            open.push_back(files.create(name + "/file", 0600).value());
        }
        EXPECT_TRUE(files.sync_files(open));
        EXPECT_TRUE(files.sync_folders(folders));
        folders.push_back(at("missing"));
        EXPECT_EQ(files.sync_folders(folders).error(), Errc::not_found);
    }
    EXPECT_TRUE(files.sync_files({}));
}

TEST_F(FilesTest, TellsThePermissionsOfAFile) {
    auto const file = files.create(at("secret"), 0600).value();
    EXPECT_EQ(file->mode().value(), 0600U);
}

TEST_F(FilesTest, PreallocationDoesNotChangeTheSize) {
    auto file = files.create(at("a"), 0600);
    ASSERT_TRUE((*file)->preallocate(1 << 20));
    EXPECT_EQ(*(*file)->size(), 0U);
}

TEST_F(FilesTest, CreatesOnlyWhatIsNotThere) {
    put("a", "x");
    EXPECT_EQ(files.create(at("a"), 0600).error(), Errc::exists);
    EXPECT_EQ(files.open(at("b")).error(), Errc::not_found);
    EXPECT_EQ(files.create(at("no/such/folder"), 0600).error(), Errc::not_found);
    EXPECT_EQ(files.create(at(std::string(300, 'a')), 0600).error(), Errc::too_long);
}

TEST_F(FilesTest, FollowsNoSymbolicLinkAndOpensNothingButFiles) {
    put("a", "x");
    ASSERT_EQ(::symlink(at("a").c_str(), at("link").c_str()), 0);
    EXPECT_EQ(files.open(at("link")).error(), Errc::denied);
    EXPECT_EQ(files.create(at("link"), 0600).error(), Errc::exists);
    ASSERT_EQ(::mkfifo(at("fifo").c_str(), 0600), 0);
    EXPECT_EQ(files.open(at("fifo")).error(), Errc::denied);  // and does not wait for a writer
    EXPECT_FALSE(files.open(folder.path));
}

TEST_F(FilesTest, RenamesLinksRemovesAndLists) {
    put("b", "B");
    put("a", "A");
    ASSERT_TRUE(files.link(at("a"), at("c")));
    EXPECT_EQ(files.link(at("a"), at("b")).error(), Errc::exists);
    EXPECT_EQ(*files.list(folder.path), (std::vector<std::string>{"a", "b", "c"}));
    ASSERT_TRUE(files.rename(at("a"), at("b")));
    EXPECT_EQ(get("b"), "A");
    EXPECT_FALSE(*files.exists(at("a")));
    EXPECT_TRUE(*files.exists(at("c")));
    ASSERT_TRUE(files.remove(at("c")));
    EXPECT_EQ(files.remove(at("c")).error(), Errc::not_found);
    ASSERT_TRUE(files.make_folder(at("d"), 0700));
    EXPECT_EQ(files.make_folder(at("d"), 0700).error(), Errc::exists);
    EXPECT_TRUE(files.sync_folder(folder.path));
    EXPECT_EQ(files.sync_folder(at("none")).error(), Errc::not_found);
    EXPECT_EQ(files.list(at("none")).error(), Errc::not_found);
}

TEST_F(FilesTest, AFullDiskIsNoSpace) {
    // The limit on a file's size stands in for the disk's: EFBIG takes the same way as ENOSPC.
    auto file = files.create(at("a"), 0600);
    rlimit before{};
    ::getrlimit(RLIMIT_FSIZE, &before);
    auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
    rlimit const few{1000, before.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &few);
    std::string const big(2000, 'x');
    std::string_view const piece(big);
    auto const wrote = (*file)->append(std::span(&piece, 1));
    ::setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, handler);
    ASSERT_FALSE(wrote);
    EXPECT_EQ(wrote.error(), Errc::no_space);
    EXPECT_EQ(file_error(ENOSPC), Errc::no_space);
    EXPECT_EQ(file_error(EDQUOT), Errc::no_space);
    EXPECT_EQ(file_error(EIO), Errc::io_error);
    EXPECT_EQ(file_error(EACCES), Errc::denied);
}

TEST(ThreadPool, RunsEveryJobBeforeItDies) {
    std::atomic<int> done{0};
    {
        ThreadPool pool("test", 3);
        for (int i = 0; i < 1000; ++i) pool.run([&done] { ++done; });
    }
    EXPECT_EQ(done, 1000);
}

}  // namespace
}  // namespace dawk::net::test
