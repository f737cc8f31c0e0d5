// The grammar of commands: from a line to a verb with its arguments. Pure functions over views;
// nothing is kept of the line.
//
//     CommandLine line = split_command("RCPT TO:<u@example.org> NOTIFY=NEVER");
//     RcptCommand rcpt;
//     if (auto refusal = parse_rcpt(line.argument, grammar, rcpt)) reply(*refusal);
//
// A refusal carries the reply it deserves. Parsers take what the standard allows and a little more
// that is harmless and often seen: a space after "FROM:" and "TO:", white space at the end, a
// mailbox without angle brackets, source routes (which are ignored). Standards: RFC 5321 §4.1.1,
// §4.1.2; RFC 1870 (SIZE); RFC 6152 (BODY); RFC 3030 (BODY=BINARYMIME); RFC 3461 §4 (RET, ENVID,
// NOTIFY, ORCPT); RFC 4954 §5 (AUTH); RFC 6531 §3.4 (SMTPUTF8).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "dawk/envelope/envelope.hpp"
#include "dawk/mail/address.hpp"

namespace dawk::smtp {

enum class Verb : std::uint8_t {
    helo,
    ehlo,
    mail,
    rcpt,
    data,
    bdat,
    rset,
    noop,
    quit,
    vrfy,
    expn,
    help,
    starttls,
    auth,
    foreign,  // of HTTP or another protocol: the peer does not speak SMTP
    unknown,
};

struct CommandLine {
    Verb verb = Verb::unknown;
    std::string_view argument;  // without white space at its ends
};

// line: without CRLF.
CommandLine split_command(std::string_view line) noexcept;

// The reply to a command that is not accepted.
struct Refusal {
    std::uint16_t code;
    std::string_view status;  // all of static text
    std::string_view text;
};

// What may stand in MAIL and RCPT depends on what was offered to this client.
struct CommandGrammar {
    bool extensions = true;  // EHLO was said; after HELO there are no parameters
    bool smtputf8 = true;
    bool binarymime = false;
    bool auth = false;  // AUTH was offered
    bool dsn = true;
};

struct MailCommand {
    mail::Address reverse_path;  // null for <>
    std::uint64_t size = 0;      // as announced, saturating; 0 if absent
    envelope::Body body = envelope::Body::seven_bit;
    bool smtputf8 = false;
    envelope::Ret ret = envelope::Ret::unset;
    std::string envid;  // decoded
};

struct RcptCommand {
    mail::Address forward_path;  // domain empty only for <postmaster>
    envelope::Notify notify;
    std::string orcpt;  // "rfc822;x@y", value decoded
};

struct BdatCommand {
    std::uint64_t size = 0;
    bool last = false;
};

std::optional<Refusal> parse_mail(std::string_view argument, CommandGrammar grammar,
                                  MailCommand& out);
// utf8: SMTPUTF8 stood in MAIL.
std::optional<Refusal> parse_rcpt(std::string_view argument, CommandGrammar grammar, bool utf8,
                                  RcptCommand& out);
std::optional<Refusal> parse_bdat(std::string_view argument, BdatCommand& out);
// The name a client gives itself: anything printable without spaces, at most 255 octets. A name
// that is wrong or not its own is no reason to refuse mail (RFC 5321 §4.1.4).
bool is_client_name(std::string_view argument) noexcept;

}  // namespace dawk::smtp
