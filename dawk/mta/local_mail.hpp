// Mail that the server writes itself, but for bounces: it enters by the same door as received mail,
// through an Intake, and is delivered like any other.
//
//     LocalMail mail;  mail.from = ...;  mail.to = ...;  mail.content = ...;
//     auto const id = co_await post(ports, settings, std::move(mail));
//
// Durable when it returns an id. Standards: RFC 5321 §3.9 (a mail of its own, not a forwarded one);
// RFC 3461 §4.1 (nobody is told when it fails).
#pragma once

#include "dawk/mta/intake.hpp"

namespace dawk::mta {

struct LocalMail {
    mail::Address from;  // reverse-path
    mail::Address to;
    std::string content;  // CRLF lines, 7-bit
};

// Errors: not_found (a domain of ours without that mailbox), unavailable (now), those of the spool.
Task<Result<MessageId>> post(ReceiverPorts& ports, SettingsPtr settings, LocalMail mail);

}  // namespace dawk::mta
