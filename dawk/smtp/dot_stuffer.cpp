#include "dawk/smtp/dot_stuffer.hpp"

#include <cstring>

#include "dawk/base/line_ends.hpp"

namespace dawk::smtp {
namespace {

constexpr std::string_view dot = ".";
constexpr std::string_view end_of_data = ".\r\n";
constexpr std::string_view end_of_line_and_data = "\r\n.\r\n";

}  // namespace

// A dot is doubled by ending a piece before it and starting the next piece with one of our own.
void DotStuffer::add(std::string_view chunk, std::vector<std::string_view>& pieces) {
    if (chunk.empty()) return;
    std::size_t begin = 0;  // of the piece being gathered
    std::size_t at = 0;     // scanned up to here
    while (at < chunk.size()) {
        if (last_ == Last::cr) {
            clean_ = clean_ && chunk[at] == '\n';
            last_ = Last::line_end;
            ++at;
            continue;
        }
        LinePlace place{.after_cr = false, .at_start = last_ == Last::line_end};
        if (auto const ordinary = skip_ordinary<true>(chunk.substr(at), place)) {
            at += ordinary;
            last_ = place.after_cr ? Last::cr : place.at_start ? Last::line_end : Last::other;
            continue;
        }
        if (last_ == Last::line_end && chunk[at] == '.') {
            if (at > begin) pieces.push_back(chunk.substr(begin, at - begin));
            pieces.push_back(dot);
            begin = at;
        }
        auto const end = find_line_end(chunk, at);
        last_ = Last::other;
        if (end == chunk.npos) break;
        at = end + 1;
        if (chunk[end] == '\r')
            last_ = Last::cr;
        else
            clean_ = false;
    }
    pieces.push_back(chunk.substr(begin));
}

void DotStuffer::finish(std::vector<std::string_view>& pieces) {
    // RFC 5321 §4.1.1.4: content that does not end in CRLF gets one. A CR alone is not one.
    if (last_ == Last::cr) clean_ = false;
    pieces.push_back(last_ == Last::line_end ? end_of_data : end_of_line_and_data);
    last_ = Last::line_end;
}

bool has_bare_line_end(std::string_view text) noexcept {
    LinePlace place;
    std::size_t at = skip_ordinary<false>(text, place);
    if (place.after_cr) --at;  // its LF is still to come
    for (;;) {
        at = find_line_end(text, at);
        if (at == text.npos) return false;
        if (text[at] == '\n' || at + 1 == text.size() || text[at + 1] != '\n') return true;
        at += 2;
    }
}

bool has_eight_bit(std::string_view text) noexcept {
    constexpr std::uint64_t high_bits = 0x8080808080808080ULL;
    while (text.size() >= sizeof(std::uint64_t)) {
        std::uint64_t word = 0;
        std::memcpy(&word, text.data(), sizeof word);
        if ((word & high_bits) != 0) return true;
        text.remove_prefix(sizeof word);
    }
    for (char const c : text) {
        if (static_cast<unsigned char>(c) > 127) return true;
    }
    return false;
}

}  // namespace dawk::smtp
