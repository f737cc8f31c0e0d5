// CRC-32C (Castagnoli), as RFC 9260 appendix A has it: finds flipped bits and cut files, proves
// nothing against an attacker. Uses the processor's instruction where there is one.
//
//     auto sum = crc32c(first);
//     sum = crc32c(second, sum);   // of first and second together
#pragma once

#include <cstdint>
#include <string_view>

namespace dawk {

std::uint32_t crc32c(std::string_view bytes, std::uint32_t before = 0) noexcept;

namespace detail {
std::uint32_t crc32c_portable(std::string_view bytes, std::uint32_t before) noexcept;
}

}  // namespace dawk
