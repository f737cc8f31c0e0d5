#include "dawk/config/units.hpp"

#include <gtest/gtest.h>

namespace dawk::config {
namespace {

using namespace std::chrono_literals;

TEST(Duration, AddsItsParts) {
    EXPECT_EQ(parse_duration("5m"), Millis(5min));
    EXPECT_EQ(parse_duration("1h30m"), Millis(90min));
    EXPECT_EQ(parse_duration("1w2d3h4m5s6ms"), Millis(9 * 24h + 3h + 4min + 5s + 6ms));
    EXPECT_EQ(parse_duration("0"), Millis(0));
    EXPECT_EQ(parse_duration("0s"), Millis(0));
    EXPECT_EQ(parse_duration("90m"), Millis(90min));
}

TEST(Duration, RefusesWhatIsNotExact) {
    for (auto const* text : {"", "5", "m", "5 m", "-5m", "+5m", "1.5h", "5m5m", "5m1h", "5x", "5m ",
                             "99999999999999999999s", "9223372036854775807s", "1h30", "five"})
        EXPECT_FALSE(parse_duration(text)) << text;
}

TEST(Duration, PrintsWhatItParses) {
    for (auto const* text : {"0s", "5m", "1h30m", "1d", "10d", "3w", "1d1ms", "250ms"})
        EXPECT_EQ(format_duration(*parse_duration(text)), text);
    for (std::int64_t n = 1; n < 100'000'000'000; n = n * 7 + 1)
        EXPECT_EQ(parse_duration(format_duration(Millis(n))), Millis(n));
}

TEST(Size, HasUnitsOfBothKinds) {
    EXPECT_EQ(parse_size("100MiB"), 100U << 20U);
    EXPECT_EQ(parse_size("100mib"), 100U << 20U);
    EXPECT_EQ(parse_size("1KB"), 1000U);
    EXPECT_EQ(parse_size("2TiB"), 2ULL << 40U);
    EXPECT_EQ(parse_size("7B"), 7U);
    for (auto const* text :
         {"", "5", "MiB", "5M", "5 MiB", "-5B", "1.5MiB", "5MiBB", "9999999999TiB"})
        EXPECT_FALSE(parse_size(text)) << text;
}

TEST(Size, PrintsWhatItParses) {
    EXPECT_EQ(format_size(0), "0B");
    EXPECT_EQ(format_size(100U << 20U), "100MiB");
    EXPECT_EQ(format_size(4096), "4KiB");
    EXPECT_EQ(format_size(12'288), "12KiB");
    for (std::uint64_t n = 1; n < (1ULL << 60U); n = n * 5 + 3)
        EXPECT_EQ(parse_size(format_size(n)), n);
}

TEST(SubnetText, OfBothFamilies) {
    EXPECT_EQ(parse_subnet("192.0.2.0/24")->prefix, 24U);
    EXPECT_EQ(parse_subnet("192.0.2.7")->prefix, 32U);
    EXPECT_TRUE(parse_subnet("2001:db8::/32")->is_v6);
    EXPECT_EQ(parse_subnet("::/0")->prefix, 0U);
    EXPECT_TRUE(parse_subnet("127.0.0.0/8")->is_loopback);
    EXPECT_TRUE(parse_subnet("::1")->is_loopback);
    EXPECT_FALSE(parse_subnet("::2")->is_loopback);
    for (auto const* text :
         {"", "/24", "192.0.2.0/33", "192.0.2.1/24", "192.0.2/24", "2001:db8::1/32", "::/129",
          "a/8", "192.0.2.0/", "192.0.2.0/-1", "192.0.2.0/24/8"})
        EXPECT_FALSE(parse_subnet(text)) << text;
}

TEST(Nearest, FindsWhatWasMeant) {
    std::vector<std::string_view> const words = {"hostname", "state_dir", "starttls", "none"};
    EXPECT_EQ(nearest("hostnam", words), "hostname");
    EXPECT_EQ(nearest("HostName", words), "hostname");
    EXPECT_EQ(nearest("startls", words), "starttls");
    EXPECT_EQ(nearest("statedir", words), "state_dir");
    EXPECT_EQ(nearest("no", words), std::nullopt);
    EXPECT_EQ(nearest("completely", words), std::nullopt);
    EXPECT_EQ(nearest("", words), std::nullopt);
    EXPECT_EQ(nearest(std::string(1000, 'n'), words), std::nullopt);
}

}  // namespace
}  // namespace dawk::config
