// What the readers of RocksDB's own files share (log_check, manifest, salvage): its numbers and its
// checksums.
#pragma once

#include <cstdint>
#include <string_view>

namespace dawk::spool_rocks {

// Little-endian, of as many octets as there are (eight at most).
constexpr std::uint64_t little_endian(std::string_view octets) noexcept {
    std::uint64_t value = 0;
    for (std::size_t i = octets.size(); i-- > 0;) {
        value = (value << 8U) | static_cast<unsigned char>(octets[i]);
    }
    return value;
}

// A CRC-32C as it stands in files: rotated and shifted, so that one over octets that hold one is
// not a special case.
constexpr std::uint32_t masked(std::uint32_t crc) noexcept {
    return ((crc >> 15U) | (crc << 17U)) + 0xa282ead8U;
}

}  // namespace dawk::spool_rocks
