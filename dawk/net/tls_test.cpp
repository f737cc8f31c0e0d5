#include "dawk/net/tls.hpp"

#include <thread>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include "dawk/net/fd.hpp"
#include "dawk/net/net_test.hpp"

namespace dawk::net::test {
namespace {

using Verify = rt::TlsClientPolicy::Verify;
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;

// A certificate authority that signs for names, and lies about dates when asked to.
struct Authority {
    TemporaryFolder folder;
    Key key{EVP_EC_gen("P-256")};
    Certificate certificate = make(key.get(), "Test Authority", "", "CA:TRUE", 0, 3600);
    int serial = 1;

    Authority() { write(folder.path + "/ca.pem", certificate.get(), nullptr); }
    std::string ca_file() const { return folder.path + "/ca.pem"; }

    Certificate make(EVP_PKEY* subject_key, std::string const& common_name,
                     std::string const& names, char const* constraints, long from, long until) {
        Certificate made(X509_new());
        X509_set_version(made.get(), 2);
        ASN1_INTEGER_set(X509_get_serialNumber(made.get()), ++serial);
        X509_gmtime_adj(X509_getm_notBefore(made.get()), from);
        X509_gmtime_adj(X509_getm_notAfter(made.get()), until);
        X509_set_pubkey(made.get(), subject_key);
        auto* const subject = X509_get_subject_name(made.get());
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                                   reinterpret_cast<unsigned char const*>(common_name.c_str()), -1,
                                   -1, 0);
        auto* const issuer = certificate ? X509_get_subject_name(certificate.get()) : subject;
        X509_set_issuer_name(made.get(), issuer);
        add(made.get(), NID_basic_constraints, constraints);
        if (!names.empty()) add(made.get(), NID_subject_alt_name, names.c_str());
        EXPECT_NE(X509_sign(made.get(), key.get(), EVP_sha256()), 0);
        return made;
    }
    static void add(X509* to, int kind, char const* value) {
        auto* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value);
        ASSERT_NE(extension, nullptr) << value;
        X509_add_ext(to, extension, -1);
        X509_EXTENSION_free(extension);
    }
    static void write(std::string const& path, X509* certificate, EVP_PKEY* key) {
        FILE* const out = std::fopen(path.c_str(), "w");
        ASSERT_NE(out, nullptr);
        if (certificate != nullptr) PEM_write_X509(out, certificate);
        if (key != nullptr) PEM_write_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
        std::fclose(out);
    }
};

struct Served {
    std::shared_ptr<rt::TlsIdentity const> identity;
    std::string der;  // of the certificate
};

std::string sha256(std::string_view bytes) {
    unsigned char digest[32];
    SHA256(reinterpret_cast<unsigned char const*>(bytes.data()), bytes.size(), digest);
    return {reinterpret_cast<char const*>(digest), sizeof(digest)};
}

std::string hex(std::string_view bytes) {
    std::string text;
    for (unsigned char c : bytes) {
        text += "0123456789abcdef"[c >> 4];
        text += "0123456789abcdef"[c & 15];
    }
    return text;
}

struct TlsKit : Kit {
    Authority authority;
    std::unique_ptr<rt::Listener> listener = listen();

    Served serve(std::string const& names, long from = 0, long until = 3600,
                 std::string const& common_name = "mx.example") {
        Key const key(EVP_EC_gen("P-256"));
        auto const made = authority.make(key.get(), common_name, names, "CA:FALSE", from, until);
        auto const stem = authority.folder.path + "/" + std::to_string(authority.serial);
        Authority::write(stem + ".crt", made.get(), nullptr);
        Authority::write(stem + ".key", nullptr, key.get());
        auto loaded = network.load_identity(stem + ".crt", stem + ".key");
        EXPECT_TRUE(loaded) << loaded.error().detail;
        unsigned char* der = nullptr;
        int const size = i2d_X509(made.get(), &der);
        Served served{*loaded, {reinterpret_cast<char*>(der), static_cast<std::size_t>(size)}};
        OPENSSL_free(der);
        return served;
    }
    rt::TlsClientPolicy webpki(std::string name) const {
        rt::TlsClientPolicy policy;
        policy.verify = Verify::webpki;
        policy.server_name = std::move(name);
        policy.ca_file = authority.ca_file();
        return policy;
    }
};

struct Outcome {
    rt::Explained client, server;  // code of each side's handshake
    rt::TlsFacts facts;            // of the client
    rt::TlsFacts server_facts;
};

// Echoes until the client is gone.
Task<void> echo(TlsKit& kit, std::shared_ptr<rt::TlsIdentity const> identity, Outcome& outcome) {
    auto plain = co_await kit.listener->accept();
    (*plain)->expires_at(kit.in(10s));
    auto tls = co_await kit.network.tls_accept(std::move(*plain), identity);
    if (!tls) {
        outcome.server = tls.error();
        co_return;
    }
    outcome.server_facts = *(*tls)->tls();
    std::string buffer(20000, '\0');
    for (;;) {
        auto const n = co_await (*tls)->read_some(buffer);
        if (!n) break;
        std::string_view const heard(buffer.data(), *n);
        auto const said = co_await (*tls)->write_all(heard);
        if (!said) break;
    }
    co_await (*tls)->shutdown();
}

Task<void> greet(TlsKit& kit, rt::TlsClientPolicy policy, Outcome& outcome) {
    auto const target = kit.to(*kit.listener);
    auto plain = co_await kit.network.connect(target);
    auto tls = co_await kit.network.tls_connect(std::move(*plain), policy);
    if (!tls) {
        outcome.client = tls.error();
        co_return;
    }
    outcome.facts = *(*tls)->tls();
    std::vector<std::string_view> const pieces{"EH", "LO ", "", "me\r\n"};
    auto const said = co_await (*tls)->write_all(pieces);
    EXPECT_TRUE(said);
    auto const heard = co_await read_exactly(**tls, 9);
    EXPECT_EQ(heard ? *heard : heard.error().message(), "EHLO me\r\n");
    co_await (*tls)->shutdown();
}

Outcome handshake(TlsKit& kit, Served const& served, rt::TlsClientPolicy policy) {
    Outcome outcome;
    kit.tasks.spawn(echo(kit, served.identity, outcome));
    kit.run(greet(kit, std::move(policy), outcome));
    return outcome;
}

TEST(Tls, EncryptsWithoutAskingWhoWhenNothingIsDemanded) {  // RFC 7435
    TlsKit kit;
    auto const served = kit.serve("DNS:other.example", -7200, -3600);  // expired, wrong name
    auto const outcome = handshake(kit, served, {});
    EXPECT_FALSE(outcome.client.code);
    EXPECT_FALSE(outcome.server.code);
    EXPECT_EQ(outcome.facts.version, "TLSv1.3");
    EXPECT_EQ(outcome.facts.cipher, "TLS_AES_128_GCM_SHA256");
    EXPECT_FALSE(outcome.facts.group.empty());
    EXPECT_FALSE(outcome.facts.verified);
    EXPECT_FALSE(outcome.facts.verify_error.empty());
    EXPECT_EQ(outcome.facts.peer_subject, "CN=mx.example");
    EXPECT_EQ(outcome.server_facts.version, "TLSv1.3");
    EXPECT_EQ(outcome.server_facts.peer_subject, "");
}

TEST(Tls, VerifiesChainAndName) {  // RFC 9525
    TlsKit kit;
    struct Row {
        char const* names;
        char const* asked;
        bool verified;
    };
    for (auto const& row :
         {Row{"DNS:mx.example", "mx.example", true}, Row{"DNS:MX.Example", "mx.example", true},
          Row{"DNS:a.example, DNS:mx.example", "mx.example", true},
          Row{"DNS:*.mail.example", "mx.mail.example", true},
          Row{"DNS:*.mail.example", "a.mx.mail.example", false},
          Row{"DNS:*.mail.example", "mail.example", false},
          Row{"DNS:m*.mail.example", "mx.mail.example", false},
          Row{"DNS:other.example", "mx.example", false}, Row{"IP:127.0.0.1", "127.0.0.1", true},
          Row{"DNS:127.0.0.1", "127.0.0.1", false},
          Row{"", "mx.example", false}}) {  // the subject's CN does not count
        auto const served = kit.serve(row.names);
        auto const outcome = handshake(kit, served, kit.webpki(row.asked));
        EXPECT_EQ(outcome.facts.verified, row.verified) << row.names << " as " << row.asked;
        if (row.verified) continue;
        EXPECT_EQ(outcome.client.code, Errc::tls_failed);
        EXPECT_NE(outcome.client.detail.find("mismatch"), std::string::npos)
            << outcome.client.detail;
        EXPECT_TRUE(outcome.server.code);  // and the server was told
    }
}

TEST(Tls, RefusesExpiredUnknownAndNameless) {
    TlsKit kit;
    auto const expired = kit.serve("DNS:mx.example", -7200, -3600);
    auto outcome = handshake(kit, expired, kit.webpki("mx.example"));
    EXPECT_EQ(outcome.client.code, Errc::tls_failed);
    EXPECT_NE(outcome.client.detail.find("expired"), std::string::npos) << outcome.client.detail;

    auto const unknown = kit.serve("DNS:mx.example");
    auto system = kit.webpki("mx.example");
    system.ca_file.clear();
    outcome = handshake(kit, unknown, system);
    EXPECT_EQ(outcome.client.code, Errc::tls_failed);
    EXPECT_NE(outcome.client.detail.find("issuer"), std::string::npos) << outcome.client.detail;

    outcome = handshake(kit, unknown, kit.webpki(""));
    EXPECT_EQ(outcome.client.code, Errc::tls_failed);
    auto missing = kit.webpki("mx.example");
    missing.ca_file = "/nonexistent/ca.pem";
    outcome = handshake(kit, unknown, missing);
    EXPECT_EQ(outcome.client.code, Errc::tls_failed);
    EXPECT_NE(outcome.client.detail.find("/nonexistent/ca.pem"), std::string::npos);
}

TEST(Tls, PinIsAllThatIsAsked) {
    TlsKit kit;
    auto const served = kit.serve("DNS:other.example", -7200, -3600);
    auto policy = kit.webpki("mx.example");
    policy.certificate_sha256_pin = hex(sha256(served.der));
    EXPECT_TRUE(handshake(kit, served, policy).facts.verified);
    policy.certificate_sha256_pin[0] = policy.certificate_sha256_pin[0] == '0' ? '1' : '0';
    EXPECT_EQ(handshake(kit, served, policy).client.code, Errc::tls_failed);
}

TEST(Tls, DaneFollowsTheRecords) {  // RFC 7672 §3
    TlsKit kit;
    auto const served = kit.serve("DNS:other.example", -7200, -3600);
    rt::TlsClientPolicy policy;
    policy.verify = Verify::dane;
    policy.server_name = "mx.example";
    policy.tlsa = {{3, 0, 1, sha256(served.der)}};
    // DANE-EE: neither name nor dates count (§3.1.1).
    EXPECT_TRUE(handshake(kit, served, policy).facts.verified);
    policy.tlsa = {{3, 0, 1, sha256("another")}, {3, 0, 1, sha256(served.der)}};
    EXPECT_TRUE(handshake(kit, served, policy).facts.verified);
    policy.tlsa = {{3, 0, 1, sha256("another")}};
    EXPECT_EQ(handshake(kit, served, policy).client.code, Errc::tls_failed);
    // Usage 1 is unusable in mail: encrypted, nobody authenticated (§2.2, §3.1.3).
    policy.tlsa = {{1, 0, 1, sha256(served.der)}};
    auto const outcome = handshake(kit, served, policy);
    EXPECT_FALSE(outcome.client.code);
    EXPECT_FALSE(outcome.facts.verified);
    EXPECT_EQ(outcome.facts.verify_error, "no usable TLSA record");
}

TEST(Tls, ResumesWithTheSamePeerAndPolicyAlone) {
    TlsKit kit;
    auto const served = kit.serve("DNS:mx.example");
    EXPECT_FALSE(handshake(kit, served, kit.webpki("mx.example")).facts.resumed);
    auto const again = handshake(kit, served, kit.webpki("mx.example"));
    EXPECT_TRUE(again.facts.resumed);
    EXPECT_TRUE(again.facts.verified);
    EXPECT_TRUE(again.server_facts.resumed);
    EXPECT_FALSE(handshake(kit, served, {}).facts.resumed);
    EXPECT_FALSE(handshake(kit, served, kit.webpki("other.example")).facts.verified);
}

TEST(Tls, IdentitiesThatDoNotLoadSayWhy) {
    TlsKit kit;
    auto const missing = kit.network.load_identity("/nonexistent.crt", "/nonexistent.key");
    ASSERT_FALSE(missing);
    EXPECT_NE(missing.error().detail.find("/nonexistent.crt"), std::string::npos);
    EXPECT_NE(missing.error().detail.find("No such file"), std::string::npos)
        << missing.error().detail;
    (void)kit.serve("DNS:a.example");
    (void)kit.serve("DNS:b.example");
    auto const& folder = kit.authority.folder.path;
    auto const serial = kit.authority.serial;
    auto const mixed =
        kit.network.load_identity(folder + "/" + std::to_string(serial) + ".crt",
                                  folder + "/" + std::to_string(serial - 1) + ".key");
    ASSERT_FALSE(mixed);
    EXPECT_NE(mixed.error().detail.find("key does not belong to certificate"), std::string::npos)
        << mixed.error().detail;
}

// A client of plain OpenSSL on a blocking socket, to be told what to do.
struct Foreign {
    Fd fd;
    SslContext context{SSL_CTX_new(TLS_client_method())};
    SslPtr ssl{SSL_new(context.get())};

    explicit Foreign(rt::Listener& listener) : fd(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        to.sin_port = htons(listener.local().port);
        EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&to), sizeof(to)), 0);
        SSL_set_fd(ssl.get(), fd.get());
    }
};

Task<void> accept_tls(TlsKit& kit, std::shared_ptr<rt::TlsIdentity const> identity,
                      rt::ExplainedResult<std::unique_ptr<rt::Stream>>& out, Duration limit) {
    auto plain = co_await kit.listener->accept();
    (*plain)->expires_at(kit.in(limit));
    out = co_await kit.network.tls_accept(std::move(*plain), identity);
}

rt::ExplainedResult<std::unique_ptr<rt::Stream>> accept_foreign(TlsKit& kit, Served const& served,
                                                                Duration limit = 10s) {
    rt::ExplainedResult<std::unique_ptr<rt::Stream>> out = rt::Explained{};
    kit.run(accept_tls(kit, served.identity, out, limit));
    return out;
}

TEST(Tls, SpeaksVersion12WithEphemeralKeysAlone) {
    TlsKit kit;
    auto const served = kit.serve("DNS:mx.example");
    Foreign client(*kit.listener);
    SSL_set_max_proto_version(client.ssl.get(), TLS1_2_VERSION);
    std::thread peer([&] { EXPECT_EQ(SSL_connect(client.ssl.get()), 1); });
    auto const tls = accept_foreign(kit, served);
    peer.join();
    ASSERT_TRUE(tls) << tls.error().detail;
    EXPECT_EQ((*tls)->tls()->version, "TLSv1.2");
    EXPECT_EQ((*tls)->tls()->cipher, "ECDHE-ECDSA-AES128-GCM-SHA256");
}

TEST(Tls, RefusesWhatIsTooOldOrTooWeak) {
    TlsKit kit;
    auto const served = kit.serve("DNS:mx.example");
    for (auto const* ciphers : {"ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0", "AES128-GCM-SHA256"}) {
        Foreign client(*kit.listener);
        SSL_set_max_proto_version(client.ssl.get(), TLS1_2_VERSION);
        SSL_set_cipher_list(client.ssl.get(), ciphers);
        std::thread peer([&] { EXPECT_NE(SSL_connect(client.ssl.get()), 1); });
        auto const tls = accept_foreign(kit, served);
        peer.join();
        ASSERT_FALSE(tls) << ciphers;
        EXPECT_EQ(tls.error().code, Errc::tls_failed);
        EXPECT_NE(tls.error().detail.find("no shared cipher"), std::string::npos)
            << tls.error().detail;
    }
    Foreign client(*kit.listener);
    SSL_set_security_level(client.ssl.get(), 0);
    SSL_set_min_proto_version(client.ssl.get(), TLS1_VERSION);
    SSL_set_max_proto_version(client.ssl.get(), TLS1_1_VERSION);
    std::thread peer([&] { EXPECT_NE(SSL_connect(client.ssl.get()), 1); });
    auto const tls = accept_foreign(kit, served);
    peer.join();
    ASSERT_FALSE(tls);
    EXPECT_NE(tls.error().detail.find("unsupported protocol"), std::string::npos);
}

TEST(Tls, HandshakeEndsWithPlainTalkSilenceAndHangUp) {
    TlsKit kit;
    auto const served = kit.serve("DNS:mx.example");
    {
        Foreign client(*kit.listener);
        EXPECT_EQ(::send(client.fd.get(), "EHLO me\r\n", 9, 0), 9);
        EXPECT_EQ(accept_foreign(kit, served).error().code, Errc::tls_failed);
    }
    {
        Foreign const client(*kit.listener);
        EXPECT_EQ(accept_foreign(kit, served, 20ms).error().code, Errc::timed_out);
    }
    {
        Foreign client(*kit.listener);
        ::shutdown(client.fd.get(), SHUT_WR);
        EXPECT_EQ(accept_foreign(kit, served).error().code, Errc::closed);
    }
}

Task<void> read_one(rt::Stream& stream, Result<std::size_t>& out) {
    std::string buffer(100, '\0');
    out = co_await stream.read_some(buffer);
}

Result<std::size_t> read_once(TlsKit& kit, rt::Stream& stream) {
    Result<std::size_t> out = Errc::conflict;
    kit.run(read_one(stream, out));
    return out;
}

TEST(Tls, EndsWithItsConnectionAndNeverFallsBackToClearText) {
    TlsKit kit;
    auto const served = kit.serve("DNS:mx.example");
    Foreign client(*kit.listener);
    std::thread peer([&] {
        EXPECT_EQ(SSL_connect(client.ssl.get()), 1);
        SSL_shutdown(client.ssl.get());
        EXPECT_EQ(::send(client.fd.get(), "RSET\r\n", 6, 0), 6);
    });
    auto const tls = accept_foreign(kit, served);
    peer.join();
    ASSERT_TRUE(tls);
    EXPECT_EQ(read_once(kit, **tls).error(), Errc::closed);
    EXPECT_EQ(read_once(kit, **tls).error(), Errc::closed);
}

TEST(Tls, GarbageInsideEndsIt) {
    TlsKit kit;
    auto const served = kit.serve("DNS:mx.example");
    Foreign client(*kit.listener);
    std::thread peer([&] {
        EXPECT_EQ(SSL_connect(client.ssl.get()), 1);
        std::string const forged = std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x');
        EXPECT_EQ(::send(client.fd.get(), forged.data(), forged.size(), 0), 37);
    });
    auto const tls = accept_foreign(kit, served);
    peer.join();
    ASSERT_TRUE(tls);
    EXPECT_EQ(read_once(kit, **tls).error(), Errc::tls_failed);
    EXPECT_EQ(read_once(kit, **tls).error(), Errc::tls_failed);
}

TEST(Tls, HangUpWithoutGoodbyeIsTheEnd) {
    TlsKit kit;
    auto const served = kit.serve("DNS:mx.example");
    Foreign client(*kit.listener);
    std::thread peer([&] {
        EXPECT_EQ(SSL_connect(client.ssl.get()), 1);
        ::shutdown(client.fd.get(), SHUT_WR);
    });
    auto const tls = accept_foreign(kit, served);
    peer.join();
    ASSERT_TRUE(tls);
    EXPECT_EQ(read_once(kit, **tls).error(), Errc::closed);
}

// CVE-2011-0411: a command in the same segment as STARTTLS, in the clear, must not become part of
// the encrypted session. The plain stream's owner has read it into its own buffer; what lies in the
// kernel's is not TLS and ends the handshake.
Task<void> inject(TlsKit& kit, std::shared_ptr<rt::TlsIdentity const> identity, ErrorCode& out) {
    auto plain = co_await kit.listener->accept();
    std::string const command(10, '\0');
    auto const got = co_await read_exactly(**plain, 10);
    EXPECT_EQ(*got, "STARTTLS\r\n");
    auto tls = co_await kit.network.tls_accept(std::move(*plain), identity);
    if (!tls) out = tls.error().code;
}

TEST(Tls, ClearTextBehindStartTlsIsNeverPartOfTheSession) {
    TlsKit kit;
    auto const served = kit.serve("DNS:mx.example");
    Foreign client(*kit.listener);
    std::string const both = "STARTTLS\r\nRSET\r\nMAIL FROM:<a@b.example>\r\n";
    EXPECT_EQ(::send(client.fd.get(), both.data(), both.size(), 0),
              static_cast<ssize_t>(both.size()));
    ErrorCode out;
    kit.run(inject(kit, served.identity, out));
    EXPECT_EQ(out, Errc::tls_failed);
}

Task<void> send_big(rt::Stream& stream, std::string const& big, bool& done) {
    auto const r = co_await stream.write_all(big);
    EXPECT_TRUE(r);
    done = true;
}

Task<void> bulk(TlsKit& kit, std::shared_ptr<rt::TlsIdentity const> identity) {
    auto const target = kit.to(*kit.listener);
    auto client_plain = co_await kit.network.connect(target);
    rt::ExplainedResult<std::unique_ptr<rt::Stream>> server = rt::Explained{};
    rt::TaskGroup group(kit.io.get_executor());
    group.spawn(accept_tls(kit, identity, server, 10s));
    rt::TlsClientPolicy const policy;
    auto client = co_await kit.network.tls_connect(std::move(*client_plain), policy);
    EXPECT_TRUE(client);
    co_await group.join();
    std::string big(24 << 20, 'x');
    for (std::size_t i = 0; i < big.size(); i += 991) big[i] = static_cast<char>('a' + i % 26);
    bool up = false;
    bool down = false;
    group.spawn(send_big(**client, big, up));    // both ways at once: one reader and
    group.spawn(send_big(**server, big, down));  // one writer on each stream
    co_await kit.turn();
    co_await kit.turn();
    EXPECT_FALSE(up);
    EXPECT_FALSE(down);
    auto const at_server = co_await read_exactly(**server, big.size());
    auto const at_client = co_await read_exactly(**client, big.size());
    EXPECT_TRUE(*at_server == big);
    EXPECT_TRUE(*at_client == big);
    co_await group.join();
    EXPECT_TRUE(up && down);
}

TEST(Tls, CarriesBulkBothWaysPastSlowReaders) {
    TlsKit kit;
    auto const served = kit.serve("DNS:mx.example");
    kit.run(bulk(kit, served.identity));
}

Task<void> stall(TlsKit& kit, std::shared_ptr<rt::TlsIdentity const> identity) {
    auto const target = kit.to(*kit.listener);
    auto client_plain = co_await kit.network.connect(target);
    rt::ExplainedResult<std::unique_ptr<rt::Stream>> server = rt::Explained{};
    rt::TaskGroup group(kit.io.get_executor());
    group.spawn(accept_tls(kit, identity, server, 10s));
    rt::TlsClientPolicy const policy;
    auto client = co_await kit.network.tls_connect(std::move(*client_plain), policy);
    co_await group.join();
    std::string const big(24 << 20, 'x');
    (*server)->expires_at(kit.in(20ms));
    auto const stuck = co_await (*server)->write_all(big);
    EXPECT_EQ(stuck.error(), Errc::timed_out);
    char byte = 0;
    auto const late = co_await (*server)->read_some({&byte, 1});
    EXPECT_EQ(late.error(), Errc::timed_out);
    // Moved, the session goes on where it was, records whole.
    (*server)->expires_at(kit.in(10s));
    bool done = false;
    group.spawn(send_big(**server, "421 bye\r\n", done));
    std::string heard;
    std::string buffer(65536, '\0');
    while (!heard.ends_with("421 bye\r\n")) {
        auto const n = co_await (*client)->read_some(buffer);
        EXPECT_TRUE(n);
        if (!n) break;
        heard.append(buffer, 0, *n);
    }
    EXPECT_EQ(heard.find_first_not_of('x'), heard.size() - 9);
    co_await group.join();
    EXPECT_TRUE(done);
}

TEST(Tls, DeadlineLeavesTheSessionWhole) {
    TlsKit kit;
    auto const served = kit.serve("DNS:mx.example");
    kit.run(stall(kit, served.identity));
}

}  // namespace
}  // namespace dawk::net::test
