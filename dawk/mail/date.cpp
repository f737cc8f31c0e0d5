#include "dawk/mail/date.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "dawk/base/ascii.hpp"
#include "dawk/base/check.hpp"
#include "dawk/mail/lexer.hpp"

namespace dawk::mail {
namespace {

using namespace std::chrono;

constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> week_days{"Sun", "Mon", "Tue", "Wed",
                                                    "Thu", "Fri", "Sat"};

struct NamedZone {
    std::string_view name;
    int hours;
};
// RFC 5322 §4.3
constexpr std::array<NamedZone, 10> named_zones{{{"UT", 0},
                                                 {"GMT", 0},
                                                 {"EST", -5},
                                                 {"EDT", -4},
                                                 {"CST", -6},
                                                 {"CDT", -5},
                                                 {"MST", -7},
                                                 {"MDT", -6},
                                                 {"PST", -8},
                                                 {"PDT", -7}}};

bool is_alpha(char c) noexcept {
    return ascii::is_alpha(c);
}
bool is_digit(char c) noexcept {
    return ascii::is_digit(c);
}

std::optional<int> number(Lexer& in, std::size_t digits_min, std::size_t digits_max) {
    auto const digits = in.run(is_digit);
    if (!digits || digits->size() < digits_min || digits->size() > digits_max) return std::nullopt;
    return ascii::to_number<int>(*digits);
}

template <std::size_t size>
std::optional<unsigned> name_index(Lexer& in, std::array<std::string_view, size> const& names) {
    auto const word = in.run(is_alpha);
    if (!word || word->size() < 3) return std::nullopt;
    // Full names ("November") are not in any grammar, but in much old mail.
    for (unsigned i = 0; i < size; ++i) {
        if (ascii::iequals(word->substr(0, 3), names[i])) return i;
    }
    return std::nullopt;
}

std::optional<year_month_day> day_of(Lexer& in) {
    if (ascii::is_alpha(in.peek())) {
        if (!name_index(in, week_days)) return std::nullopt;
        in.take(',');
    }
    auto const d = number(in, 1, 2);
    if (!d) return std::nullopt;
    auto const m = name_index(in, months);
    if (!m) return std::nullopt;
    auto const before = in.rest();
    auto y = number(in, 2, 4);
    if (!y) return std::nullopt;
    auto const digits = ascii::trim(before.substr(0, before.size() - in.rest().size())).size();
    if (digits == 2) *y += *y < 50 ? 2000 : 1900;  // RFC 5322 §4.3
    if (digits == 3) *y += 1900;
    if (*y < 1900) return std::nullopt;
    year_month_day const date{year{*y}, month{*m + 1}, day{static_cast<unsigned>(*d)}};
    if (!date.ok()) return std::nullopt;
    return date;
}

std::optional<seconds> time_of(Lexer& in) {
    auto const h = number(in, 1, 2);
    if (!h || !in.take(':')) return std::nullopt;
    auto const m = number(in, 2, 2);
    if (!m || *h > 23 || *m > 59) return std::nullopt;
    int s = 0;
    if (in.take(':')) {
        auto const given = number(in, 2, 2);
        if (!given || *given > 60) return std::nullopt;
        s = *given;
    }
    return hours{*h} + minutes{*m} + seconds{s};
}

struct Zone {
    int minutes = 0;
    bool known = true;
};

// RFC 5322 §4.3: a zone nobody knows, and the single letters, which RFC 822 had wrong, are -0000.
std::optional<Zone> zone_of(Lexer& in) {
    char const c = in.peek();
    if (c == '\0') return Zone{0, false};
    if (c == '+' || c == '-') {
        in.take(c);
        auto const digits = number(in, 4, 4);
        if (!digits || *digits % 100 > 59 || *digits / 100 > 23) return std::nullopt;
        int const offset = *digits / 100 * 60 + *digits % 100;
        return Zone{c == '-' ? -offset : offset, c == '+' || offset != 0};
    }
    auto const word = in.run(is_alpha);
    if (!word) return std::nullopt;
    for (auto const& zone : named_zones) {
        if (ascii::iequals(*word, zone.name)) return Zone{zone.hours * 60, true};
    }
    return Zone{0, false};
}

void append_number(std::string& out, unsigned value, std::size_t digits) {
    auto const text = std::to_string(value);
    if (text.size() < digits) out.append(digits - text.size(), '0');
    out += text;
}

}  // namespace

Result<Date> parse_date(std::string_view text) {
    Lexer in{text};
    auto const date = day_of(in);
    if (!date) return Errc::bad_syntax;
    auto const time = time_of(in);
    if (!time) return Errc::bad_syntax;
    auto const zone = zone_of(in);
    if (!zone || !in.at_end()) return Errc::bad_syntax;
    WallTime const local{sys_days{*date} + *time};
    return Date{local - minutes{zone->minutes}, zone->minutes, zone->known};
}

std::string format_date(WallTime time, int zone_minutes) {
    DAWK_CHECK(zone_minutes > -24 * 60 && zone_minutes < 24 * 60);
    auto const local = floor<seconds>(time) + minutes{zone_minutes};
    auto const days_local = floor<days>(local);
    year_month_day const date{days_local};
    hh_mm_ss const clock{local - days_local};
    auto const year_clamped = std::clamp(static_cast<int>(date.year()), 1900, 9999);
    std::string out{week_days[weekday{days_local}.c_encoding()]};
    out += ", ";
    append_number(out, static_cast<unsigned>(date.day()), 2);
    out.append(1, ' ').append(months[static_cast<unsigned>(date.month()) - 1]).append(1, ' ');
    append_number(out, static_cast<unsigned>(year_clamped), 4);
    out += ' ';
    append_number(out, static_cast<unsigned>(clock.hours().count()), 2);
    out += ':';
    append_number(out, static_cast<unsigned>(clock.minutes().count()), 2);
    out += ':';
    append_number(out, static_cast<unsigned>(clock.seconds().count()), 2);
    out += zone_minutes < 0 ? " -" : " +";
    auto const offset = static_cast<unsigned>(zone_minutes < 0 ? -zone_minutes : zone_minutes);
    append_number(out, offset / 60, 2);
    append_number(out, offset % 60, 2);
    return out;
}

}  // namespace dawk::mail
