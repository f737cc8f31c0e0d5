// What tests of databases in a file share: a folder that goes with them, and threads to work on.
#pragma once

#include <filesystem>
#include <string>

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <stdlib.h>

#include "dawk/rt/work.hpp"

namespace dawk::sqlite::test {

class Folder {
  public:
    Folder() {
        std::string name = (std::filesystem::temp_directory_path() / "dawk-sqlite-XXXXXX");
        path_ = ::mkdtemp(name.data());
    }
    ~Folder() { std::filesystem::remove_all(path_); }
    Folder(Folder const&) = delete;
    Folder& operator=(Folder const&) = delete;
    std::string file() const { return path_ + "/test.db"; }

  private:
    std::string path_;
};

class Pool final : public rt::WorkPool {
  public:
    ~Pool() override { pool_.join(); }
    void run(std::function<void()> job) override { boost::asio::post(pool_, std::move(job)); }

  private:
    boost::asio::thread_pool pool_{2};
};

}  // namespace dawk::sqlite::test
