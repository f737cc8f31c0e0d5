// Event: one change of state, written once. Log line, metric, history and explain are all made from
// it.
#pragma once

#include <string>

#include "dawk/envelope/envelope.hpp"

namespace dawk::envelope {

struct Event {
    enum class Kind : std::uint8_t {
        received,  // accepted: durable, 250 sent
        refused,   // MAIL, RCPT or content refused with 4yz or 5yz; id may be null
        delivered,
        relayed,
        deferred,
        failed,
        expired,         // one recipient, with outcome
        delay_notified,  // a delay DSN was made
        dsn_made,        // related names the report's id
        held,
        released,
        removed,
        retried,
        rerouted,  // by an operator or policy
        auth_failed,
        auth_ok,
        session_error,  // no message
        spool_trouble,  // disk full, failed sync ... and recovered
    };
    Kind kind = Kind::received;
    WallTime at{};
    MessageId id;           // null where no message is concerned
    std::string sender;     // reverse-path text
    std::string recipient;  // address text, "" where none
    std::string destination;
    Outcome outcome;          // for attempts and refusals (code, status, text)
    WallTime next_attempt{};  // deferred
    std::uint32_t attempt = 0;
    std::uint64_t size_bytes = 0;
    Origin origin;      // received, refused, auth_*
    MessageId related;  // dsn_made
    std::string note;   // operator's or policy's words
    // received, refused: who really sent it, as JSON (dawk/mailauth/facts.hpp); "" if not looked at
    std::string authentication;
    friend bool operator==(Event const&, Event const&) = default;
};

std::string_view to_string(Event::Kind kind) noexcept;  // "received", "delay_notified" ...

// Where events go. Called on the shard where they happen; must not block.
class EventSink {
  public:
    virtual ~EventSink() = default;
    virtual void on_event(Event const& event) = 0;
};

}  // namespace dawk::envelope
