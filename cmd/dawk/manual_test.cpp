#include <gmock/gmock.h>

#include "cmd/dawk/completion.hpp"
#include "cmd/dawk/run_fixture.hpp"

namespace dawk::cmd {
namespace {

std::filesystem::path const folder = DAWK_SOURCE_DIR "/docs/man";

std::string text_of(std::filesystem::path const& path) {
    std::ifstream in(path);
    EXPECT_TRUE(in) << path;
    return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::filesystem::path> pages() {
    std::vector<std::filesystem::path> out;
    for (auto const& entry : std::filesystem::directory_iterator(folder))
        out.push_back(entry.path());
    EXPECT_GE(out.size(), 7U);
    return out;
}

// The pages that explain the command, dawk(1) and its own: an item begins with its name.
std::string page_of(std::string const& command) {
    std::string found;
    for (auto const& page : pages()) {
        if (page.extension() != ".1") continue;
        auto const text = text_of(page);
        for (std::size_t at = 0; (at = text.find("\n.It Ic ", at)) != text.npos; ++at) {
            auto const line = text.substr(at + 8, text.find('\n', at + 1) - at - 8);
            if (line != command && !line.starts_with(command + ' ')) continue;
            found += text;
            break;
        }
    }
    return found;
}

void expect_explained(CommandWords const& command) {
    if (command.below.empty()) {
        auto const name = command.path.substr(command.path.find(' ') + 1);
        auto const page = page_of(name);
        EXPECT_NE(page, "") << "no page in docs/man has an item \".It Ic " << name << '"';
        for (auto const& option : command.options) {
            auto const word = "Fl " + option.name.substr(1);
            bool const known = page.find(word + ' ') != page.npos ||
                               page.find(word + '\n') != page.npos || option.name == "--help";
            EXPECT_TRUE(known) << command.path << ' ' << option.name << " is not in its page";
        }
    }
    for (auto const& below : command.below) expect_explained(below);
}

TEST(ManualPages, ExplainEveryCommandAndOption) {
    auto const app = make_app();
    auto const root = all_commands(*app);
    auto const page = text_of(folder / "dawk.1");
    for (auto const& option : root.options)
        EXPECT_NE(page.find("Fl " + option.name.substr(1)), page.npos) << option.name;
    for (auto const& command : root.below) expect_explained(command);
}

TEST(ManualPages, AreGoodMdoc) {
    if (std::system("command -v mandoc >/dev/null") != 0) GTEST_SKIP() << "there is no mandoc";
    for (auto const& page : pages()) {
        auto const command = "mandoc -T lint -W warning '" + page.string() + "'";
        EXPECT_EQ(std::system(command.c_str()), 0) << page;
    }
}

}  // namespace
}  // namespace dawk::cmd
