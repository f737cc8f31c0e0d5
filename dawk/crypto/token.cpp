// Engines are deprecated in OpenSSL 3, and all that Debian 12 has for PKCS#11.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "dawk/crypto/token.hpp"

#include <openssl/engine.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/store.h>
#include <openssl/ui.h>

namespace dawk::crypto {
namespace {

using KeyPtr = std::shared_ptr<void>;

KeyPtr own(EVP_PKEY* key) {
    return KeyPtr(key, [](void* k) { EVP_PKEY_free(static_cast<EVP_PKEY*>(k)); });
}

// Initialised once and kept: keys hold on to it until the process ends.
ENGINE* engine() {
    static ENGINE* const found = [] {
        ENGINE_load_builtin_engines();
        ENGINE* const by_name = ENGINE_by_id("pkcs11");
        if (by_name == nullptr || ENGINE_init(by_name) == 1) return by_name;
        ENGINE_free(by_name);
        return static_cast<ENGINE*>(nullptr);
    }();
    return found;
}

Result<KeyPtr> from_store(std::string const& uri) {
    std::shared_ptr<OSSL_STORE_CTX> const store(
        OSSL_STORE_open(uri.c_str(), UI_null(), nullptr, nullptr, nullptr),
        [](OSSL_STORE_CTX* s) { OSSL_STORE_close(s); });
    if (!store) return Errc::unsupported;
    while (OSSL_STORE_eof(store.get()) == 0) {
        std::shared_ptr<OSSL_STORE_INFO> const info(OSSL_STORE_load(store.get()),
                                                    OSSL_STORE_INFO_free);
        if (!info) break;
        if (OSSL_STORE_INFO_get_type(info.get()) != OSSL_STORE_INFO_PKEY) continue;
        return own(OSSL_STORE_INFO_get1_PKEY(info.get()));
    }
    return Errc::not_found;
}

}  // namespace

Result<KeyPtr> key_from_token(std::string const& uri) {
    auto stored = from_store(uri);
    if (stored || stored.error() != Errc::unsupported) return stored;
    auto* const token = engine();
    // Not changed, only not declared const.
    auto* const nobody = const_cast<UI_METHOD*>(UI_null());
    auto* const key =
        token == nullptr ? nullptr : ENGINE_load_private_key(token, uri.c_str(), nobody, nullptr);
    ERR_clear_error();
    if (token == nullptr) return Errc::unsupported;
    if (key == nullptr) return Errc::not_found;
    return own(key);
}

}  // namespace dawk::crypto
