#include "dawk/observe/json_line.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "dawk/base/ascii.hpp"
#include "dawk/mail/utf8.hpp"

namespace dawk::observe {
namespace {

class Line {
  public:
    explicit Line(std::string& out) : out_(out) { out_ += '{'; }
    void text(std::string_view name, std::string_view value) {
        if (value.empty()) return;
        key(name);
        append_string(out_, value);
    }
    void number(std::string_view name, std::uint64_t value) {
        if (value == 0) return;
        key(name);
        fmt::format_to(std::back_inserter(out_), "{}", value);
    }
    void time(std::string_view name, WallTime at) {
        if (at == WallTime{}) return;
        key(name);
        out_ += '"';
        out_ += to_utc(at);
        out_ += '"';
    }
    void end() { out_ += "}\n"; }

  private:
    void key(std::string_view name) {
        if (out_.back() != '{') out_ += ',';
        out_ += '"';
        out_ += name;
        out_ += "\":";
    }
    std::string& out_;
};

void append_origin(Line& line, envelope::Origin const& origin) {
    line.text("listener", origin.listener);
    line.text("client", origin.client_address);
    line.text("client_name", origin.client_name);
    line.text("helo", origin.helo);
    line.text("protocol", origin.protocol);
    line.text("client_tls", origin.tls);
    line.text("user", origin.identity);
}

void append_outcome(Line& line, envelope::Outcome const& outcome) {
    line.number("code", outcome.code);
    line.text("status", outcome.status);
    line.text("text", outcome.text);
    line.text("remote_host", outcome.remote_host);
    line.text("remote_address", outcome.remote_address);
    line.text("stage", outcome.stage);
    line.text("tls", outcome.tls);
    line.number("took_ms", outcome.took_ms);
}

}  // namespace

std::string to_utc(WallTime at) {
    auto const day = std::chrono::floor<std::chrono::days>(at);
    std::chrono::year_month_day const date(day);
    std::chrono::hh_mm_ss<Millis> const time(at - day);
    std::string out = "0000-00-00T00:00:00.000Z";
    auto const put = [&out](std::size_t first, std::size_t size, std::int64_t value) {
        for (std::size_t i = size; i-- > 0; value /= 10) {
            out[first + i] = static_cast<char>('0' + value % 10);
        }
    };
    put(0, 4, std::clamp(static_cast<int>(date.year()), 0, 9999));
    put(5, 2, static_cast<unsigned>(date.month()));
    put(8, 2, static_cast<unsigned>(date.day()));
    put(11, 2, time.hours().count());
    put(14, 2, time.minutes().count());
    put(17, 2, time.seconds().count());
    put(20, 3, time.subseconds().count());
    return out;
}

void append_string(std::string& out, std::string_view text) {
    out += '"';
    bool const clean = mail::is_utf8(text);
    std::size_t plain = 0;  // from here on nothing had to be escaped
    for (std::size_t i = 0; i < text.size(); ++i) {
        char const c = text[i];
        bool const escaped = c == '"' || c == '\\';
        bool const coded = ascii::is_control(c) || (!clean && ascii::is_eight_bit(c));
        if (!escaped && !coded) continue;
        out += text.substr(plain, i - plain);
        plain = i + 1;
        if (coded) {
            fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned char>(c));
        } else {
            out += '\\';
            out += c;
        }
    }
    out += text.substr(plain);
    out += '"';
}

void append_json(std::string& out, envelope::Event const& event) {
    Line line(out);
    line.time("at", event.at);
    line.text("event", envelope::to_string(event.kind));
    if (!event.id.is_null()) line.text("id", event.id.text());
    bool const of_message = !event.id.is_null() || event.kind == envelope::Event::Kind::refused;
    if (of_message) line.text("from", event.sender.empty() ? "<>" : event.sender);
    line.text("to", event.recipient);
    line.text("destination", event.destination);
    line.number("attempt", event.attempt);
    append_outcome(line, event.outcome);
    line.time("next_attempt", event.next_attempt);
    line.number("size", event.size_bytes);
    append_origin(line, event.origin);
    if (!event.related.is_null()) line.text("related", event.related.text());
    line.text("note", event.note);
    line.end();
}

void append_json(std::string& out, WallTime at, std::string_view level, std::string_view text) {
    Line line(out);
    line.time("at", at);
    line.text("event", "server");
    line.text("level", level);
    line.text("text", text);
    line.end();
}

}  // namespace dawk::observe
