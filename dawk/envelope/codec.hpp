// Codec: Envelope and Event as octets on disk, and back.
//
//     auto record = envelope::encode(envelope);               // too_long, too_many, bad_syntax
//     auto again = envelope::decode_envelope(*record);        // corrupt, unsupported
//
// A record is: kind ('E' or 'V'), version (1), CRC-32C of kind, version, length and payload (4
// octets), length of the payload (4 octets), payload (Protocol Buffers, record.proto); numbers
// little-endian. decode trusts nothing: checksum, version, every length, count and enumerator is
// checked, and what it returns, encode takes again and makes the same of. Fields it does not know
// (a newer Dawk's) are skipped. Text that only people read (replies, subjects, notes) is cut by
// encode; what protocols depend on is never cut but refused.
#pragma once

#include <string>
#include <string_view>

#include "dawk/envelope/event.hpp"

namespace dawk::envelope {

struct CodecLimits {
    static constexpr std::size_t record_bytes = 64U << 20U;
    static constexpr std::size_t recipients = 100'000;
    static constexpr std::size_t address_part =
        1024;                                       // local part, domain; RFC 5321 allows 64, 255
    static constexpr std::size_t parameter = 4096;  // ENVID, ORCPT, destination
    static constexpr std::size_t trace = 1U << 20U;
    static constexpr std::size_t text = 8192;         // replies, names, subjects, notes: cut
    static constexpr std::size_t facts = 64U << 10U;  // authentication of an event
    static constexpr std::int64_t time_ms =
        253'402'300'799'999;  // the year 9999; clamped, both signs
};

Result<std::string> encode(Envelope const& envelope);
Result<std::string> encode(Event const& event);
// The same, put behind what is in out; on an error out is as it was.
Result<void> encode_to(std::string& out, Envelope const& envelope);
Result<void> encode_to(std::string& out, Event const& event);
Result<Envelope> decode_envelope(std::string_view record);
Result<Event> decode_event(std::string_view record);

// The frame alone, for the codec, its tests and its fuzz target.
inline constexpr char envelope_kind = 'E';
inline constexpr char event_kind = 'V';
inline constexpr std::size_t frame_bytes = 10;
std::string seal(char kind, std::string_view payload);
Result<std::string_view> unseal(char kind, std::string_view record);

}  // namespace dawk::envelope
