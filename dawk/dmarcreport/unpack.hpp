// Takes what is compressed apart, in pieces, without ever holding more than a buffer: gzip (also
// several members one after another), and the first XML file of a zip archive.
//
//     auto done = dmarcreport::unpack(octets, {}, [&](std::string_view piece) {
//         return parser.feed(piece);                  // false: enough, no error of ours
//     });
//
// Bombs are refused: by what they come to, by how much more that is than what came in, by the
// number of entries. What is encrypted, split, or in a format of its own (zip64, other methods) is
// refused. Standards: RFC 1952 (gzip); RFC 1951; PKWARE's APPNOTE 4.3 (zip).
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "dawk/dmarcreport/refusal.hpp"

namespace dawk::dmarcreport {

struct UnpackLimits {
    std::uint64_t octets = 64U << 20U;     // that may come out
    std::uint64_t ratio = 300;             // out to in, once more than ratio_from came out
    std::uint64_t ratio_from = 1U << 20U;  // octets
    std::uint32_t entries = 100;           // of an archive
};

using Sink = std::function<bool(std::string_view piece)>;

enum class Packing { none, gzip, zip };
Packing packing_of(std::string_view octets) noexcept;  // by the first octets

// What is not packed goes through as it is.
Outcome<void> unpack(std::string_view octets, UnpackLimits const& limits, Sink const& sink);

}  // namespace dawk::dmarcreport
