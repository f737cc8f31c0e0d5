// ClientSession: the client's side of one SMTP or LMTP connection, without the connection. Octets
// go in, what to do next comes out; it knows no time and opens nothing.
//
//     ClientSession session(config);
//     for (;;) {
//         auto step = session.next();
//         if (step.want == ClientStep::Want::write) { send(step.pieces); session.on_written(); }
//         if (step.want == ClientStep::Want::read) session.on_bytes(receive(step.timer));
//         if (step.want == ClientStep::Want::idle) session.begin(transaction) or session.quit();
//         ...
//         while (auto result = session.take_result()) use(*result);
//     }
//
// It groups commands when the server offers PIPELINING: MAIL, RCPT and DATA go in one write, and
// those of the next transaction together with the final dot of the one before. With CHUNKING a
// message in memory goes out with its commands in one write. Content is never copied; it never
// sends a CR or LF alone, a secret over a connection that is not safe, or a command after STARTTLS
// that leans on what was said before it. Memory is bounded by the reply limits and two
// transactions. Standards: RFC 5321 §3, §4; RFC 2033; RFC 2920; RFC 3030; RFC 3207 §4; RFC 4954;
// RFC 7504.
#pragma once

#include <deque>
#include <memory>
#include <span>

#include "dawk/sasl/client.hpp"
#include "dawk/smtp/dot_stuffer.hpp"
#include "dawk/smtp/extensions.hpp"
#include "dawk/smtp/reply.hpp"
#include "dawk/smtp/transaction.hpp"

namespace dawk::smtp {

struct ClientConfig {
    enum class Protocol { smtp, lmtp };
    enum class StartTls { never, if_offered, required };
    Protocol protocol = Protocol::smtp;
    std::string name;  // what we say in EHLO or LHLO
    StartTls starttls = StartTls::if_offered;
    bool is_loopback = false;  // the peer is on this machine: secrets may go in the clear
    bool trusts_any_certificate = false;  // a person said so: secrets may go over unverified TLS
    bool tls_from_start = false;  // implicit TLS; verified says whether its certificate was checked
    bool tls_verified = false;
    std::string user, password;    // without a user: no AUTH
    bool refuse_own_name = false;  // a server that greets with our name is ourselves: a loop
    bool send_eight_bit_anyway = false;
    bool use_chunking = true;
    std::size_t chunk_max_bytes = 256U << 10U;  // larger contents wait for the replies to RCPT
    ReplyLimits replies = {4096, 100, 65'536};
};

// RFC 5321 §4.5.3.2 names them; the driver knows how long each is.
enum class ClientTimer {
    banner,
    ehlo,
    starttls,
    auth,
    mail,
    rcpt,
    data_start,
    data_block,
    data_end,
    quit
};

struct ClientStep {
    enum class Want {
        write,      // pieces in order, then on_written()
        read,       // then on_bytes(); on the end, an error or timer: on_lost()
        start_tls,  // handshake, then on_tls() or on_lost()
        content,    // the next piece of the first transaction's content: on_content()
        idle,       // begin() or quit()
        closed,     // nothing more; close the connection
    };
    Want want = Want::closed;
    ClientTimer timer = ClientTimer::mail;  // write, read
    bool secret = false;                    // write: never to be logged
    std::span<std::string_view const> pieces;
};

// Why the session ended before its time.
struct ClientFailure {
    enum class Kind {
        refused,   // the server does not want us now or at all; reply tells
        lost,      // the connection broke or timed out
        tls,       // required TLS was not to be had, or its handshake failed
        auth,      // credentials were refused or could not be sent
        nonsense,  // the server broke the protocol
        loop,      // the server is ourselves
        local,     // our own content could not be read
    };
    Kind kind = Kind::lost;
    std::string_view stage;
    Reply reply;  // code 0: our own words
};

class ClientSession {
  public:
    explicit ClientSession(ClientConfig config);

    ClientStep next();
    void on_written();
    void on_bytes(std::string_view bytes);
    void on_tls(bool verified);
    void on_content(std::string_view piece);  // empty: the end
    void on_content_failed(std::string why);
    enum class Lost { closed, timed_out, tls_failed, write_failed };
    void on_lost(Lost why, std::string detail);

    // The server is ready, and there is room: for the first transaction, or for a second one whose
    // commands can go out with the end of the first one's content.
    bool can_begin() const noexcept;
    // The envelope and the views outlive the result.
    void begin(Transaction transaction);
    // After the open transactions. Without open ones at the next step.
    void quit();

    std::optional<TransactionResult> take_result();
    bool is_ready() const noexcept { return state_ == State::ready; }
    // No further transaction will be taken (RFC 9422 MAILMAX); quit() and connect anew.
    bool is_used_up() const noexcept;
    std::optional<ClientFailure> const& failure() const noexcept { return failure_; }
    Extensions const& extensions() const noexcept { return offered_; }
    std::string const& banner() const noexcept { return banner_; }
    bool is_encrypted() const noexcept { return encrypted_; }
    // The last complete reply, for a transcript; changes with on_bytes().
    std::uint64_t replies_seen() const noexcept { return replies_seen_; }

  private:
    enum class State { greeting, hello, starttls, handshake, auth, ready, quitting, closed };
    enum class Expect { banner, ehlo, helo, starttls, auth, rset, mail, rcpt, data, final, quit };
    enum class Phase { fresh, commands, content, tail, sent };
    struct Open {
        Transaction what;
        TransactionResult result;
        Phase phase = Phase::fresh;
        bool chunked = false;  // BDAT instead of DATA
        bool mail_ok = false;
        bool touched = false;  // the server has answered something
        bool head_sent = false;
        std::size_t rcpts_sent = 0, rcpts_answered = 0, accepted = 0;
        std::size_t finals_seen = 0;  // LMTP: one for each accepted recipient
        std::uint64_t streamed = 0;
    };

    // client_session.cpp: the connection.
    void handle(Expect what, Reply reply);
    void on_banner(Reply reply);
    void on_hello(Expect what, Reply reply);
    void on_starttls_reply(Reply const& reply);
    void on_auth_reply(Reply const& reply);
    void after_hello();
    void say_hello(bool extended);
    void begin_auth();
    void command(std::string_view line, Expect expect);
    void fail(ClientFailure::Kind kind, std::string_view stage, Reply reply);
    void fail_politely(ClientFailure::Kind kind, std::string_view stage, Reply reply);
    void nonsense(std::string_view stage, std::string text);
    std::string_view current_stage() const noexcept;

    // client_transactions.cpp: what happens in state ready.
    void handle_in_transaction(Expect what, Reply reply);
    void on_mail_reply(Open& open, Reply reply);
    void on_rcpt_reply(Open& open, Reply reply);
    void on_data_reply(Open& open, Reply reply);
    void on_final_reply(Open& open, Reply reply);
    bool is_last_final(Open const& open) const noexcept;
    bool produce();
    bool start(Open& open);
    bool goes_in_one_write(Open const& open) const noexcept;
    bool continue_commands(Open& open);
    void append_group(Open& open);
    void write_chunk(Open& open);
    void write_content(Open& open);
    void write_tail(Open& open);
    void append_next_group();
    void flush_text();
    void flatten();
    bool refuse_unclean(Open& open);
    void finish_first();
    void abandon(Reply const& reply, std::string_view stage);
    static void settle(RecipientResult& result, RecipientResult::Kind kind, std::string_view stage,
                       Reply const& reply);
    static void settle_open(Open& open, std::string_view stage, Reply const& reply);

    ClientConfig config_;
    State state_ = State::greeting;
    Extensions offered_;
    std::string banner_;
    ReplyParser parser_;
    std::deque<Expect> expected_;
    std::unique_ptr<sasl::ClientMechanism> auth_;
    bool encrypted_ = false;
    bool verified_ = false;

    std::deque<Open> open_;  // at most two
    std::deque<TransactionResult> results_;
    std::uint32_t begun_ = 0;
    bool needs_rset_ = false;
    bool quit_wanted_ = false;
    std::uint64_t replies_seen_ = 0;

    std::string text_;  // commands of the pending write
    std::vector<std::string_view> pieces_;
    std::string flat_;
    DotStuffer stuffer_;
    bool pending_ = false;
    bool secret_ = false;
    ClientTimer write_timer_ = ClientTimer::mail;
    std::optional<ClientFailure> failure_;
};

}  // namespace dawk::smtp
