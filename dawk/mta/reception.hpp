// Reception: one SMTP connection to us, from greeting to goodbye. It drives an smtp::ServerSession
// over a stream and satisfies its wants: who may send, who is here, where the content goes, TLS,
// passwords.
//
//     Reception reception(ports, context, std::move(stream));
//     co_await reception.run();
//
// Lives on one shard, inside the task that serves it. It keeps the settings it began with. Memory:
// one read buffer that is small while the client is idle, plus what smtp::Limits allow. Standards:
// RFC 5321; RFC 6409; RFC 8314 §3; RFC 3461 §5.2.7.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dawk/directory/directory.hpp"
#include "dawk/mta/accepted.hpp"
#include "dawk/mta/client_name.hpp"
#include "dawk/mta/intake.hpp"
#include "dawk/mta/networks.hpp"
#include "dawk/mta/settings.hpp"
#include "dawk/rt/env.hpp"
#include "dawk/smtp/server_session.hpp"

namespace dawk::mta {

// What a session keeps of the settings it began with; made anew for each listener when settings
// change.
struct ListenerContext {
    SettingsPtr settings;
    ListenerSettings listener;
    smtp::ServerConfig smtp;
    NetworkSet allow;
    std::shared_ptr<rt::TlsIdentity const> identity;  // null: no TLS
    std::shared_ptr<routing::Router const> router;
    mail::Address postmaster;  // of the settings; null if not set
    std::shared_ptr<AuthContext const> auth;
};
using ContextPtr = std::shared_ptr<ListenerContext const>;

class Reception {
  public:
    Reception(ReceiverPorts& ports, ContextPtr context, std::unique_ptr<rt::Stream> stream);

    Task<void> run();
    // Says 421 and hangs up instead of serving.
    Task<void> turn_away(std::string text);

    // Ends as soon as no transaction is open; at once when told so.
    void stop(bool at_once);

    rt::Endpoint const& remote() const noexcept { return remote_; }

  private:
    void look_up_client();
    Task<bool> greet();
    Task<bool> wait_before_banner();
    bool is_stranger() const;
    Task<bool> start_tls();
    Task<bool> flush();
    Task<bool> read();
    Task<void> consume(std::string_view input);
    bool satisfy_now();
    Task<void> satisfy();
    Task<void> judge_sender();
    void begin_sender_check();
    Task<void> judge_recipient();
    Task<Verdict> expand(mail::Address to, bool ours);
    envelope::Recipient* known(mail::Address const& address);  // null: not named so far
    Verdict add_recipients(std::vector<mail::Address> targets, std::vector<std::string> keys);
    Task<Result<bool>> is_ours(std::string domain);
    std::unique_ptr<envelope::Envelope> make_envelope();
    SigningRight signing_right() const;
    void open_content();
    void drop_content();
    Task<void> take_content();
    Task<void> close_content();
    Task<void> authenticate();
    Task<void> fetch_keys();
    Task<Result<directory::LoginResult>> log_in();

    void refuse(Verdict const& verdict, mail::Address const& recipient = {});
    envelope::Event refusal(Verdict const& verdict, mail::Address const& recipient) const;
    void note_refusal(Verdict const& verdict, mail::Address const& recipient);
    void keep_refusal(Verdict const& verdict, MessageId id);
    void note(envelope::Event::Kind kind, std::string text);
    envelope::Origin origin() const;
    void fit_buffer(bool was_full);
    SteadyTime in(Duration d) const { return ports_.env.clock.steady() + d; }

    ReceiverPorts& ports_;
    ContextPtr context_;
    std::unique_ptr<rt::Stream> stream_;
    rt::Endpoint remote_;
    smtp::ServerSession session_;
    std::unique_ptr<char[]> buffer_;
    std::size_t buffer_size_ = 0;
    bool stopping_ = false, stop_at_once_ = false, reading_ = false;
    SteadyTime content_began_{};
    std::shared_ptr<ClientName> name_;  // null: not asked for
    std::string early_;                 // what came before the banner and is heard all the same
    std::vector<envelope::Recipient> recipients_;  // of the transaction, aliases resolved
    std::vector<envelope::Recipient> expanded_;    // aliases whose sender wants to hear of it
    std::map<mail::Address, std::size_t> known_;   // where each is, once there are many
    std::shared_ptr<SenderCheck> sender_check_;    // of the last sender; null: not asked
    std::optional<Intake> intake_;
};

}  // namespace dawk::mta
