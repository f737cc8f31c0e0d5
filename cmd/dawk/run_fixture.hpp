// Runs command lines in this process for tests, in a folder of their own, with what they print.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "cmd/dawk/command.hpp"

namespace dawk::cmd {

struct Ran {
    int code = 0;
    std::string out, err;
};

class CommandLine : public ::testing::Test {
  protected:
    CommandLine() {
        std::string name = std::filesystem::temp_directory_path() / "dawk-cmd-XXXXXX";
        folder_ = ::mkdtemp(name.data());
        old_ = std::filesystem::current_path();
        std::filesystem::current_path(folder_);
        ::unsetenv("DAWK_CONFIG");
    }
    ~CommandLine() override {
        std::filesystem::current_path(old_);
        std::filesystem::remove_all(folder_);
    }
    Ran dawk(std::vector<std::string> words) {
        words.insert(words.begin(), "dawk");
        std::vector<char const*> argv;
        for (auto const& word : words) argv.push_back(word.c_str());
        ::testing::internal::CaptureStdout();
        ::testing::internal::CaptureStderr();
        Ran ran;
        ran.code = run(static_cast<int>(argv.size()), argv.data());
        ran.out = ::testing::internal::GetCapturedStdout();
        ran.err = ::testing::internal::GetCapturedStderr();
        return ran;
    }
    void write(std::string const& name, std::string_view text) {
        std::ofstream(name, std::ios::binary) << text;
    }
    static std::string read(std::string const& name) {
        std::ifstream in(name, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }

    std::filesystem::path folder_;
    std::filesystem::path old_;
};

}  // namespace dawk::cmd
