#include "dawk/spool_rocks/keys.hpp"

#include <algorithm>
#include <array>

#include "dawk/base/ascii.hpp"

namespace dawk::spool_rocks::keys {
namespace {

constexpr std::uint64_t sign_bit = 1ULL << 63U;
constexpr std::int64_t ms_of_a_day = 24LL * 3600 * 1000;

template <class T>
void append_big_endian(std::string& out, T value) {
    std::array<char, sizeof(T)> octets{};
    for (std::size_t i = 0; i < sizeof(T); ++i) {
        octets[sizeof(T) - 1 - i] = static_cast<char>((value >> (8 * i)) & 0xFFU);
    }
    out.append(octets.data(), octets.size());
}

void append_escaped(std::string& out, std::string_view text) {
    for (char const c : text) {
        out += c;
        if (c == '\0') out += '\xff';
    }
}

void append_due_prefix(std::string& out, std::string_view destination) {
    append_escaped(out, destination);
    out += '\0';
    out += '\1';
}

}  // namespace

void append_u32(std::string& out, std::uint32_t value) {
    append_big_endian(out, value);
}
void append_u64(std::string& out, std::uint64_t value) {
    append_big_endian(out, value);
}

std::uint64_t read_u64(std::string_view eight) noexcept {
    std::uint64_t value = 0;
    for (char const c : eight.substr(0, 8)) value = (value << 8U) | static_cast<unsigned char>(c);
    return value;
}

void append_time(std::string& out, WallTime t) {
    append_u64(out, static_cast<std::uint64_t>(to_millis(t)) ^ sign_bit);
}

WallTime read_time(std::string_view eight) noexcept {
    return from_millis(static_cast<std::int64_t>(read_u64(eight) ^ sign_bit));
}

std::string due_prefix(std::string_view destination) {
    std::string out;
    out.reserve(destination.size() + 32);
    append_due_prefix(out, destination);
    return out;
}

std::string due_after_destination(std::string_view destination) {
    std::string out = due_prefix(destination);
    out.back() = '\2';
    return out;
}

std::string due_key(spool::Due const& due) {
    std::string out;
    append_due_key(out, due);
    return out;
}

void append_due_key(std::string& out, spool::Due const& due) {
    append_due_prefix(out, due.destination);
    append_time(out, due.due);
    out += due.id.bytes();
}

std::optional<spool::Due> read_due_key(std::string_view key) {
    spool::Due due;
    std::size_t at = 0;
    for (;; ++at) {
        if (at >= key.size()) return std::nullopt;
        if (key[at] != '\0') {
            due.destination += key[at];
            continue;
        }
        if (++at >= key.size()) return std::nullopt;
        if (key[at] == '\1') break;
        if (key[at] != '\xff') return std::nullopt;
        due.destination += '\0';
    }
    auto const rest = key.substr(at + 1);
    if (rest.size() != 8 + MessageId::size_bytes) return std::nullopt;
    due.due = read_time(rest);
    auto const id = MessageId::from_bytes(rest.substr(8));
    if (!id) return std::nullopt;
    due.id = *id;
    return due;
}

void append_history_prefix(std::string& out, envelope::Event const& event) {
    if (event.id.is_null())
        out += history_floor(event.at);
    else
        out += event.id.bytes();
}

void append_history_key(std::string& out, envelope::Event const& event, std::uint64_t sequence) {
    append_history_prefix(out, event);
    append_u64(out, sequence);
}

// As an id of that millisecond, but with zeros where a UUIDv7 has its version: never an id's key.
std::string history_floor(WallTime oldest) {
    auto const ms = static_cast<std::uint64_t>(std::max<std::int64_t>(to_millis(oldest), 0));
    std::string out;
    out.reserve(history_key_bytes);
    append_u64(out, ms << 16U);
    out.append(8, '\0');
    return out;
}

// FNV-1a. Addresses that collide are told apart by their text.
std::uint64_t address_hash(std::string_view address) noexcept {
    std::uint64_t hash = 14695981039346656037ULL;
    for (char const c : address) {
        hash = (hash ^ static_cast<unsigned char>(ascii::lower(c))) * 1099511628211ULL;
    }
    return hash;
}

std::uint32_t day_of(WallTime t) noexcept {
    return static_cast<std::uint32_t>(
        std::clamp<std::int64_t>(to_millis(t) / ms_of_a_day, 0, UINT32_MAX));
}

std::string index_prefix(std::uint32_t day, std::uint64_t hash) {
    std::string out;
    append_u32(out, day);
    append_u64(out, hash);
    return out;
}

void append_index_key(std::string& out, std::string_view address, WallTime at,
                      std::uint64_t sequence) {
    append_u32(out, day_of(at));
    append_u64(out, address_hash(address));
    append_time(out, at);
    append_u64(out, sequence);
}

}  // namespace dawk::spool_rocks::keys
