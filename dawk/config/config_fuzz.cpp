// Any text: loading ends, tells a problem for every refusal, and what loads shows itself the same.
#include <cstdint>
#include <cstdlib>

#include "dawk/config/config.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    auto const loaded = dawk::config::load_text(text, "fuzz.toml");
    if (!loaded.settings) {
        if (loaded.problems.empty()) std::abort();
        return 0;
    }
    auto const shown = dawk::config::show(*loaded.settings);
    auto const again = dawk::config::load_text(shown, "shown.toml");
    if (!again.settings || dawk::config::show(*again.settings) != shown) std::abort();
    return 0;
}
