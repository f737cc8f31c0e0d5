// Dates as they stand in header fields.
//
//     mail::format_date(now)                                    // "Sun, 22 Nov 2026 06:33:00
//     +0000" mail::parse_date("Sun, 22 Nov 26 06:33 EST (winter)")     // obsolete forms are
//     understood
//
// Written strictly, read generously; the day of the week is not believed but must be one.
// Standards: RFC 5322 §3.3, §4.3.
#pragma once

#include <string>
#include <string_view>

#include "dawk/base/result.hpp"
#include "dawk/base/time.hpp"

namespace dawk::mail {

struct Date {
    WallTime time;
    int zone_minutes = 0;    // east of Greenwich
    bool zone_known = true;  // false for "-0000" and for zones nobody can know

    friend bool operator==(Date const&, Date const&) = default;
};

Result<Date> parse_date(std::string_view text);

// zone_minutes: the offset to write, between -23:59 and +23:59; years 1900 to 9999.
std::string format_date(WallTime time, int zone_minutes = 0);

}  // namespace dawk::mail
