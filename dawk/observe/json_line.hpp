// One line of JSON for one event: what the log is made of. Every text of a peer is escaped, so that
// no line can be forged (RFC 8259 §7); octets that are no UTF-8 appear as \u00XX of their value.
#pragma once

#include <string>
#include <string_view>

#include "dawk/envelope/event.hpp"

namespace dawk::observe {

// Appends the line with its LF. Members that say nothing (empty, zero) are left out.
void append_json(std::string& out, envelope::Event const& event);

// A line that is no event: {"at":..., "event":"server", "level":..., "text":...}.
void append_json(std::string& out, WallTime at, std::string_view level, std::string_view text);

// "2026-01-01T00:00:00.000Z"
std::string to_utc(WallTime at);
// Appends the text as a JSON string with its quotes.
void append_string(std::string& out, std::string_view text);

}  // namespace dawk::observe
