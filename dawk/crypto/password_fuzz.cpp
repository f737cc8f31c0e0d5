// A password record read from a damaged database: bounded, and what parses prints itself.
#include <cstdlib>

#include "dawk/crypto/hash.hpp"
#include "dawk/crypto/password.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace dawk::crypto;
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    if (auto const record = PasswordRecord::parse(text)) {
        auto const again = PasswordRecord::parse(record->text());
        if (!again || again->text() != record->text()) std::abort();
    }
    for (auto const padding : {Padding::with, Padding::without})
        if (auto const octets = from_base64(text, padding))
            if (to_base64(*octets, padding) != text) std::abort();
    return 0;
}
