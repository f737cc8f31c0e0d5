#include <array>

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "dawk/base/ascii.hpp"
#include "dawk/base/check.hpp"
#include "dawk/net/tls.hpp"

namespace dawk::net {

SslContext new_client_context();

namespace {

using Policy = rt::TlsClientPolicy;

// Where the tickets of one connection go; lives as long as its SSL.
struct Keep {
    std::shared_ptr<SessionCache> cache;
    std::string key;
};

void free_keep(void*, void* keep, CRYPTO_EX_DATA*, int, long, void*) {
    delete static_cast<Keep*>(keep);
}

int keep_index() {
    static int const index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, free_keep);
    return index;
}

int keep_session(SSL* ssl, SSL_SESSION* session) {
    auto const* const keep = static_cast<Keep*>(SSL_get_ex_data(ssl, keep_index()));
    if (keep == nullptr) return 0;
    keep->cache->put(keep->key, SslSession(session));
    return 1;  // ours now
}

bool is_address(std::string const& name) {
    in6_addr address{};
    return inet_pton(AF_INET, name.c_str(), &address) == 1 ||
           inet_pton(AF_INET6, name.c_str(), &address) == 1;
}

// RFC 9525 §6: subjectAltName alone, wildcards only as the whole leftmost label.
constexpr unsigned name_flags =
    X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;

bool set_reference_name(SSL* ssl, std::string const& name) {
    SSL_set_hostflags(ssl, name_flags);
    if (!is_address(name)) return SSL_set1_host(ssl, name.c_str()) == 1;
    return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name.c_str()) == 1;
}

rt::Explained refused(std::string words) {
    return {Errc::tls_failed, std::move(words)};
}

// RFC 7672 §3.1: certificate usages 2 and 3 alone; what OpenSSL cannot use is left out as well.
rt::ExplainedResult<void> set_dane(SSL* ssl, Policy const& policy) {
    if (SSL_dane_enable(ssl, policy.server_name.c_str()) != 1) return refused(openssl_words());
    SSL_set_hostflags(ssl, name_flags);
    SSL_dane_set_flags(ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);  // RFC 7672 §3.1.1
    for (auto const& name : policy.further_names) SSL_add1_host(ssl, name.c_str());
    bool usable = false;
    for (auto const& record : policy.tlsa) {
        if (record.usage != 2 && record.usage != 3) continue;
        auto const* const data = reinterpret_cast<unsigned char const*>(record.data.data());
        usable |= SSL_dane_tlsa_add(ssl, record.usage, record.selector, record.matching, data,
                                    record.data.size()) > 0;
    }
    ERR_clear_error();
    SSL_set_verify(ssl, usable ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
    return {};
}

rt::ExplainedResult<void> set_policy(SSL* ssl, Policy const& policy) {
    if (!policy.server_name.empty() && !is_address(policy.server_name)) {
        if (SSL_set_tlsext_host_name(ssl, policy.server_name.c_str()) != 1) {
            return refused("bad server name: " + openssl_words());
        }
    }
    if (!policy.certificate_sha256_pin.empty()) return {};  // looked at after the handshake
    if (policy.verify == Policy::Verify::dane) return set_dane(ssl, policy);
    if (policy.verify == Policy::Verify::none) return {};
    if (policy.server_name.empty() || !set_reference_name(ssl, policy.server_name)) {
        return refused("there is no name to verify the certificate against");
    }
    SSL_set_verify(ssl, SSL_VERIFY_PEER, nullptr);
    return {};
}

bool wants_chain(Policy const& policy) {
    return policy.certificate_sha256_pin.empty() && policy.verify != Policy::Verify::none;
}

std::string session_key(Policy const& policy, rt::Endpoint const& remote) {
    return remote.text() + '\n' + policy.server_name + '\n' +
           std::to_string(static_cast<int>(policy.verify)) + '\n' + policy.ca_file + '\n' +
           policy.certificate_sha256_pin;
}

std::string fingerprint(X509 const* certificate) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    if (X509_digest(certificate, EVP_sha256(), digest.data(), &size) != 1) return {};
    std::string hex;
    for (unsigned i = 0; i < size; ++i) {
        hex += "0123456789abcdef"[digest[i] >> 4];
        hex += "0123456789abcdef"[digest[i] & 15];
    }
    return hex;
}

}  // namespace

void SessionCache::put(std::string const& key, SslSession session) {
    auto const [first, last] = by_key_.equal_range(key);
    if (std::distance(first, last) >= 4) drop(first->second);
    if (order_.size() >= max_sessions) drop(order_.begin());
    order_.push_back({key, std::move(session)});
    by_key_.emplace(key, std::prev(order_.end()));
}

void SessionCache::drop(Order::iterator kept) {
    auto const [first, last] = by_key_.equal_range(kept->key);
    for (auto i = first; i != last; ++i) {
        if (i->second != kept) continue;
        by_key_.erase(i);
        break;
    }
    order_.erase(kept);
}

SslSession SessionCache::take(std::string const& key) {
    auto const [first, last] = by_key_.equal_range(key);
    if (first == last) return nullptr;
    auto const newest = std::prev(last)->second;
    auto* const session = newest->session.get();
    SSL_SESSION_up_ref(session);
    SslSession taken(session);
    // RFC 9846 appendix C.4: a ticket of TLS 1.3 is used once.
    if (SSL_SESSION_get_protocol_version(session) >= TLS1_3_VERSION) drop(newest);
    return taken;
}

TlsClients::TlsClients() : sessions_(std::make_shared<SessionCache>()) {}
TlsClients::~TlsClients() = default;

rt::ExplainedResult<SSL_CTX*> TlsClients::context(Policy const& policy) {
    bool const chain = wants_chain(policy);
    bool const dane = chain && policy.verify == Policy::Verify::dane;
    std::string const key = !chain ? "none" : dane ? "dane" : "webpki " + policy.ca_file;
    if (auto const found = contexts_.find(key); found != contexts_.end()) {
        return found->second.get();
    }
    auto context = new_client_context();
    SSL_CTX_set_session_cache_mode(context.get(),
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context.get(), keep_session);
    if (!chain) {
        SSL_CTX_set_security_level(context.get(), 1);
        // Nobody asks, so the work is not done.
        SSL_CTX_set_cert_verify_callback(
            context.get(), [](X509_STORE_CTX*, void*) { return 1; }, nullptr);
    } else if (dane) {
        DAWK_CHECK(SSL_CTX_dane_enable(context.get()) == 1);
    } else if (policy.ca_file.empty()) {
        DAWK_CHECK(SSL_CTX_set_default_verify_paths(context.get()) == 1);
    } else if (SSL_CTX_load_verify_file(context.get(), policy.ca_file.c_str()) != 1) {
        return refused("cannot load certificates of " + policy.ca_file + ": " + openssl_words());
    }
    return contexts_.emplace(key, std::move(context)).first->second.get();
}

rt::ExplainedResult<SslPtr> TlsClients::new_session(Policy const& policy,
                                                    rt::Endpoint const& remote) {
    ERR_clear_error();
    DAWK_TRY(SSL_CTX * chosen, context(policy));
    SslPtr ssl(SSL_new(chosen));
    DAWK_CHECK(ssl != nullptr);
    SSL_set_connect_state(ssl.get());
    DAWK_TRY_VOID(set_policy(ssl.get(), policy));
    // What DANE verified is asked again each time: the records may have changed.
    if (policy.verify == Policy::Verify::dane) return ssl;
    auto const key = session_key(policy, remote);
    if (auto const session = sessions_->take(key)) SSL_set_session(ssl.get(), session.get());
    SSL_set_ex_data(ssl.get(), keep_index(), new Keep{sessions_, key});
    return ssl;
}

rt::ExplainedResult<void> TlsClients::verify(SSL* ssl, Policy const& policy, rt::TlsFacts& facts) {
    auto const* const certificate = SSL_get0_peer_certificate(ssl);
    if (!policy.certificate_sha256_pin.empty()) {
        facts.verified =
            certificate != nullptr && fingerprint(certificate) == policy.certificate_sha256_pin;
        if (facts.verified) return {};
        return refused("the certificate is not the pinned one");
    }
    if (policy.verify == Policy::Verify::none) {
        facts.verify_error = "not asked for";
        return {};
    }
    if (SSL_get_verify_mode(ssl) == SSL_VERIFY_NONE) {  // RFC 7672 §2.2
        facts.verify_error = "no usable TLSA record";
        return {};
    }
    long const result = SSL_get_verify_result(ssl);
    if (certificate == nullptr || result != X509_V_OK) {
        return refused(std::string("certificate not verified: ") +
                       X509_verify_cert_error_string(result));
    }
    facts.verified = true;
    return {};
}

}  // namespace dawk::net
