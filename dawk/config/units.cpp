#include "dawk/config/units.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include <arpa/inet.h>

#include "dawk/base/ascii.hpp"

namespace dawk::config {
namespace {

struct Unit {
    std::string_view name;
    std::uint64_t factor;
};
constexpr std::array time_units = {Unit{"w", 7ULL * 24 * 3600 * 1000},
                                   Unit{"d", 24ULL * 3600 * 1000},
                                   Unit{"h", 3600ULL * 1000},
                                   Unit{"m", 60ULL * 1000},
                                   Unit{"s", 1000},
                                   Unit{"ms", 1}};
constexpr std::array size_units = {
    Unit{"TiB", 1ULL << 40U}, Unit{"GiB", 1ULL << 30U},  Unit{"MiB", 1ULL << 20U},
    Unit{"KiB", 1ULL << 10U}, Unit{"TB", 1000000000000}, Unit{"GB", 1000000000},
    Unit{"MB", 1000000},      Unit{"KB", 1000},          Unit{"B", 1}};
constexpr std::uint64_t value_max = std::numeric_limits<std::int64_t>::max();

std::string_view take_while(std::string_view& text, bool (*is_part)(char) noexcept) {
    std::size_t size = 0;
    while (size < text.size() && is_part(text[size])) ++size;
    auto const head = text.substr(0, size);
    text.remove_prefix(size);
    return head;
}

// number unit, at the start of text.
template <class Units>
std::optional<std::pair<std::uint64_t, std::size_t>> take_amount(std::string_view& text,
                                                                 Units const& units) {
    auto const number = ascii::to_number<std::uint64_t>(take_while(text, ascii::is_digit));
    auto const name = take_while(text, ascii::is_alpha);
    auto const unit = std::find_if(units.begin(), units.end(),
                                   [&](Unit const& u) { return ascii::iequals(u.name, name); });
    if (!number || unit == units.end() || *number > value_max / unit->factor) return std::nullopt;
    return std::pair(*number * unit->factor, static_cast<std::size_t>(unit - units.begin()));
}

}  // namespace

std::optional<Millis> parse_duration(std::string_view text) {
    std::uint64_t total = 0;
    std::size_t next = 0;
    if (text == "0") return Millis(0);
    if (text.empty()) return std::nullopt;
    while (!text.empty()) {
        auto const amount = take_amount(text, time_units);
        if (!amount || amount->second < next || amount->first > value_max - total)
            return std::nullopt;
        total += amount->first;
        next = amount->second + 1;
    }
    return Millis(static_cast<std::int64_t>(total));
}

std::string format_duration(Millis duration) {
    auto left = static_cast<std::uint64_t>(std::max<std::int64_t>(duration.count(), 0));
    if (left == 0) return "0s";
    std::string out;
    for (auto const& unit : time_units) {
        if (unit.name == "w" && left % unit.factor != 0) continue;  // 10d, not 1w3d
        if (left < unit.factor) continue;
        out += std::to_string(left / unit.factor) + std::string(unit.name);
        left %= unit.factor;
    }
    return out;
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
    auto const amount = take_amount(text, size_units);
    if (!amount || !text.empty()) return std::nullopt;
    return amount->first;
}

std::string format_size(std::uint64_t size_bytes) {
    if (size_bytes == 0) return "0B";
    for (auto const& unit : size_units)
        if (size_bytes % unit.factor == 0)
            return std::to_string(size_bytes / unit.factor) + std::string(unit.name);
    return std::to_string(size_bytes) + 'B';
}

std::optional<Subnet> parse_subnet(std::string_view text) {
    auto const slash = text.find('/');
    std::string const address(text.substr(0, slash));
    std::array<unsigned char, 16> octets{};
    Subnet out;
    out.is_v6 = address.find(':') != address.npos;
    if (inet_pton(out.is_v6 ? AF_INET6 : AF_INET, address.c_str(), octets.data()) != 1)
        return std::nullopt;
    unsigned const bits = out.is_v6 ? 128 : 32;
    out.prefix = bits;
    if (slash != text.npos) {
        auto const prefix = ascii::to_number<unsigned>(text.substr(slash + 1));
        if (!prefix || *prefix > bits) return std::nullopt;
        out.prefix = *prefix;
    }
    for (unsigned bit = out.prefix; bit < bits; ++bit)
        if ((octets[bit / 8] >> (7 - bit % 8) & 1U) != 0) return std::nullopt;
    auto const high_zero =
        std::all_of(octets.begin(), octets.begin() + 15, [](unsigned char o) { return o == 0; });
    out.is_loopback = out.is_v6 ? out.prefix == 128 && high_zero && octets[15] == 1
                                : out.prefix >= 8 && octets[0] == 127;
    return out;
}

// Letters too many, missing, wrong, or two swapped: each is one slip.
static std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::vector<std::size_t>> table(a.size() + 1,
                                                std::vector<std::size_t>(b.size() + 1));
    auto const same = [&](std::size_t i, std::size_t j) {
        return ascii::lower(a[i - 1]) == ascii::lower(b[j - 1]);
    };
    for (std::size_t i = 0; i <= a.size(); ++i) {
        for (std::size_t j = 0; j <= b.size(); ++j) {
            auto& slips = table[i][j];
            if (i == 0 || j == 0) {
                slips = i + j;
                continue;
            }
            slips = std::min({table[i - 1][j] + 1, table[i][j - 1] + 1,
                              table[i - 1][j - 1] + (same(i, j) ? 0 : 1)});
            bool const is_swap = i > 1 && j > 1 && same(i, j - 1) && same(i - 1, j);
            if (is_swap) slips = std::min(slips, table[i - 2][j - 2] + 1);
        }
    }
    return table[a.size()][b.size()];
}

std::optional<std::string> nearest(std::string_view word,
                                   std::vector<std::string_view> const& candidates) {
    constexpr std::size_t word_max = 64;
    if (word.size() > word_max) return std::nullopt;
    std::optional<std::string> best;
    // A word cut short.
    for (auto const candidate : candidates)
        if (word.size() >= 3 && ascii::istarts_with(candidate, word)) return std::string(candidate);
    std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
    for (auto const candidate : candidates) {
        auto const slips = distance(word, candidate);
        if (slips >= best_distance) continue;
        best_distance = slips;
        best = std::string(candidate);
    }
    return best;
}

}  // namespace dawk::config
