#include "dawk/smtp/data_reader.hpp"

#include "dawk/base/check.hpp"
#include "dawk/base/line_ends.hpp"

namespace dawk::smtp {

// Runs through lines until one begins with a dot or the input is used up; returns how many octets
// are text of the message.
std::size_t DataReader::scan_text(std::string_view input) noexcept {
    std::size_t at = 0;
    while (at < input.size()) {
        LinePlace place{.after_cr = state_ == State::cr, .at_start = state_ == State::line_start};
        if (auto const ordinary = skip_ordinary<true>(input.substr(at), place)) {
            at += ordinary;
            state_ = place.after_cr ? State::cr : place.at_start ? State::line_start : State::text;
            continue;
        }
        if (state_ == State::line_start) {
            if (input[at] == '.') {
                state_ = State::dot;
                return at;
            }
            state_ = State::text;
        }
        if (state_ == State::cr) {
            if (input[at] == '\n') {
                state_ = State::line_start;
                ++at;
            } else {
                bare_ = true;
                state_ = State::text;
            }
            continue;
        }
        std::size_t const end = find_line_end(input, at);
        if (end == input.npos) return input.size();
        at = end + 1;
        if (input[end] == '\r')
            state_ = State::cr;
        else
            bare_ = true;
    }
    return at;
}

DataReader::Piece DataReader::next(std::string_view input) noexcept {
    DAWK_CHECK(state_ != State::done);
    Piece piece;
    if (input.empty()) return piece;
    if (state_ == State::dot) {
        // RFC 5321 §4.5.2: a line of a dot alone is the end; of any other line the dot is taken
        // away.
        if (input[0] == '\r') {
            state_ = State::dot_cr;
            piece.used = 1;
            return piece;
        }
        state_ = State::text;
    } else if (state_ == State::dot_cr) {
        if (input[0] == '\n') {
            state_ = State::done;
            piece.used = 1;
            piece.end = true;
            return piece;
        }
        bare_ = true;  // the CR is lost, which does not matter: the message is refused
        state_ = State::text;
    }
    std::size_t const length = scan_text(input);
    piece.text = input.substr(0, length);
    piece.used = length + (state_ == State::dot ? 1 : 0);
    return piece;
}

void LineEndCheck::feed(std::string_view octets) noexcept {
    while (!octets.empty()) {
        if (state_ == State::cr) {
            bool const line_feed = octets.front() == '\n';
            bare_ = bare_ || !line_feed;
            state_ = line_feed ? State::line_start : State::text;
            if (line_feed) octets.remove_prefix(1);
            continue;
        }
        std::size_t const end = find_line_end(octets);
        if (end != 0) state_ = State::text;
        if (end == octets.npos) return;
        bool const is_cr = octets[end] == '\r';
        bare_ = bare_ || !is_cr;
        state_ = is_cr ? State::cr : State::text;
        octets.remove_prefix(end + 1);
    }
}

}  // namespace dawk::smtp
