#include "dawk/dkim/canonical.hpp"

#include <algorithm>
#include <bit>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "dawk/base/ascii.hpp"

namespace dawk::dkim {
namespace {

constexpr std::size_t step_max = 16U << 10U;

bool changes_here(char c, char next) noexcept {
    return c == '\t' || (c == ' ' && (next == ' ' || next == '\t' || next == '\r' || next == '\n'));
}

#if defined(__SSE2__)
struct Marks {
    __m128i tab = _mm_set1_epi8('\t'), space = _mm_set1_epi8(' ');
    __m128i cr = _mm_set1_epi8('\r'), lf = _mm_set1_epi8('\n');
    // Of 16 octets, and the one after them.
    __m128i changes(char const* at) const noexcept {
        auto const here = _mm_loadu_si128(reinterpret_cast<__m128i const*>(at));
        auto const next = _mm_loadu_si128(reinterpret_cast<__m128i const*>(at + 1));
        auto const line_end = _mm_or_si128(_mm_cmpeq_epi8(next, cr), _mm_cmpeq_epi8(next, lf));
        auto const white = _mm_or_si128(_mm_cmpeq_epi8(next, space), _mm_cmpeq_epi8(next, tab));
        auto const after =
            _mm_and_si128(_mm_cmpeq_epi8(here, space), _mm_or_si128(white, line_end));
        return _mm_or_si128(_mm_cmpeq_epi8(here, tab), after);
    }
};
#endif

// First octet at which the relaxed form differs from the text: a tab, or a space before white space
// or a line end. The last octet is never reported: what follows it is not known yet.
std::size_t find_change(std::string_view text) noexcept {
    std::size_t i = 0;
#if defined(__SSE2__)
    Marks const marks;
    for (; i + 33 <= text.size(); i += 32) {
        auto const low = marks.changes(text.data() + i);
        auto const high = marks.changes(text.data() + i + 16);
        if (_mm_movemask_epi8(_mm_or_si128(low, high)) == 0) continue;
        auto const found = static_cast<unsigned>(_mm_movemask_epi8(low)) |
                           static_cast<unsigned>(_mm_movemask_epi8(high)) << 16U;
        return i + static_cast<std::size_t>(std::countr_zero(found));
    }
#endif
    for (; i + 1 < text.size(); ++i) {
        if (changes_here(text[i], text[i + 1])) return i;
    }
    return i;
}

constexpr bool is_space_or_end(char c) noexcept {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

// First octet of a field's body that the relaxed form may change: a line end, a tab, or a space
// before one of these or before another space; the size when there is none. A space at the end of
// the text is one as well.
std::size_t find_field_change(std::string_view text) noexcept {
    std::size_t i = 0;
#if defined(__SSE2__)
    auto const space = _mm_set1_epi8(' ');
    auto const beyond = _mm_set1_epi8(' ' + 1);
    // Signed: octets beyond ASCII are "less" than a space and found as well, to be looked at below.
    for (; i + 17 <= text.size(); i += 16) {
        auto const here = _mm_loadu_si128(reinterpret_cast<__m128i const*>(text.data() + i));
        auto const next = _mm_loadu_si128(reinterpret_cast<__m128i const*>(text.data() + i + 1));
        auto const is_space = _mm_cmpeq_epi8(here, space);
        auto const low = _mm_cmplt_epi8(here, space);
        auto const doubled = _mm_and_si128(is_space, _mm_cmplt_epi8(next, beyond));
        auto const found = _mm_movemask_epi8(_mm_or_si128(low, doubled));
        if (found == 0) continue;
        i += static_cast<std::size_t>(std::countr_zero(static_cast<unsigned>(found)));
        break;
    }
#endif
    for (; i < text.size(); ++i) {
        char const c = text[i];
        if (c == '\t' || c == '\r' || c == '\n') return i;
        if (c == ' ' && (i + 1 == text.size() || is_space_or_end(text[i + 1]))) return i;
    }
    return i;
}

// How much white space and how many line ends the text begins with, and whether there is white
// space in it. A CR alone is neither (it never comes from the wire).
struct Gap {
    std::size_t size = 0;
    bool has_space = false;
};
Gap gap_of(std::string_view text) noexcept {
    Gap gap;
    for (; gap.size < text.size(); ++gap.size) {
        char const c = text[gap.size];
        bool const is_end =
            c == '\n' || (c == '\r' && gap.size + 1 < text.size() && text[gap.size + 1] == '\n');
        if (!is_end && !ascii::is_space(c)) break;
        gap.has_space |= !is_end;
    }
    return gap;
}

void append_relaxed_field(mail::HeaderField const& field, std::string& out) {
    auto const name = ascii::trim(field.name);
    auto const begin = out.size();
    out.append(name);
    for (auto i = begin; i < out.size(); ++i) out[i] = ascii::lower(out[i]);
    out += ':';
    auto rest = field.body;
    rest.remove_prefix(gap_of(rest).size);
    while (!rest.empty()) {
        auto const clean = find_field_change(rest);
        out.append(rest.substr(0, clean));
        rest.remove_prefix(clean);
        auto const gap = gap_of(rest);
        rest.remove_prefix(gap.size);
        if (gap.has_space && !rest.empty()) out += ' ';  // line ends vanish: unfolding (§3.4.2)
        if (gap.size == 0 && !rest.empty()) {            // a CR alone
            out += rest.front();
            rest.remove_prefix(1);
        }
    }
    out += "\r\n";
}

}  // namespace

std::string_view to_string(Canonical c) noexcept {
    return c == Canonical::simple ? "simple" : "relaxed";
}

void append_canonical_field(mail::HeaderField const& field, Canonical form, std::string& out) {
    if (form == Canonical::relaxed) return append_relaxed_field(field, out);
    out += field.raw;
    if (!field.raw.ends_with("\r\n")) out += "\r\n";
}

std::string canonical_field(mail::HeaderField const& field, Canonical form) {
    std::string out;
    append_canonical_field(field, form, out);
    return out;
}

BodyHash::BodyHash(Canonical form, std::optional<std::uint64_t> length, crypto::Hash hash)
    : form_(form), length_(length), digest_(hash) {}

void BodyHash::emit(std::string_view octets) {
    auto const before = size_;
    size_ += octets.size();
    if (length_) {
        if (before >= *length_) return;
        octets = octets.substr(
            0, static_cast<std::size_t>(std::min<std::uint64_t>(octets.size(), *length_ - before)));
    }
    digest_.update(octets);
}

void BodyHash::emit_pending() {
    constexpr std::string_view lines = "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n";
    while (pending_lines_ > 0) {
        auto const now = std::min<std::uint64_t>(pending_lines_, lines.size() / 2);
        emit(lines.substr(0, static_cast<std::size_t>(now) * 2));
        pending_lines_ -= now;
    }
    if (pending_space_) emit(" ");
    pending_space_ = false;
    text_before_ = true;
}

void BodyHash::update(std::string_view piece) {
    if (form_ == Canonical::simple) {
        update_simple(piece);
    } else {
        update_relaxed(piece);
    }
}

// Only the empty lines at the end of the body are dropped (§3.4.3).
void BodyHash::update_simple(std::string_view piece) {
    if (piece.empty()) return;
    settle_cr(piece);
    std::uint64_t lines = 0;
    bool const cut = piece.ends_with('\r');
    auto text = piece.substr(0, piece.size() - (cut ? 1 : 0));
    for (; text.ends_with("\r\n"); ++lines) text.remove_suffix(2);
    if (!text.empty()) {
        emit_pending();
        emit(text);
    }
    pending_lines_ += lines;
    pending_cr_ = cut;
}

// A piece ended with CR: now it shows whether that was half a line end or, against all rules, text.
void BodyHash::settle_cr(std::string_view& piece) {
    if (!pending_cr_) return;
    pending_cr_ = false;
    if (piece.front() == '\n') {
        end_line();
        piece.remove_prefix(1);
    } else {
        emit_pending();
        emit("\r");
    }
}

void BodyHash::end_line() {
    pending_space_ = false;  // white space at the end of a line (§3.4.4)
    ++pending_lines_;
}

void BodyHash::on_relaxed_octet(char c) {
    if (c == '\r') {
        pending_cr_ = true;
    } else if (ascii::is_space(c)) {
        pending_space_ = true;
    } else {
        emit_pending();
        emit(std::string_view(&c, 1));
    }
}

void BodyHash::update_relaxed(std::string_view piece) {
    while (!piece.empty()) {
        settle_cr(piece);
        if (piece.empty()) return;
        bool const calm = pending_lines_ == 0 && !pending_space_;
        // In steps that stay in the first cache between being looked at and being hashed.
        auto clean = calm ? find_change(piece.substr(0, step_max)) : 0;
        // What stands at the end of the clean part may yet be dropped: line ends, and one space.
        while (clean > 0 &&
               std::string_view(" \r\n").find(piece[clean - 1]) != std::string_view::npos)
            --clean;
        if (clean > 0) {
            emit_pending();
            emit(piece.substr(0, clean));
            piece.remove_prefix(clean);
            continue;
        }
        on_relaxed_octet(piece.front());
        piece.remove_prefix(1);
    }
}

std::string BodyHash::finish() {
    if (pending_cr_) {
        emit_pending();
        emit("\r");
    }
    // A body without text is CRLF in the simple form and nothing in the relaxed one; else it ends
    // with exactly one CRLF, added if it was missing (§3.4.3, §3.4.4).
    if (form_ == Canonical::simple || text_before_) emit("\r\n");
    return digest_.finish();
}

}  // namespace dawk::dkim
