// Finds CR and LF, sixteen octets at a time. Every octet of a message passes here some times on its
// way, so one search for both, and none that is started twice for a line.
#pragma once

#include <bit>
#include <cstddef>
#include <cstring>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace dawk {

// The first CR or LF at or after `from`; npos if there is none.
inline std::size_t find_line_end(std::string_view text, std::size_t from = 0) noexcept {
#if defined(__SSE2__)
    auto const cr = _mm_set1_epi8('\r');
    auto const lf = _mm_set1_epi8('\n');
    for (; from + sizeof(__m128i) <= text.size(); from += sizeof(__m128i)) {
        __m128i block;
        std::memcpy(&block, text.data() + from, sizeof block);
        auto const hits = _mm_or_si128(_mm_cmpeq_epi8(block, cr), _mm_cmpeq_epi8(block, lf));
        auto const mask = static_cast<unsigned>(_mm_movemask_epi8(hits));
        if (mask != 0) return from + static_cast<std::size_t>(std::countr_zero(mask));
    }
#endif
    for (; from < text.size(); ++from) {
        if (text[from] == '\r' || text[from] == '\n') return from;
    }
    return std::string_view::npos;
}

}  // namespace dawk
