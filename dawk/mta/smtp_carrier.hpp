// SmtpCarrier: carries jobs of one destination to a host that speaks SMTP or LMTP. It finds a host
// that answers, keeps the connection as long as there is work, and hands each job back with what
// came of it. Lives in one task; when that is canceled, HeldJobs gives back what is left.
// Standards: RFC 5321 §3.6, §4.5.4; RFC 2033; RFC 7504.
#pragma once

#include "dawk/mta/client_connection.hpp"
#include "dawk/mta/held_jobs.hpp"
#include "dawk/mta/host_walk.hpp"

namespace dawk::mta {

class SmtpCarrier {
  public:
    SmtpCarrier(rt::Env& env, HostMemory& memory, std::shared_ptr<JobFeed> feed);
    Task<void> run();

  private:
    Task<bool> reach();
    Task<bool> try_target(Target target, HostWalk& walk);
    Task<bool> open(Target const& target, bool without_tls);
    Task<Result<void>> read_password();
    Task<bool> converse();
    Task<void> send_content();
    HeldJob* begin_more();
    Task<void> examine(HeldJob& held);
    smtp::Transaction make_transaction(HeldJob& held) const;
    void collect();
    void accept_result(smtp::TransactionResult& result);
    bool is_worn_out() const;
    void give_up(envelope::Outcome const& outcome);
    smtp::ClientConfig session_config(Target const& target, bool without_tls) const;
    ConnectionTls tls_config(Target const& target) const;
    envelope::Outcome outcome_of(smtp::RecipientResult const& result, SteadyTime since) const;
    envelope::Outcome outcome_of(smtp::ClientFailure const& failure) const;
    void add_remote(envelope::Outcome& outcome) const;

    rt::Env& env_;
    HostMemory& memory_;
    std::shared_ptr<JobFeed> feed_;
    SettingsPtr settings_;
    routing::Route route_;
    HeldJobs held_;
    std::optional<ClientConnection> connection_;
    std::string host_;  // of the connection
    std::string password_;
    SteadyTime connected_at_{};
    std::uint32_t transactions_ = 0;  // ended on this connection
    bool heard_ = false;              // a transaction on this connection got an answer
};

// What a failed connection says of its host. 521 and a loop are for good (RFC 7504 §4); all else
// may pass.
envelope::Outcome outcome_of_failure(smtp::ClientFailure const& failure);

}  // namespace dawk::mta
