// Examination: who really sent a message, found out while it arrives, and what is done about it.
// SenderCheck: the part that needs no message; it begins at MAIL and goes on beside the session.
//
//     auto check = std::make_shared<SenderCheck>(env, client, timeout);
//     ports.lookups.spawn(SenderCheck::run(check));
//     Examination examination(ports, auth, check);
//     examination.begin(header); examination.body(piece); ...   // one reading of the body
//     Verdict verdict = co_await examination.finish(envelope);  // before the 250
//
// The envelope gets our Authentication-Results in its trace, marks, and recipients in quarantine.
// Standards: RFC 8617 §5.1; RFC 8601 §4, §5; RFC 9989 §5; RFC 7208 §2.4; RFC 7372.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "dawk/mailauth/facts.hpp"
#include "dawk/mailauth/policy.hpp"
#include "dawk/mta/networks.hpp"
#include "dawk/mta/receiver_ports.hpp"
#include "dawk/mta/settings.hpp"
#include "dawk/mta/wake.hpp"

namespace dawk::mta {

// Fields by which we mark mail; taken out where others wrote them.
inline constexpr std::string_view quarantine_field = "X-Quarantine";
inline constexpr std::string_view warning_field = "X-Auth-Warning";

// [auth] of the settings, ready for use.
struct AuthContext {
    bool verify = true;
    std::string id;
    NetworkSet exempt, forwarders;
    Duration timeout{};
    mailauth::Policy policy;
    std::optional<dkim::SigningKey> seal;  // for mail that goes on to other servers
};
// bad_syntax: a network is none, an action no word for one. not_found: no key for sealing.
Result<std::shared_ptr<AuthContext const>> make_auth_context(Settings const& settings);

class SenderCheck {
  public:
    SenderCheck(rt::Env& env, mailauth::Client client, Duration timeout);
    static Task<void> run(std::shared_ptr<SenderCheck> self);
    // One waiter.
    Task<void> wait();
    // Whether what it found, or is about to find, also holds for another message of the same
    // session at this time: the same identities, asked not long ago, and no failure of DNS among
    // the answers.
    bool holds_for(mailauth::Client const& client, SteadyTime now) const noexcept;
    mailauth::Client const& client() const noexcept { return client_; }
    mailauth::SenderReport const& report() const noexcept { return report_; }
    mailauth::LookUps const& look_ups() const noexcept { return look_ups_; }

  private:
    struct Done;
    rt::Env& env_;
    mailauth::Client client_;
    SteadyTime begun_, deadline_;
    mailauth::SenderReport report_;
    mailauth::LookUps look_ups_;
    bool done_ = false;
    Wake wake_;
};

class Examination {
  public:
    Examination(ReceiverPorts& ports, std::shared_ptr<AuthContext const> auth,
                std::shared_ptr<SenderCheck> sender);
    // header: stays where it is until the examination is over.
    void begin(mail::HeaderSection const& header);
    void body(std::string_view piece);
    Task<Verdict> finish(envelope::Envelope& envelope);

    // After finish().
    std::string const& facts() const noexcept { return facts_; }
    std::string const& summary() const noexcept { return summary_; }  // "spf=pass dkim=none ..."

  private:
    mailauth::Decision decide(mailauth::Report const& report, envelope::Envelope& envelope) const;
    void tell(mailauth::Report const& report, mailauth::Decision const& decision,
              envelope::Envelope const& envelope) const;
    void seal(mailauth::Report const& report, envelope::Envelope& envelope);

    ReceiverPorts& ports_;
    std::shared_ptr<AuthContext const> auth_;
    std::shared_ptr<SenderCheck> sender_;
    mailauth::Client client_;  // the sender's, at the time of this message
    mail::HeaderSection const* header_ = nullptr;
    std::optional<mailauth::Checker> checker_;
    std::optional<arc::Sealer> sealer_;
    std::string facts_, summary_;
};

}  // namespace dawk::mta
