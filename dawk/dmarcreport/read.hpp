// From what came to the report in it: XML as it is, gzip, zip, or a message that carries one of
// them.
//
//     auto const report = dmarcreport::read(octets);
//     if (!report) say(report.error().reason);
//
// By the first octets, not by names and types, which are often wrong (RFC 9990 §3.5.2 asks
// receivers of reports to look for a body part of the right kind and ignore the rest).
#pragma once

#include <string_view>

#include "dawk/dmarcreport/parse.hpp"
#include "dawk/dmarcreport/unpack.hpp"

namespace dawk::dmarcreport {

struct ReadLimits {
    UnpackLimits unpack{};
    ParseLimits parse{};
    std::size_t message_bytes = 32U << 20U;
};

// A file: XML, packed XML, or a whole message.
Outcome<Report> read(std::string_view octets, ReadLimits const& limits = {});
// XML or packed XML.
Outcome<Report> read_attachment(std::string_view octets, ReadLimits const& limits = {});
// The first attachment of a message that looks like a report; not_found: there is none.
Outcome<Report> read_message(std::string_view content, ReadLimits const& limits = {});

}  // namespace dawk::dmarcreport
