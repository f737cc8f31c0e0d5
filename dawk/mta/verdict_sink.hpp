// VerdictSink: who is told what was found out about a message, and what was done about it. The
// Receiver calls it once for each message whose content was judged, whatever became of it
// (RFC 9990 counts refused mail too); behind it stands what collects DMARC reports.
//
//     JudgedMessage judged{.at = now, .client = client, .report = report, .header = header};
//     judged.disposition = Disposition::quarantine;
//     judged.overrides.push_back({"local_policy", "p=reject alone is no reason to reject"});
//     sink.on_verdict(judged);          // copies what it needs; never blocks, never waits
//
// Standards: RFC 9989 §5.3, §7; RFC 9990 (words of dispositions and of reasons).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dawk/mail/address.hpp"
#include "dawk/mail/header.hpp"
#include "dawk/mailauth/mailauth.hpp"

namespace dawk::mta {

// What was done because of DMARC. pass: nothing, for it passed under a policy that asks for more
// than none; none: nothing was asked for, or it was overridden.
enum class Disposition : std::uint8_t { none, pass, quarantine, reject };

// Why the disposition is not what the domain asked for.
struct PolicyOverride {
    // "local_policy", "mailing_list", "policy_test_mode", "trusted_forwarder" or "other".
    std::string type;
    std::string comment;  // for people: "arc=pass of a trusted sealer example.org"
};

// Valid during the call alone.
struct JudgedMessage {
    WallTime at{};
    mailauth::Client const& client;
    mailauth::Report const& report;
    mail::HeaderSection const& header;  // as received
    Disposition disposition = Disposition::none;
    std::vector<PolicyOverride> overrides{};
    std::vector<mail::Address> recipients{};
};

class VerdictSink {
  public:
    virtual ~VerdictSink() = default;
    // On the shard of the session.
    virtual void on_verdict(JudgedMessage const& judged) = 0;
};

}  // namespace dawk::mta
