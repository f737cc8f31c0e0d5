// Letters: how the messages of a simulation are told apart. Every one has a token in its header
// ("X-Sim: t17"); reports of the servers under test are known by their Message-ID.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dawk::sim {

// From the top header of a content, with or without trace fields before it; "" if there is none.
std::string token_of(std::string_view content);

// What a delivery status notification says of one recipient.
struct ReportedFate {
    std::string recipient;  // lower case
    std::string action;     // "failed", "delayed", "relayed", "delivered", "expanded"
};
struct ReadReport {
    bool is_report = false;
    std::string token;  // of the message it tells of
    std::vector<ReportedFate> fates;
};
ReadReport read_report(std::string_view content);

// A letter that clients send: header, X-Sim and a body of about that size, with lines that begin
// with dots; 7-bit, CRLF. `extra` are header fields of their own.
std::string write_letter(std::string_view token, std::string_view from, std::string_view to,
                         std::size_t body_size, std::string_view extra = {});

// What stands after the first blank line.
std::string_view body_of(std::string_view content);

}  // namespace dawk::sim
