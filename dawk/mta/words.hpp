// The queue's facts in words that a person reads: times, routes, outcomes, events. English, one
// sentence each; what came from a peer is made printable and bounded. Pure.
#pragma once

#include <string>

#include "dawk/envelope/event.hpp"
#include "dawk/routing/routing.hpp"

namespace dawk::mta {

std::string_view to_string(envelope::State state) noexcept;  // "waiting", "held" ...
std::string_view to_string(routing::TlsMode mode) noexcept;  // "opportunistic" ...

std::string utc(WallTime at);                     // "2026-01-31T08:00:00Z"
std::string say_duration(Millis duration);        // "12 minutes", "3 hours", "5 days"
std::string say_when(WallTime at, WallTime now);  // "2026-... (in 12 minutes)", "(2 days ago)"
// "to the mail exchangers (MX) of x.test ..."; for an address whose mail came as `original`.
std::string say_route(routing::Route const& route, mail::Address const& address,
                      mail::Address const& original);
std::string say_outcome(envelope::Outcome const& outcome);  // "mx.x.test answered 550 5.1.1 ..."
std::string say_origin(envelope::Origin const& origin);     // "from client.test [192.0.2.1] ..."
std::string say_event(envelope::Event const& event);

}  // namespace dawk::mta
