#include "dawk/dmarcreport/read.hpp"

#include <array>
#include <optional>

#include "dawk/base/ascii.hpp"
#include "dawk/mail/mime.hpp"

namespace dawk::dmarcreport {
namespace {

bool looks_like_xml(std::string_view octets) {
    if (octets.starts_with("\xEF\xBB\xBF")) octets.remove_prefix(3);
    auto const first = octets.find_first_not_of(" \t\r\n");
    return first != octets.npos && octets[first] == '<';
}

constexpr std::array<std::string_view, 9> packed_types{"application/gzip",
                                                       "application/x-gzip",
                                                       "application/zip",
                                                       "application/x-zip",
                                                       "text/xml",
                                                       "application/xml",
                                                       "application/octet-stream",
                                                       "application/x-zip-compressed",
                                                       "application/x-compressed"};

bool may_be_report(mail::MimePart const& part) {
    if (part.is_container) return false;
    auto const name = mail::file_name(part);
    for (auto const end : {".xml", ".gz", ".zip", ".gzip"})
        if (ascii::iends_with(name, end)) return true;
    auto const type = part.type.name();
    for (auto const known : packed_types)
        if (type == known) return true;
    return false;
}

}  // namespace

Outcome<Report> read_attachment(std::string_view octets, ReadLimits const& limits) {
    Parser parser(limits.parse);
    auto const unpacked =
        unpack(octets, limits.unpack, [&](std::string_view piece) { return parser.feed(piece); });
    if (!unpacked) return unpacked.error();
    return parser.finish();
}

Outcome<Report> read_message(std::string_view content, ReadLimits const& limits) {
    if (content.size() > limits.message_bytes)
        return Refusal{Errc::too_long, "the message is larger than " +
                                           std::to_string(limits.message_bytes) + " octets"};
    auto const parts = mail::parse_mime(content);
    if (!parts) return Refusal{Errc::bad_syntax, "the message has too many parts or fields"};
    std::optional<Refusal> why;
    for (auto const& part : *parts) {
        if (!may_be_report(part)) continue;
        auto const octets = mail::decoded_body(part, content);
        if (packing_of(octets) == Packing::none && !looks_like_xml(octets)) continue;
        auto report = read_attachment(octets, limits);
        if (report) return report;
        if (!why) why = report.error();
    }
    if (why) return *why;
    return Refusal{Errc::not_found, "the message carries no DMARC report"};
}

Outcome<Report> read(std::string_view octets, ReadLimits const& limits) {
    if (octets.empty()) return Refusal{Errc::not_found, "it is empty"};
    if (packing_of(octets) != Packing::none || looks_like_xml(octets))
        return read_attachment(octets, limits);
    return read_message(octets, limits);
}

}  // namespace dawk::dmarcreport
