// ClientConnection: a ClientSession with a real stream under it: connects, reads, writes, does TLS
// and keeps the times. Carriers and `dawk send` share it.
//
//     ClientConnection connection(env, timeouts, config, tls);
//     auto up = co_await connection.open(target);           // ready for transactions, or failure()
//     connection.session().begin(transaction);
//     auto want = co_await connection.advance();            // one step; content, idle and closed
//     are
//                                                           // the caller's to act on
//
// One task at a time. Standards: RFC 5321 §4.5.3.2; RFC 3207; RFC 8314 §3.
#pragma once

#include <array>
#include <functional>

#include "dawk/rt/env.hpp"
#include "dawk/smtp/client_session.hpp"
#include "dawk/smtp/limits.hpp"

namespace dawk::mta {

struct ConnectionTls {
    rt::TlsClientPolicy policy;  // of STARTTLS and of implicit TLS
    bool implicit = false;
};

class ClientConnection {
  public:
    // Watches the dialogue; secrets are never shown. Sent pieces of content come as they are.
    struct Watcher {
        virtual ~Watcher() = default;
        virtual void on_sent(std::span<std::string_view const> pieces, bool secret) = 0;
        virtual void on_received(std::string_view octets) = 0;
        virtual void on_tls(rt::TlsFacts const& facts) = 0;
    };

    ClientConnection(rt::Env& env, smtp::ClientTimeouts timeouts, smtp::ClientConfig config,
                     ConnectionTls tls, Watcher* watcher = nullptr);

    // Connects and talks until the session is ready. False: failure() tells why.
    Task<bool> open(rt::Endpoint to, std::string source_address);
    // Does the session's next write, read or handshake and tells which; content, idle and closed
    // are told only.
    Task<smtp::ClientStep::Want> advance();
    // Orderly end after closed: TLS close_notify and FIN.
    Task<void> finish();

    smtp::ClientSession& session() noexcept { return *session_; }
    smtp::ClientSession const& session() const noexcept { return *session_; }
    // Set when open() gave false, or the session ended before its time.
    std::optional<smtp::ClientFailure> failure() const;
    bool reached() const noexcept { return reached_; }      // a connection was made
    bool tls_broke() const noexcept { return tls_broke_; }  // in the handshake
    std::string const& remote() const noexcept { return remote_; }
    std::string const& tls_text() const noexcept { return tls_text_; }  // "TLSv1.3 CIPHER" or ""

  private:
    Task<bool> connect(rt::Endpoint to, std::string source_address);
    Task<Result<void>> handshake();
    Task<void> write(smtp::ClientStep step);
    Task<void> read(smtp::ClientTimer timer);
    Task<void> start_tls();
    Task<void> read_last_words();
    Duration time_for(smtp::ClientTimer timer) const noexcept;
    void connect_failed(std::string status, std::string text);

    rt::Env& env_;
    smtp::ClientTimeouts timeouts_;
    smtp::ClientConfig config_;
    ConnectionTls tls_;
    Watcher* watcher_;
    std::unique_ptr<rt::Stream> stream_;
    std::optional<smtp::ClientSession> session_;
    std::optional<smtp::ClientFailure> connect_failure_;
    bool reached_ = false;
    bool tls_broke_ = false;
    std::string remote_, tls_text_;
    std::array<char, 8192> buffer_;
};

}  // namespace dawk::mta
