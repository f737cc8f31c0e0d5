// How durations, sizes and networks are written, and which word was meant.
//
//     parse_duration("1h30m")   // 90 minutes; units ms s m h d w, largest first, each once
//     parse_size("100MiB")      // 104857600; B, KB MB GB TB by 1000, KiB MiB GiB TiB by 1024
//
// Everything is exact and bounded: no fraction, no sign, no space, no overflow.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dawk/base/time.hpp"

namespace dawk::config {

std::optional<Millis> parse_duration(std::string_view text);
std::string format_duration(Millis duration);  // the shortest that parses to the same

std::optional<std::uint64_t> parse_size(std::string_view text);
std::string format_size(std::uint64_t size_bytes);

// "192.0.2.0/24", "2001:db8::/32", or an address alone. Bits behind the prefix must be zero.
struct Subnet {
    bool is_v6 = false;
    unsigned prefix = 0;
    bool is_loopback = false;
};
std::optional<Subnet> parse_subnet(std::string_view text);

// The candidate that differs least from the word, if it is near enough to have been meant.
std::optional<std::string> nearest(std::string_view word,
                                   std::vector<std::string_view> const& candidates);

}  // namespace dawk::config
