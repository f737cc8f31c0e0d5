#include "dawk/net/tls.hpp"

#include <system_error>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "dawk/base/ascii.hpp"
#include "dawk/base/check.hpp"

namespace dawk::net {
namespace {

// RFC 9325 §4.2 and 10015 leave these of TLS 1.2. AES-128 first: it is the faster and not the
// weaker.
constexpr char const* ciphers_1_2 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr char const* ciphers_1_3 =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

class Identity final : public rt::TlsIdentity {
  public:
    explicit Identity(SslContext context) : context_(std::move(context)) {}
    SSL_CTX* context() const noexcept { return context_.get(); }

  private:
    SslContext context_;
};

void set_groups(SSL_CTX* context) {
    // A library that knows the hybrid post-quantum group offers it first.
    if (SSL_CTX_set1_groups_list(context, "X25519MLKEM768:X25519:P-256:P-384") == 1) return;
    ERR_clear_error();
    DAWK_CHECK(SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384") == 1);
}

SslContext new_context(SSL_METHOD const* method) {
    SslContext context(SSL_CTX_new(method));
    DAWK_CHECK(context != nullptr);
    SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
    DAWK_CHECK(SSL_CTX_set_cipher_list(context.get(), ciphers_1_2) == 1);
    DAWK_CHECK(SSL_CTX_set_ciphersuites(context.get(), ciphers_1_3) == 1);
    SSL_CTX_set_options(context.get(), SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                           SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_verify_depth(context.get(), 10);
    // Never ask a terminal for a pass phrase.
    SSL_CTX_set_default_passwd_cb(context.get(), [](char*, int, int, void*) { return 0; });
    set_groups(context.get());
    return context;
}

rt::Explained explained(Errc code, std::string_view what, std::string const& name) {
    return {code, std::string(what) + " " + name + ": " + openssl_words()};
}

}  // namespace

std::string openssl_words() {
    std::string words;
    char const* data = nullptr;
    int flags = 0;
    while (auto const code = ERR_get_error_all(nullptr, nullptr, nullptr, &data, &flags)) {
        char const* const reason = ERR_reason_error_string(code);
        // The last is the most general; the first says what happened.
        if (!words.empty()) continue;
        if (ERR_SYSTEM_ERROR(code)) {
            words = std::generic_category().message(ERR_GET_REASON(code));
        } else {
            words = reason != nullptr ? reason : "error " + std::to_string(code);
        }
        if ((flags & ERR_TXT_STRING) != 0 && data != nullptr && *data != '\0') {
            words += " (" + ascii::printable(data, 200) + ")";
        }
    }
    return words.empty() ? "no reason given" : words;
}

rt::ExplainedResult<std::shared_ptr<rt::TlsIdentity const>> load_tls_identity(
    std::string const& certificate_file, std::string const& key_file) {
    ERR_clear_error();
    auto context = new_context(TLS_server_method());
    if (SSL_CTX_use_certificate_chain_file(context.get(), certificate_file.c_str()) != 1) {
        return explained(Errc::tls_failed, "cannot load certificate", certificate_file);
    }
    if (SSL_CTX_use_PrivateKey_file(context.get(), key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
        auto const error = ERR_peek_last_error();
        bool const is_foreign = ERR_GET_LIB(error) == ERR_LIB_X509 &&
                                (ERR_GET_REASON(error) == X509_R_KEY_VALUES_MISMATCH ||
                                 ERR_GET_REASON(error) == X509_R_KEY_TYPE_MISMATCH);
        return explained(Errc::tls_failed,
                         is_foreign ? "key does not belong to certificate" : "cannot load key",
                         key_file);
    }
    if (SSL_CTX_check_private_key(context.get()) != 1) {
        return explained(Errc::tls_failed, "key does not belong to certificate", key_file);
    }
    // Tickets alone: nothing is kept for a client that comes once.
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context.get(), 1);
    static constexpr unsigned char id[] = {'d', 'a', 'w', 'k'};
    SSL_CTX_set_session_id_context(context.get(), id, sizeof(id));
    return std::shared_ptr<rt::TlsIdentity const>(std::make_shared<Identity>(std::move(context)));
}

SslPtr new_server_session(rt::TlsIdentity const& identity) {
    auto const* const own = dynamic_cast<Identity const*>(&identity);
    DAWK_CHECK(own != nullptr);  // an identity of another world
    SslPtr ssl(SSL_new(own->context()));
    DAWK_CHECK(ssl != nullptr);
    SSL_set_accept_state(ssl.get());
    return ssl;
}

// For the client side, in tls_client.cpp.
SslContext new_client_context();
SslContext new_client_context() {
    return new_context(TLS_client_method());
}

}  // namespace dawk::net
