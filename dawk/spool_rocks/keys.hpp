// Keys of the column families. All numbers big-endian, so that octet order is the order wanted.
//
//   envelope, content, large   id (16 octets)
//   due      destination, each 00 written 00 FF, ended by 00 01; due time; id
//   history  id, sequence; events without a message: 6 octets of time, 10 zeros, sequence
//   index    day, hash of the address in lower case, time, sequence; the value is the history key's
//   id
//
// Times are milliseconds with the sign bit turned, 8 octets. docs/formats:
// dawk/spool_rocks/FORMAT.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "dawk/envelope/event.hpp"
#include "dawk/spool/spool.hpp"

namespace dawk::spool_rocks::keys {

void append_u32(std::string& out, std::uint32_t value);
void append_u64(std::string& out, std::uint64_t value);
std::uint64_t read_u64(std::string_view eight) noexcept;
void append_time(std::string& out, WallTime t);
WallTime read_time(std::string_view eight) noexcept;

std::string due_prefix(std::string_view destination);
std::string due_after_destination(std::string_view destination);  // before the next one's first
std::string due_key(spool::Due const& due);
void append_due_key(std::string& out, spool::Due const& due);
std::optional<spool::Due> read_due_key(std::string_view key);

// The part before the sequence, also for events that concern no message.
void append_history_prefix(std::string& out, envelope::Event const& event);
void append_history_key(std::string& out, envelope::Event const& event, std::uint64_t sequence);
std::string history_floor(WallTime oldest);  // everything before it is older

std::uint64_t address_hash(std::string_view address) noexcept;
std::uint32_t day_of(WallTime t) noexcept;
std::string index_prefix(std::uint32_t day, std::uint64_t hash);
void append_index_key(std::string& out, std::string_view address, WallTime at,
                      std::uint64_t sequence);

inline constexpr std::size_t history_key_bytes = 24;
inline constexpr std::size_t index_key_bytes = 28;

}  // namespace dawk::spool_rocks::keys
