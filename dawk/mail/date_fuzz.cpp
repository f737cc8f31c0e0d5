// A date that was understood can be written, and reads again as the same.
#include <cstdint>

#include "dawk/base/check.hpp"
#include "dawk/mail/date.hpp"

using namespace dawk;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    auto const date = mail::parse_date({reinterpret_cast<char const*>(data), size});
    if (!date) return 0;
    auto const again = mail::parse_date(mail::format_date(date->time, date->zone_minutes));
    DAWK_CHECK(again && again->time == date->time && again->zone_minutes == date->zone_minutes);
    return 0;
}
