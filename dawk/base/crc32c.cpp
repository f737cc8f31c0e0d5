#include "dawk/base/crc32c.hpp"

#include <array>
#include <cstring>

namespace dawk {
namespace {

using Tables = std::array<std::array<std::uint32_t, 256>, 8>;

constexpr Tables make_tables() noexcept {
    Tables tables{};
    for (std::uint32_t n = 0; n < 256; ++n) {
        std::uint32_t crc = n;
        for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0x82F63B78U : 0U);
        tables[0][n] = crc;
    }
    for (std::size_t t = 1; t < tables.size(); ++t) {
        for (std::size_t n = 0; n < 256; ++n) {
            std::uint32_t const last = tables[t - 1][n];
            tables[t][n] = (last >> 8U) ^ tables[0][last & 0xFFU];
        }
    }
    return tables;
}
constexpr Tables tables = make_tables();

std::uint64_t little_endian(char const* p) noexcept {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < 8; ++i) {
        value |= static_cast<std::uint64_t>(static_cast<unsigned char>(p[i])) << (8 * i);
    }
    return value;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t crc32c_sse42(std::string_view bytes,
                                                             std::uint32_t before) noexcept {
    std::uint64_t crc = ~before;
    char const* p = bytes.data();
    std::size_t left = bytes.size();
    for (; left >= 8; left -= 8, p += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, p, sizeof word);
        crc = __builtin_ia32_crc32di(crc, word);
    }
    auto narrow = static_cast<std::uint32_t>(crc);
    for (; left > 0; --left, ++p) {
        narrow = __builtin_ia32_crc32qi(narrow, static_cast<unsigned char>(*p));
    }
    return ~narrow;
}
#endif

}  // namespace

// Eight table look-ups for eight octets at a time ("slicing-by-8").
std::uint32_t detail::crc32c_portable(std::string_view bytes, std::uint32_t before) noexcept {
    std::uint32_t crc = ~before;
    while (bytes.size() >= 8) {
        std::uint64_t const word = little_endian(bytes.data()) ^ crc;
        crc = 0;
        for (unsigned i = 0; i < 8; ++i) crc ^= tables[7 - i][(word >> (8 * i)) & 0xFFU];
        bytes.remove_prefix(8);
    }
    for (char const c : bytes) {
        crc = (crc >> 8U) ^ tables[0][(crc ^ static_cast<unsigned char>(c)) & 0xFFU];
    }
    return ~crc;
}

std::uint32_t crc32c(std::string_view bytes, std::uint32_t before) noexcept {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2")) return crc32c_sse42(bytes, before);
#endif
    return detail::crc32c_portable(bytes, before);
}

}  // namespace dawk
