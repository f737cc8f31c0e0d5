#include "dawk/base/line_ends.hpp"

#include <cstdint>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace dawk {

#if defined(__x86_64__)
namespace {

constexpr std::size_t block_size = 64;

// Which of a block's octets are `wanted`, the first in the lowest bit.
struct Sse2 {
    static std::uint64_t bits_of(char const* block, char wanted) noexcept {
        auto const all = _mm_set1_epi8(wanted);
        std::uint64_t bits = 0;
        for (unsigned i = 0; i < 4; ++i) {
            __m128i part;
            std::memcpy(&part, block + 16 * i, sizeof part);
            auto const mask = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(part, all)));
            bits |= std::uint64_t{mask} << (16 * i);
        }
        return bits;
    }
};

struct Avx2 {
    [[gnu::target("avx2")]] static std::uint64_t bits_of(char const* block, char wanted) noexcept {
        auto const all = _mm256_set1_epi8(wanted);
        __m256i low;
        __m256i high;
        std::memcpy(&low, block, sizeof low);
        std::memcpy(&high, block + sizeof low, sizeof high);
        auto const first = static_cast<unsigned>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, all)));
        auto const second =
            static_cast<unsigned>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, all)));
        return std::uint64_t{first} | std::uint64_t{second} << 32U;
    }
};

template <class Vector, bool dots>
[[gnu::always_inline]] inline std::size_t skip(std::string_view text, LinePlace& place) noexcept {
    std::size_t at = 0;
    for (; at + block_size <= text.size(); at += block_size) {
        char const* const block = text.data() + at;
        auto const cr = Vector::bits_of(block, '\r');
        auto const lf = Vector::bits_of(block, '\n');
        if (lf != ((cr << 1U) | std::uint64_t{place.after_cr})) break;
        if constexpr (dots) {
            auto const starts = (lf << 1U) | std::uint64_t{place.at_start};
            if (starts != 0 && (starts & Vector::bits_of(block, '.')) != 0) break;
        }
        place = {.after_cr = cr >> 63U != 0, .at_start = lf >> 63U != 0};
    }
    return at;
}

template <bool dots>
[[gnu::target("avx2")]] std::size_t skip_avx2(std::string_view text, LinePlace& place) noexcept {
    return skip<Avx2, dots>(text, place);
}

}  // namespace

template <bool dots>
std::size_t skip_ordinary(std::string_view text, LinePlace& place) noexcept {
    if (text.size() < block_size) return 0;
    if (__builtin_cpu_supports("avx2")) return skip_avx2<dots>(text, place);
    return skip<Sse2, dots>(text, place);
}

#else

// Nothing is skipped: the callers' own loops look at everything.
template <bool dots>
std::size_t skip_ordinary(std::string_view, LinePlace&) noexcept {
    return 0;
}

#endif

template std::size_t skip_ordinary<true>(std::string_view, LinePlace&) noexcept;
template std::size_t skip_ordinary<false>(std::string_view, LinePlace&) noexcept;

}  // namespace dawk
