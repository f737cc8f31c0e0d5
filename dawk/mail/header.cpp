#include "dawk/mail/header.hpp"

#include <algorithm>

#include "dawk/base/ascii.hpp"
#include "dawk/base/check.hpp"

namespace dawk::mail {
namespace {

// ftext = %d33-57 / %d59-126 (RFC 5322 §3.6.8)
constexpr bool is_ftext(char c) noexcept {
    return c > 32 && c < 127 && c != ':';
}

// What most header sections fit into.
constexpr std::size_t usual_size = 2048;
constexpr std::size_t usual_fields = 16;

std::string_view without_line_end(std::string_view line) noexcept {
    if (line.ends_with('\n')) line.remove_suffix(1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

}  // namespace

std::optional<std::size_t> field_name_size(std::string_view line) noexcept {
    std::size_t size = 0;
    while (size < line.size() && is_ftext(line[size])) ++size;
    std::size_t colon = size;
    while (colon < line.size() && ascii::is_space(line[colon])) ++colon;
    if (size == 0 || colon == line.size() || line[colon] != ':') return std::nullopt;
    return size;
}

std::string unfold(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        char const c = text[i];
        if (c != '\r' && c != '\n' && c != '\0') {
            out += c;
            continue;
        }
        std::size_t const next = i + (text.substr(i).starts_with("\r\n") ? 2U : 1U);
        bool const line_end = text[next - 1] == '\n';
        if (line_end && next < text.size() && ascii::is_space(text[next])) {
            i = next - 1;  // a fold: only the line end goes
        } else {
            out += ' ';
            i = next - 1;
        }
    }
    return out;
}

bool HeaderField::is(std::string_view other) const noexcept {
    return ascii::iequals(name, other);
}

std::string HeaderField::value() const {
    return unfold(ascii::trim(body));
}

Result<HeaderSection> HeaderSection::parse(std::string_view content, HeaderLimits limits) {
    HeaderScanner scanner{limits};
    scanner.feed(content);
    switch (scanner.finish()) {
        case HeaderScanner::State::too_large:
            return Errc::too_long;
        case HeaderScanner::State::too_many:
            return Errc::too_many;
        default:
            return scanner.take();
    }
}

HeaderField HeaderSection::operator[](std::size_t index) const noexcept {
    auto const& span = fields_[index];
    std::string_view const block = block_;
    auto const end = index + 1 < fields_.size() ? fields_[index + 1].begin : block.size();
    return {block.substr(span.begin, span.name_size),
            block.substr(span.body_begin, span.body_end - span.body_begin),
            block.substr(span.begin, end - span.begin)};
}

HeaderSection::Iterator HeaderSection::begin() const noexcept {
    return {*this, 0};
}
HeaderSection::Iterator HeaderSection::end() const noexcept {
    return {*this, size()};
}

std::optional<HeaderField> HeaderSection::first(std::string_view name) const noexcept {
    for (std::size_t i = 0; i < size(); ++i) {
        if (auto const field = (*this)[i]; field.is(name)) return field;
    }
    return std::nullopt;
}

std::optional<HeaderField> HeaderSection::last(std::string_view name) const noexcept {
    for (std::size_t i = size(); i-- > 0;) {
        if (auto const field = (*this)[i]; field.is(name)) return field;
    }
    return std::nullopt;
}

std::vector<HeaderField> HeaderSection::find(std::string_view name) const {
    std::vector<HeaderField> result;
    for (std::size_t i = 0; i < size(); ++i) {
        if (auto const field = (*this)[i]; field.is(name)) result.push_back(field);
    }
    return result;
}

std::size_t HeaderSection::count(std::string_view name) const noexcept {
    std::size_t result = 0;
    for (std::size_t i = 0; i < size(); ++i) {
        if ((*this)[i].is(name)) ++result;
    }
    return result;
}

std::string HeaderSection::value(std::string_view name) const {
    auto const field = first(name);
    return field ? field->value() : std::string{};
}

std::string HeaderSection::block_without(std::initializer_list<std::string_view> names) const {
    std::string result;
    result.reserve(block_.size());
    for (std::size_t i = 0; i < size(); ++i) {
        auto const field = (*this)[i];
        if (std::ranges::none_of(names, [&](auto name) { return field.is(name); }))
            result += field.raw;
    }
    return result;
}

HeaderScanner::HeaderScanner(HeaderLimits limits) : limits_(limits) {
    DAWK_CHECK(limits.size_bytes < (1ULL << 31U));  // offsets are 32 bits wide
}

HeaderScanner::State HeaderScanner::feed(std::string_view piece) {
    auto& block = section_.block_;
    auto const capacity = limits_.size_bytes + 2;  // and the blank line
    if (block.empty()) {
        block.reserve(std::min({piece.size(), capacity, usual_size}));
        section_.fields_.reserve(usual_fields);
    }
    while (state_ == State::more && !piece.empty()) {
        // One line at a time, so that nothing of the body is ever copied but its first line.
        auto const newline = piece.find('\n');
        auto const wanted = newline == std::string_view::npos ? piece.size() : newline + 1;
        auto const taken = std::min(wanted, capacity - block.size());
        block.append(piece.substr(0, taken));
        piece.remove_prefix(taken);
        if (taken < wanted) {
            on_overflow();
        } else if (newline != std::string_view::npos) {
            on_line(block.size());
        }
    }
    return state_;
}

// A line runs over the limit. If it can be seen already that it is no field, the section ends
// before it.
void HeaderScanner::on_overflow() {
    auto const line = std::string_view{section_.block_}.substr(line_begin_);
    bool const fold = !line.empty() && ascii::is_space(line[0]) && !section_.fields_.empty();
    bool const field = field_name_size(line) || std::ranges::all_of(line, is_ftext);
    if (!fold && !field) return end_section(HeaderEnd::no_field, line_begin_, line_begin_);
    state_ = State::too_large;
}

HeaderScanner::State HeaderScanner::finish() {
    if (state_ != State::more) return state_;
    auto& block = section_.block_;
    if (line_begin_ < block.size()) on_line(block.size());
    if (state_ == State::more) end_section(HeaderEnd::end_of_content, block.size(), block.size());
    return state_;
}

// A whole line stands between line_begin_ and end.
void HeaderScanner::on_line(std::size_t end) {
    auto const begin = line_begin_;
    auto const whole = std::string_view{section_.block_}.substr(begin, end - begin);
    auto const line = without_line_end(whole);
    if (line.empty()) return end_section(HeaderEnd::blank_line, begin, end);
    auto const line_end = static_cast<std::uint32_t>(begin + line.size());
    line_begin_ = end;
    if (ascii::is_space(line[0]) && !section_.fields_.empty()) {
        section_.fields_.back().body_end = line_end;
        return;
    }
    auto const name_size = field_name_size(line);
    if (!name_size) return end_section(HeaderEnd::no_field, begin, begin);
    if (section_.fields_.size() == limits_.fields) {
        state_ = State::too_many;
        return;
    }
    auto const colon = begin + line.find(':', *name_size);
    section_.fields_.push_back({static_cast<std::uint32_t>(begin),
                                static_cast<std::uint32_t>(*name_size),
                                static_cast<std::uint32_t>(colon + 1), line_end});
}

void HeaderScanner::end_section(HeaderEnd how, std::size_t block_end, std::size_t body_offset) {
    if (block_end > limits_.size_bytes) {
        state_ = State::too_large;
        return;
    }
    section_.block_.resize(block_end);
    section_.body_offset_ = body_offset;
    section_.end_ = how;
    state_ = State::done;
}

}  // namespace dawk::mail
