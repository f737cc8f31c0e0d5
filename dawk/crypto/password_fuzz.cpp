// A password record read from a damaged database: bounded, and what parses prints itself.
#include <cstdlib>

#include "dawk/base/base64.hpp"
#include "dawk/crypto/hash.hpp"
#include "dawk/crypto/password.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace dawk::crypto;
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    if (auto const record = PasswordRecord::parse(text)) {
        auto const again = PasswordRecord::parse(record->text());
        if (!again || again->text() != record->text()) std::abort();
    }
    for (auto const padding : {dawk::base64::Padding::with, dawk::base64::Padding::without})
        if (auto const octets = dawk::base64::decode(text, padding))
            if (dawk::base64::encode(*octets, padding) != text) std::abort();
    return 0;
}
