// A key record, as DNS may give anything for it.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "dawk/dkim/signature.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    using dawk::dkim::Algorithm;
    for (auto const algorithm :
         {Algorithm::rsa_sha1, Algorithm::rsa_sha256, Algorithm::ed25519_sha256}) {
        auto const key = dawk::dkim::parse_key(text, algorithm);
        if (!key && key.error().reason.empty()) std::abort();
        if (!key) continue;
        if (key->key.bits() > 0 && key->key.kind() == dawk::crypto::KeyKind::rsa &&
            key->key.bits() < 1024) {
            std::abort();  // RFC 8301 §3.2
        }
        if (key->key.verify_digest(std::string(32, 'd'), std::string(64, 's'))) std::abort();
    }
    return 0;
}
