#include "dawk/sim/letters.hpp"

#include "dawk/base/ascii.hpp"

namespace dawk::sim {
namespace {

std::string_view next_line(std::string_view& rest) {
    auto const end = rest.find("\r\n");
    auto const line = rest.substr(0, end);
    rest.remove_prefix(end == rest.npos ? rest.size() : end + 2);
    return line;
}

// The value of a field whose name the line begins with, or nothing.
std::string_view value_of(std::string_view line, std::string_view name) {
    if (!ascii::istarts_with(line, name)) return {};
    return ascii::trim(line.substr(name.size()));
}

std::string address_in(std::string_view value) {
    auto const semicolon = value.find(';');
    if (semicolon != value.npos) value.remove_prefix(semicolon + 1);
    return ascii::to_lower(ascii::trim(value));
}

}  // namespace

std::string token_of(std::string_view content) {
    std::string message_id;
    while (!content.empty()) {
        auto const line = next_line(content);
        if (line.empty()) break;
        if (auto const value = value_of(line, "X-Sim:"); !value.empty()) return std::string(value);
        if (auto const value = value_of(line, "Message-ID:"); !value.empty()) message_id = value;
    }
    return message_id;
}

ReadReport read_report(std::string_view content) {
    ReadReport report;
    auto const head = content.substr(0, content.find("\r\n\r\n"));
    report.is_report = head.find("multipart/report") != head.npos;
    if (!report.is_report) return report;
    std::string recipient;
    while (!content.empty()) {
        auto const line = next_line(content);
        if (auto const to = value_of(line, "Final-Recipient:"); !to.empty()) {
            recipient = address_in(to);
        } else if (auto const action = value_of(line, "Action:"); !action.empty()) {
            report.fates.push_back({recipient, ascii::to_lower(action)});
        } else if (auto const token = value_of(line, "X-Sim:"); !token.empty()) {
            if (report.token.empty()) report.token = token;
        }
    }
    return report;
}

std::string write_letter(std::string_view token, std::string_view from, std::string_view to,
                         std::size_t body_size, std::string_view extra) {
    std::string text;
    text += "From: <" + std::string(from) + ">\r\nTo: <" + std::string(to) + ">\r\n";
    text += "Subject: letter " + std::string(token) + "\r\nX-Sim: " + std::string(token) + "\r\n";
    text += extra;
    text += "\r\n";
    auto const line = "This is a line of letter " + std::string(token) + ".\r\n";
    std::size_t const end = text.size() + body_size;
    for (int i = 0; text.size() < end; ++i) {
        if (i % 7 == 3) text += '.';
        if (i % 11 == 5) text += "\r\n.\r\n..\r\n";
        text += line;
    }
    return text;
}

std::string_view body_of(std::string_view content) {
    auto const blank = content.find("\r\n\r\n");
    return blank == content.npos ? std::string_view() : content.substr(blank + 4);
}

}  // namespace dawk::sim
