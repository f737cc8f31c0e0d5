// The synchronous convenience: a whole message in memory, a resolver that blocks, all verdicts.
//
//     struct Mine : mailauth::Resolver { dns::Answer look_up(dns::Question const&) override; }
//     mine; auto report = mailauth::check_message({ip, helo, sender, "mx.us.test", now}, message,
//     mine); if (report && report->dmarc.result == dmarc::Result::fail) ...
//
// For a message that arrives in pieces, or a resolver that does not block, use Checker.
#pragma once

#include <string_view>

#include "dawk/mailauth/mailauth.hpp"

namespace dawk::mailauth {

class Resolver {
  public:
    virtual ~Resolver() = default;
    // Names are A-labels. Failures are answers too (dns::Status); nothing is thrown.
    virtual dns::Answer look_up(dns::Question const& question) = 0;
};

// message: with CRLF line ends. Errors: too_long, too_many: of the header section.
Result<Report> check_message(Client client, std::string_view message, Resolver& resolver);

}  // namespace dawk::mailauth
