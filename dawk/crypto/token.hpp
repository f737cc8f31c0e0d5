// A private key that stays in a PKCS#11 token, found by its URI. Private to this module.
//
// Asks the providers of OpenSSL first (pkcs11-provider, once openssl.cnf loads it), then its engine
// "pkcs11" of libp11, which is what Debian 12 has. Never asks a terminal for a PIN: it stands in
// the URI (pin-value=, pin-source=file:...). Standards: RFC 7512.
#pragma once

#include <memory>
#include <string>

#include "dawk/base/result.hpp"

namespace dawk::crypto {

// An EVP_PKEY. unsupported: there is neither provider nor engine; not_found: they know no such key,
// or do not open it.
Result<std::shared_ptr<void>> key_from_token(std::string const& uri);

}  // namespace dawk::crypto
