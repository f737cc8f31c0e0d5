#include "dawk/mail/date.hpp"

#include <gtest/gtest.h>

namespace dawk::mail {
namespace {

std::string again(std::string_view text) {
    auto const d = parse_date(text);
    if (!d) return d.error().message();
    return format_date(d->time, d->zone_minutes) + (d->zone_known ? "" : "?");
}

TEST(Date, WritesTheStandardForm) {
    EXPECT_EQ(format_date(from_millis(0)), "Thu, 01 Jan 1970 00:00:00 +0000");
    EXPECT_EQ(format_date(from_millis(-1)), "Wed, 31 Dec 1969 23:59:59 +0000");
    EXPECT_EQ(format_date(from_millis(0), -90), "Wed, 31 Dec 1969 22:30:00 -0130");
}

TEST(Date, ReadsWhatItWrites) {
    for (std::int64_t ms = -2'000'000'000'000; ms < 4'000'000'000'000; ms += 77'777'777'000) {
        for (int const zone : {0, 1, -1, 330, -570, 1439, -1439}) {
            auto const d = parse_date(format_date(from_millis(ms), zone));
            ASSERT_TRUE(d);
            EXPECT_EQ(to_millis(d->time), ms);
            EXPECT_EQ(d->zone_minutes, zone);
        }
    }
}

TEST(Date, ObsoleteForms) {  // RFC 5322 §4.3, A.5, A.6.2
    EXPECT_EQ(again("Fri, 21 Nov 1997 09(comment):   55  :  06 -0600"),
              "Fri, 21 Nov 1997 09:55:06 -0600");
    EXPECT_EQ(again("21 Nov 97 09:55:06 GMT"), "Fri, 21 Nov 1997 09:55:06 +0000");
    EXPECT_EQ(again("Thu,\r\n 13\r\n Feb\r\n 1969\r\n 23:32\r\n -0330 (Newfoundland Time)"),
              "Thu, 13 Feb 1969 23:32:00 -0330");
    EXPECT_EQ(again("1 Jan 49 0:00 EST"), "Fri, 01 Jan 2049 00:00:00 -0500");
    EXPECT_EQ(again("1 Jan 102 00:00 PDT"), "Tue, 01 Jan 2002 00:00:00 -0700");
    EXPECT_EQ(again("1 Jan 2000 00:00 A"), "Sat, 01 Jan 2000 00:00:00 +0000?");
    EXPECT_EQ(again("1 Jan 2000 00:00 -0000"), "Sat, 01 Jan 2000 00:00:00 +0000?");
    EXPECT_EQ(again("1 Jan 2000 00:00"), "Sat, 01 Jan 2000 00:00:00 +0000?");
    EXPECT_EQ(again("Sat, 31 Dec 2016 23:59:60 +0000"), "Sun, 01 Jan 2017 00:00:00 +0000")
        << "a leap second";
}

TEST(Date, RefusesWhatIsNoDate) {
    for (std::string_view const text :
         {"", "Fri", "32 Nov 1997 00:00 +0000", "29 Feb 2001 00:00 +0000", "1 Foo 1997 00:00 +0000",
          "1 Nov 1 00:00 +0000", "1 Nov 19971 00:00 +0000", "1 Nov 1997 24:00 +0000",
          "1 Nov 1997 00:60 +0000", "1 Nov 1997 00:00:61 +0000", "1 Nov 1997 00:00 +0060",
          "1 Nov 1997 00:00 +2400", "1 Nov 1997 00:00 +000", "1 Nov 1997 00:00 +0000 x",
          "1 Nov 1997 00:00 +0000 (", "1 Nov 0999 00:00 +0000", "-1 Nov 1997 00:00 +0000"})
        EXPECT_EQ(again(text), "bad syntax") << text;
}

}  // namespace
}  // namespace dawk::mail
