// Finds CR and LF, sixteen octets at a time, and skips what needs no look, sixty-four at a time.
// Every octet of a message passes here some times on its way. Portable code does the same, slower.
//
//     LinePlace place;                                  // before the first octet
//     at += skip_ordinary<true>(text.substr(at), place);
//     at = find_line_end(text, at);
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

// What came before the next octet.
struct LinePlace {
    bool after_cr = false;
    bool at_start = true;  // after CRLF, or nothing came yet
};

// So many octets from the front, whole blocks, are ordinary: every CR has its LF, every LF its CR,
// and with `dots` no line begins with a dot. place: of the first octet, then of the first not
// skipped.
template <bool dots>
std::size_t skip_ordinary(std::string_view text, LinePlace& place) noexcept;

}  // namespace dawk
