// Envelope: all that Dawk knows of a message beside its octets: who sent it, how it came, to whom
// it goes and how far each recipient is. Outcome: what one attempt for one recipient came to.
// Records of these types are versioned Protocol Buffers (dawk/envelope/codec.hpp).
// Standards: RFC 5321 §2.3.1; RFC 3461 (RET, ENVID, NOTIFY, ORCPT); RFC 6531 (SMTPUTF8).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dawk/base/id.hpp"
#include "dawk/base/time.hpp"
#include "dawk/mail/address.hpp"

namespace dawk::envelope {

enum class Body : std::uint8_t { seven_bit, eight_bit, binary };  // RFC 6152, 3030
enum class Ret : std::uint8_t { unset, full, headers };           // RFC 3461 §4.3

// RFC 3461 §4.1. "unset" is kept apart: what was absent is not added when relaying.
struct Notify {
    bool never = false, success = false, failure = false, delay = false;
    bool is_unset() const noexcept { return !never && !success && !failure && !delay; }
    bool wants_failure() const noexcept { return !never && (failure || is_unset()); }
    bool wants_delay() const noexcept { return !never && (delay || is_unset()); }
    bool wants_success() const noexcept { return !never && success; }
    friend bool operator==(Notify const&, Notify const&) = default;
};

// How the message came to us; goes into Received, logs and explain.
struct Origin {
    std::string listener;  // name or address of the listener, "local" for our own (DSN, command)
    std::string client_address;  // textual, "" for our own
    std::string client_name;     // confirmed reverse name, "" if none
    std::string helo;            // as given
    std::string protocol;        // RFC 3848 keyword: "ESMTPSA"
    std::string tls;             // "TLSv1.3 TLS_AES_256_GCM_SHA384", "" without TLS
    std::string identity;        // authenticated user, "" if none
    friend bool operator==(Origin const&, Origin const&) = default;
};

struct Outcome {
    enum class Kind : std::uint8_t { delivered, deferred, failed };
    Kind kind = Kind::deferred;
    std::uint16_t code = 0;      // SMTP or LMTP reply code of the remote; 0: our own finding
    std::string status;          // enhanced status code "4.4.1", always set
    std::string text;            // the remote's reply text, or our reason in words
    std::string remote_host;     // name of the host that answered, "" if none was reached
    std::string remote_address;  // "192.0.2.1:25"
    std::string stage;  // where: "dns", "connect", "banner", "ehlo", "starttls", "auth", "mail",
                        // "rcpt", "data", "content", "maildir", "lmtp", "queue"
    std::string tls;    // as in Origin
    WallTime at{};
    std::uint32_t took_ms = 0;
    bool remote_has_dsn = false;  // the next hop took over NOTIFY (RFC 3461 §5.2.1)
    bool whole_host = false;      // says something of the destination, not of this recipient
    friend bool operator==(Outcome const&, Outcome const&) = default;
};

enum class State : std::uint8_t {
    waiting,    // an attempt is due at next_attempt
    held,       // by an operator or policy; no attempts
    delivered,  // in a mailbox
    relayed,    // taken over by the next server
    failed,     // for good; a DSN was made where RFC 3461 says so
    expired,    // given up after too long
    removed,    // by an operator
};
constexpr bool is_final(State s) noexcept {
    return s >= State::delivered;
}

struct Recipient {
    mail::Address address;   // where it goes now
    mail::Address original;  // RCPT as given, before aliases; equal to address without one
    std::string orcpt;       // "rfc822;x@y", decoded of xtext, "" if absent
    Notify notify;
    std::string destination;  // key of the route, see dawk/routing
    State state = State::waiting;
    std::uint32_t attempts = 0;
    WallTime next_attempt{};  // meaningful while waiting
    bool delay_notified = false;
    bool quarantined = false;  // goes to the folder for mail that is not trusted
    Outcome last;              // of the last attempt; meaningful when attempts > 0
    friend bool operator==(Recipient const&, Recipient const&) = default;
};

struct Envelope {
    MessageId id;
    mail::Address reverse_path;  // null for bounces
    Ret ret = Ret::unset;
    std::string envid;  // decoded of xtext
    Body body = Body::seven_bit;
    bool smtputf8 = false;
    bool require_tls = false;  // RFC 8689
    Origin origin;
    WallTime arrived{};
    WallTime expires{};              // when it is given up
    std::uint64_t content_size = 0;  // octets of content as received, without trace
    std::string trace;  // header fields of ours that stand before the content when it goes on:
                        // Received first; CRLF lines; never empty for received mail
    std::string header_message_id, header_from, header_subject;  // for people; bounded, raw
    std::uint32_t hops = 0;  // Received fields found in the content (RFC 5321 §6.3)
    std::vector<Recipient> recipients;

    bool is_finished() const noexcept;  // every recipient is final
    friend bool operator==(Envelope const&, Envelope const&) = default;
};

}  // namespace dawk::envelope
