#include "bench/message.hpp"

#include <algorithm>

namespace dawk::bench {

namespace {

constexpr std::size_t digits = 12;

std::string padded(std::uint64_t number) {
    std::string text = std::to_string(number);
    if (text.size() < digits) text.insert(0, digits - text.size(), '0');
    return text;
}

// Lines of 76 characters that differ a little, as text does; none begins with a dot.
std::string make_body(std::size_t size) {
    std::string body;
    body.reserve(size + 80);
    for (std::size_t line = 0; body.size() < size; ++line) {
        std::string text = "Line " + std::to_string(line) + " ";
        for (std::size_t i = 0; text.size() < 76; ++i)
            text += static_cast<char>('a' + (line * 7 + i * 11) % 26);
        body += text + "\r\n";
    }
    if (size >= 2) {
        body.resize(size - 2);
        // A cut may have left half of a line end.
        if (!body.empty() && body.back() == '\r') body.back() = 'x';
        body += "\r\n";
    } else {
        body.clear();
    }
    return body;
}

}  // namespace

MessageMaker::MessageMaker(std::size_t size, std::string from, std::string to) {
    before_ = "From: <" + from + ">\r\nTo: <" + to +
              ">\r\nSubject: Load\r\nDate: Mon, 05 Jan 2026 12:00:00 +0000\r\nMessage-ID: <";
    numbered_ = true;
    after_ = "@load.invalid>\r\n\r\n";
    auto const head_size = before_.size() + digits + after_.size();
    body_ = make_body(size > head_size ? size - head_size : 0);
}

MessageMaker MessageMaker::of(std::string_view message) {
    MessageMaker out;
    while (!message.empty()) {
        auto const end = std::min(message.find('\n'), message.size());
        auto line = message.substr(0, end);
        message.remove_prefix(std::min(end + 1, message.size()));
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (line.starts_with('.')) out.body_ += '.';  // RFC 5321 §4.5.2
        out.body_ += line;
        out.body_ += "\r\n";
    }
    return out;
}

std::string MessageMaker::head(std::uint64_t number) const {
    std::string result;
    if (!numbered_) return result;
    result.reserve(before_.size() + digits + after_.size());
    result += before_;
    result += padded(number);
    result += after_;
    return result;
}

std::string fill_pattern(std::string const& pattern, std::uint64_t number, std::uint64_t count) {
    auto const at = pattern.find("%d");
    if (at == std::string::npos) return pattern;
    auto const value = count == 0 ? number : number % count;
    return pattern.substr(0, at) + std::to_string(value) + pattern.substr(at + 2);
}

}  // namespace dawk::bench
