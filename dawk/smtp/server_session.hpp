// ServerSession: the server's side of one SMTP connection as a state machine over octets. It knows
// the protocol: grammar, order, limits, replies. What it cannot know it asks its driver through
// want().
//
//     session.start();
//     for (;;) {
//         input.remove_prefix(session.feed(input));         // until the input is used up or it
//         wants switch (session.want()) { ... satisfy it ... } if (input.empty())
//         write(session.output()), session.output().clear(), read more
//     }
//
// Replies pile up in output() while pipelined input lasts, so that one write answers a whole group
// (RFC 2920 §3.1). Content octets are handed on as views into the input, never copied. Memory is
// bounded by Limits: one line, one transaction's parameters. It never sees a socket, a clock or a
// file; the config must outlive it. One thread. Standards: RFC 5321; RFC 2920 (PIPELINING); RFC
// 1870 (SIZE); RFC 6152 (8BITMIME); RFC 2034 (ENHANCEDSTATUSCODES); RFC 3207 (STARTTLS); RFC 4954
// (AUTH); RFC 6531 (SMTPUTF8); RFC 3461 (DSN); RFC 3030 (CHUNKING); RFC 9422 (LIMITS).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "dawk/sasl/server.hpp"
#include "dawk/smtp/command.hpp"
#include "dawk/smtp/data_reader.hpp"
#include "dawk/smtp/limits.hpp"
#include "dawk/smtp/reply.hpp"

namespace dawk::smtp {

struct ServerConfig {
    std::string hostname;  // ours, in the greeting
    Limits limits;
    bool starttls = false;      // can be had; offered until TLS is on
    bool require_tls = false;   // 530 to everything of worth before it
    bool auth = false;          // offered, over TLS only
    bool require_auth = false;  // 530 to MAIL before it
    bool smtputf8 = true;
    bool chunking = true;
    // Input behind EHLO or HELO, behind a HELO client's command or behind DATA shows a client that
    // does not read our replies (RFC 2920 §3.1): 554 5.5.0 and close. Behind STARTTLS it always is.
    bool strict_pipelining = true;
};

enum class Want : std::uint8_t {
    none,           // more octets
    auth_keys,      // keys of credentials().name: supply_keys(), or authenticated(unavailable)
    authenticate,   // credentials(); answer with authenticated()
    sender,         // transaction(): accept() or refuse()
    recipient,      // recipient(): accept() or refuse()
    content_open,   // a content begins: accept() (354), or refuse()
    content,        // content(): take the octets, then resume(); or fail_content()
    content_close,  // the whole content is there: accept(text) once it is safe, or refuse()
    content_drop,   // the content is refused already: drop what there is of it, then resume()
    start_tls,      // write the output, then handshake, then tls_started()
    close,          // write the output, then close; nothing else any more
};

class ServerSession {
  public:
    // tls: the connection is encrypted from the start (RFC 8314 §3).
    ServerSession(ServerConfig const& config, bool tls) : config_(config), tls_(tls) {}
    ServerSession(ServerConfig const&&, bool) = delete;

    void start();  // the greeting
    void refuse_service(std::uint16_t code, std::string_view status,
                        std::string_view text);  // instead
    std::size_t feed(std::string_view input);
    Want want() const noexcept { return want_; }
    std::string& output() noexcept { return output_; }

    // Answers; each only to a want that names it.
    void accept(std::string_view text = {});
    void refuse(std::uint16_t code, std::string_view status, std::string_view text);
    void resume();
    void fail_content(std::uint16_t code, std::string_view status, std::string_view text);
    void tls_started();
    enum class Login { ok, bad_credentials, disabled, unavailable };
    void authenticated(Login result);
    void supply_keys(crypto::ScramKeys keys);

    // The driver's own events: the session says goodbye with 421 and wants to close.
    void time_out();   // RFC 5321 §4.5.3.2.7
    void shut_down();  // RFC 5321 §3.8

    MailCommand const& transaction() const noexcept { return mail_; }
    RcptCommand& recipient() noexcept { return rcpt_; }
    std::string_view content() const noexcept { return content_; }
    sasl::Credentials& credentials() noexcept { return mechanism_->credentials(); }

    bool has_transaction() const noexcept { return phase_ >= Phase::mail; }
    bool in_content() const noexcept { return phase_ == Phase::data || phase_ == Phase::chunk; }
    std::string const& client_name() const noexcept { return client_name_; }
    std::string const& identity() const noexcept { return identity_; }
    std::uint64_t content_size() const noexcept { return content_size_; }
    std::uint32_t recipients() const noexcept { return recipients_; }
    // At content_drop: the reply that refused it; code 0 when the client itself gave it up.
    Reply const& content_refusal() const noexcept { return content_refusal_; }
    // RFC 3848, RFC 6531 §4.3: "ESMTPS", "UTF8SMTPSA" ... for this transaction.
    std::string protocol() const;

  private:
    enum class Phase : std::uint8_t {
        fresh,   // no EHLO or HELO yet
        ready,   // greeted, no transaction
        mail,    // MAIL accepted
        rcpt,    // RCPT accepted
        data,    // between 354 and the final dot
        chunks,  // between two BDAT chunks
        chunk,   // in a BDAT chunk
    };
    using Argument = std::string_view;

    // server_session.cpp
    std::size_t feed_line(std::string_view input);
    bool is_line_too_long(std::size_t size, std::string_view start) const noexcept;
    void on_line(std::string_view line, bool too_long);
    void on_command(CommandLine const& line);
    void on_hello(Argument argument, bool extended);
    void greet_extended();
    void on_mail(Argument argument);
    void on_rcpt(Argument argument);
    void on_rset(Argument argument);
    void on_vrfy(Argument argument);
    void on_quit(Argument argument);
    bool may_go_on();  // greeted, and encrypted where that is a must; else the refusal is out
    void end_transaction();
    void reply(unsigned code, std::string_view status, std::string_view text);
    void error(unsigned code, std::string_view status, std::string_view text);
    void error(Refusal const& r) { error(r.code, r.status, r.text); }
    void hang_up(unsigned code, std::string_view status, std::string_view text);

    // server_content.cpp
    std::size_t feed_data(std::string_view input);
    std::size_t feed_chunk(std::string_view input);
    void on_data(Argument argument);
    void on_bdat(Argument argument);
    void begin_content();
    bool count_content(std::string_view text);
    void fail(unsigned code, std::string_view status, std::string_view text);
    void fail_line_end();
    void end_data();
    void end_chunk();
    void finish_refused_content();

    // server_auth.cpp
    void on_starttls(Argument argument);
    void on_auth(Argument argument);
    void on_auth_line(std::string_view line);
    void step_auth(std::optional<std::string_view> response);
    void end_auth(unsigned code, std::string_view status, std::string_view text);
    void fail_login(unsigned code, std::string_view status, std::string_view text);

    ServerConfig const& config_;
    bool tls_;
    bool extended_ = false;      // EHLO, not HELO
    bool more_follows_ = false;  // input stood behind the command in hand
    bool authenticating_ = false;
    bool content_open_ = false;  // the driver has begun to take a content
    bool close_after_content_ = false;
    bool chunk_last_ = false;
    bool content_at_end_ =
        false;  // only the closing is left once the driver has taken what it holds
    Phase phase_ = Phase::fresh;
    Want want_ = Want::none;
    std::uint32_t errors_ = 0, unknown_recipients_ = 0, auth_failures_ = 0;
    std::uint32_t recipients_ = 0, transactions_ = 0;
    std::uint64_t content_size_ = 0, chunk_left_ = 0, chunk_size_ = 0;
    std::uint64_t line_skipped_ = 0;  // octets of an over-long line that were thrown away
    DataReader reader_;
    LineEndCheck chunk_lines_;
    std::string output_;
    std::string line_;  // the beginning of a line whose end has not come
    std::string client_name_, identity_;
    std::string_view content_;
    Reply failure_;  // of a content that is only read to its end; code 0: none
    Reply content_refusal_;
    MailCommand mail_;
    RcptCommand rcpt_;
    std::unique_ptr<sasl::ServerMechanism> mechanism_;
};

}  // namespace dawk::smtp
