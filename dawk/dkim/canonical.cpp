#include "dawk/dkim/canonical.hpp"

#include <algorithm>
#include <bit>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "dawk/base/ascii.hpp"

namespace dawk::dkim {
namespace {

bool changes_here(char c, char next) noexcept {
    return c == '\t' || (c == ' ' && (next == ' ' || next == '\t' || next == '\r' || next == '\n'));
}

// First octet at which the relaxed form differs from the text: a tab, or a space before white space
// or a line end. The last octet is never reported: what follows it is not known yet.
std::size_t find_change(std::string_view text) noexcept {
    std::size_t i = 0;
#if defined(__SSE2__)
    auto const tab = _mm_set1_epi8('\t');
    auto const space = _mm_set1_epi8(' ');
    auto const cr = _mm_set1_epi8('\r');
    auto const lf = _mm_set1_epi8('\n');
    for (; i + 17 <= text.size(); i += 16) {
        auto const here = _mm_loadu_si128(reinterpret_cast<__m128i const*>(text.data() + i));
        auto const next = _mm_loadu_si128(reinterpret_cast<__m128i const*>(text.data() + i + 1));
        auto const line_end = _mm_or_si128(_mm_cmpeq_epi8(next, cr), _mm_cmpeq_epi8(next, lf));
        auto const white = _mm_or_si128(_mm_cmpeq_epi8(next, space), _mm_cmpeq_epi8(next, tab));
        auto const after =
            _mm_and_si128(_mm_cmpeq_epi8(here, space), _mm_or_si128(white, line_end));
        auto const found = _mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(here, tab), after));
        if (found != 0)
            return i + static_cast<std::size_t>(std::countr_zero(static_cast<unsigned>(found)));
    }
#endif
    for (; i + 1 < text.size(); ++i) {
        if (changes_here(text[i], text[i + 1])) return i;
    }
    return i;
}

// White space, or a line end: a CR alone is neither (it never comes from the wire).
bool is_space_or_end(std::string_view text, std::size_t at) noexcept {
    char const c = text[at];
    if (c == '\r') return at + 1 < text.size() && text[at + 1] == '\n';
    return c == ' ' || c == '\t' || c == '\n';
}

void append_relaxed_field(mail::HeaderField const& field, std::string& out) {
    for (char const c : ascii::trim(field.name)) out += ascii::lower(c);
    out += ':';
    auto rest = field.body;
    bool text = false;
    while (!rest.empty()) {
        std::size_t run = 0;
        bool space = false;
        for (; run < rest.size() && is_space_or_end(rest, run); ++run)
            space = space || ascii::is_space(rest[run]);  // line ends vanish: unfolding (§3.4.2)
        rest.remove_prefix(run);
        if (rest.empty()) break;
        if (space && text) out += ' ';
        text = true;
        run = 0;
        while (run < rest.size() && !is_space_or_end(rest, run)) ++run;
        out.append(rest.substr(0, run));
        rest.remove_prefix(run);
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
        auto clean = calm ? find_change(piece) : 0;
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
