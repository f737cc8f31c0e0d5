#include "dawk/dkim/tags.hpp"

#include <algorithm>
#include <bit>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "dawk/base/ascii.hpp"

namespace dawk::dkim {
namespace {

constexpr std::size_t tags_max = 64;  // ours; the registries know fewer than twenty

// tag-name = ALPHA *ALNUMPUNC, ALNUMPUNC = ALPHA / DIGIT / "_"
bool is_tag_name(std::string_view name) {
    return !name.empty() && ascii::is_alpha(name.front()) &&
           std::all_of(name.begin(), name.end(),
                       [](char c) { return ascii::is_alnum(c) || c == '_'; });
}

// tval: VALCHAR (%x21-3A, %x3C-7E) and folding white space; UTF-8 as of RFC 8616.
bool is_tag_value(std::string_view value) {
    return std::none_of(value.begin(), value.end(), [](char c) {
        return ascii::is_control(c) && c != '\t' && c != '\r' && c != '\n';
    });
}

}  // namespace

std::optional<TagList> TagList::parse(std::string_view text) {
    TagList out;
    out.tags_.reserve(16);
    while (!ascii::trim(text).empty()) {
        auto const end = std::min(text.find(';'), text.size());
        auto const tag = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        auto const equals = tag.find('=');
        if (equals == tag.npos) return std::nullopt;
        auto const name = ascii::trim(tag.substr(0, equals));
        auto const value = ascii::trim(tag.substr(equals + 1));
        if (!is_tag_name(name) || !is_tag_value(value) || out.get(name)) return std::nullopt;
        out.tags_.emplace_back(name, value);
        if (out.tags_.size() > tags_max) return std::nullopt;
    }
    return out;
}

std::optional<std::string_view> TagList::get(std::string_view name) const noexcept {
    // Names are one letter, nearly all: the first says most.
    for (auto const& [key, value] : tags_) {
        if (key.front() == name.front() && key == name) return value;
    }
    return std::nullopt;
}

namespace {

// First octet that may be white space: not above a space. The size when there is none.
std::size_t find_low(std::string_view text, std::size_t from) noexcept {
    std::size_t i = from;
#if defined(__SSE2__)
    auto const space = _mm_set1_epi8(' ');
    for (; i + 16 <= text.size(); i += 16) {
        auto const here = _mm_loadu_si128(reinterpret_cast<__m128i const*>(text.data() + i));
        auto const low = _mm_cmpeq_epi8(_mm_min_epu8(here, space), here);
        auto const found = static_cast<unsigned>(_mm_movemask_epi8(low));
        if (found != 0) return i + static_cast<std::size_t>(std::countr_zero(found));
    }
#endif
    while (i < text.size() && static_cast<unsigned char>(text[i]) > ' ') ++i;
    return i;
}

}  // namespace

// Base64 comes in long runs between line ends.
std::string without_space(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        auto const end = find_low(text, i);
        out.append(text.data() + i, end - i);
        i = end;
        if (i == text.size()) break;
        char const c = text[i];
        if (c != ' ' && c != '\t' && c != '\r' && c != '\n') out += c;
    }
    return out;
}

std::vector<std::string> colon_list(std::string_view text) {
    std::vector<std::string> out;
    out.reserve(static_cast<std::size_t>(std::count(text.begin(), text.end(), ':')) + 1);
    for (;;) {
        auto const end = std::min(text.find(':'), text.size());
        out.emplace_back(ascii::trim(text.substr(0, end)));
        if (end == text.size()) return out;
        text.remove_prefix(end + 1);
    }
}

}  // namespace dawk::dkim
