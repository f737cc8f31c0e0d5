// Runs a fuzz target over the files and folders named on the command line, without libFuzzer, so
// that every compiler replays every corpus in the ordinary test run. Options (-runs=0) are ignored.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {
void replay(std::filesystem::path const& file) {
    std::ifstream in(file, std::ios::binary);
    std::string const bytes{std::istreambuf_iterator<char>(in), {}};
    LLVMFuzzerTestOneInput(reinterpret_cast<std::uint8_t const*>(bytes.data()), bytes.size());
}
}  // namespace

int main(int argc, char** argv) {
    int count = 0;
    LLVMFuzzerTestOneInput(nullptr, 0);
    for (int i = 1; i < argc; ++i) {
        std::string const arg = argv[i];
        if (arg.starts_with("-")) continue;
        if (!std::filesystem::is_directory(arg)) {
            std::fprintf(stderr, "%s: not a folder\n", arg.c_str());
            return 1;
        }
        for (auto const& entry : std::filesystem::recursive_directory_iterator(arg)) {
            if (!entry.is_regular_file()) continue;
            replay(entry.path());
            ++count;
        }
    }
    if (count == 0) {
        std::fprintf(stderr, "no seeds: a fuzz target without a corpus proves nothing\n");
        return 1;
    }
    std::printf("%d seeds replayed\n", count);
}
