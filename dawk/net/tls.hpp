// TLS contexts, identities and client policies over OpenSSL. Internal to dawk/net; sessions run in
// TlsStream.
//
// The profile: TLS 1.2 and 1.3, ephemeral elliptic curve key exchange with AEAD alone, no
// compression, no renegotiation, no early data; resumption by tickets. Deviation: with no policy to
// satisfy a client also takes certificates with weak keys or signatures, since the alternative is
// no TLS (RFC 7435 §3). Standards: RFC 9846 (TLS 1.3), 9325 and 9852 (BCP 195), 10015; 9525
// (names); 7672 (DANE); 7435.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <string>

#include <openssl/ssl.h>

#include "dawk/base/freed.hpp"
#include "dawk/rt/network.hpp"

namespace dawk::net {

using SslPtr = std::unique_ptr<SSL, Freed<SSL_free>>;
using SslContext = std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>>;
using SslSession = std::unique_ptr<SSL_SESSION, Freed<SSL_SESSION_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;

// What OpenSSL has to say of the last failure of this thread, in words; empties its queue.
std::string openssl_words();

rt::ExplainedResult<std::shared_ptr<rt::TlsIdentity const>> load_tls_identity(
    std::string const& certificate_file, std::string const& key_file);
SslPtr new_server_session(rt::TlsIdentity const& identity);

// Tickets of servers met before, so that the next handshake costs no signature. Bounded.
class SessionCache {
  public:
    void put(std::string const& key, SslSession session);
    SslSession take(std::string const& key);
    std::size_t size() const noexcept { return order_.size(); }
    static constexpr std::size_t max_sessions = 4096;

  private:
    struct Kept {
        std::string key;
        SslSession session;
    };
    using Order = std::list<Kept>;  // oldest first
    void drop(Order::iterator kept);
    Order order_;
    std::multimap<std::string, Order::iterator> by_key_;
};

// Client side of one shard.
class TlsClients {
  public:
    TlsClients();
    ~TlsClients();
    rt::ExplainedResult<SslPtr> new_session(rt::TlsClientPolicy const& policy,
                                            rt::Endpoint const& remote);

    // After the handshake: whether the peer is who the policy asks for. Fills
    // verified/verify_error.
    static rt::ExplainedResult<void> verify(SSL* ssl, rt::TlsClientPolicy const& policy,
                                            rt::TlsFacts& facts);
    SessionCache const& sessions() const noexcept { return *sessions_; }

  private:
    rt::ExplainedResult<SSL_CTX*> context(rt::TlsClientPolicy const& policy);

    std::shared_ptr<SessionCache> sessions_;
    std::map<std::string, SslContext> contexts_;  // by kind and ca_file
};

}  // namespace dawk::net
