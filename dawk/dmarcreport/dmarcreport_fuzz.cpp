// Anything is read or refused with a reason, the same however it is cut; what was read, written by
// us, reads the same again.
#include <cstdint>

#include "dawk/base/check.hpp"
#include "dawk/dmarcreport/compose.hpp"
#include "dawk/dmarcreport/destinations.hpp"
#include "dawk/dmarcreport/read.hpp"

using namespace dawk;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const text{reinterpret_cast<char const*>(data), size};
    dmarcreport::ReadLimits limits;
    limits.unpack = {.octets = 1U << 20U, .ratio = 50, .ratio_from = 10'000, .entries = 5};
    limits.parse = {
        .xml_bytes = 1U << 20U, .rows = 100, .depth = 16, .text_bytes = 100, .results = 5};
    auto const report = dmarcreport::read(text, limits);
    if (!report) DAWK_CHECK(!report.error().reason.empty());
    dmarcreport::Parser parser(limits.parse);
    for (char const c : text)
        if (!parser.feed({&c, 1})) break;
    auto const cut = parser.finish();
    auto const whole = dmarcreport::parse_xml(text, limits.parse);
    DAWK_CHECK(cut.has_value() == whole.has_value());
    if (whole) DAWK_CHECK(*whole == *cut);
    if (report) {
        auto const again = dmarcreport::parse_xml(dmarcreport::to_xml(*report));
        DAWK_CHECK(again && again->rows.size() == report->rows.size());
        DAWK_CHECK(again->policy.domain == report->policy.domain);
    }
    if (auto const to = dmarcreport::parse_mailto(std::string(text)))
        DAWK_CHECK(!to->address.domain.empty());
    return 0;
}
