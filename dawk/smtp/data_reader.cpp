#include "dawk/smtp/data_reader.hpp"

#include "dawk/base/check.hpp"

namespace dawk::smtp {

// Runs through lines until one begins with a dot or the input is used up; returns how many octets
// are text of the message. Both searches run over octets that lie in the first cache, once each.
std::size_t DataReader::scan_text(std::string_view input) noexcept {
    std::size_t at = 0;
    while (at < input.size()) {
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
        std::string_view const rest = input.substr(at);
        std::size_t const cr = rest.find('\r');
        std::string_view const line = rest.substr(0, cr);
        if (line.find('\n') != line.npos) bare_ = true;
        at += line.size();
        if (cr == rest.npos) break;
        ++at;
        state_ = State::cr;
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
        std::size_t const cr = octets.find('\r');
        std::string_view const line = octets.substr(0, cr);
        if (line.find('\n') != line.npos) bare_ = true;
        if (!line.empty()) state_ = State::text;
        if (cr == octets.npos) return;
        state_ = State::cr;
        octets.remove_prefix(cr + 1);
    }
}

}  // namespace dawk::smtp
