#include "dawk/mta/words.hpp"

#include <array>
#include <cstdio>

#include "dawk/base/ascii.hpp"
#include "dawk/mta/maildir.hpp"

namespace dawk::mta {
namespace {

using envelope::Event;
using envelope::Outcome;
using envelope::State;

std::string peer(std::string_view text) {
    return ascii::printable(text, 500);
}

std::string count_of(std::int64_t n, std::string_view unit) {
    return std::to_string(n) + ' ' + std::string(unit) + (n == 1 ? "" : "s");
}

std::string angle(std::string_view address) {
    return '<' + peer(address) + '>';
}

std::string with_note(std::string text, std::string const& note) {
    if (note.empty()) return text + '.';
    return text + ": " + peer(note);
}

}  // namespace

std::string_view to_string(State state) noexcept {
    switch (state) {
        case State::waiting:
            return "waiting";
        case State::held:
            return "held";
        case State::delivered:
            return "delivered";
        case State::relayed:
            return "relayed";
        case State::failed:
            return "failed";
        case State::expired:
            return "expired";
        case State::removed:
            return "removed";
    }
    return "unknown";
}

std::string_view to_string(routing::TlsMode mode) noexcept {
    using enum routing::TlsMode;
    switch (mode) {
        case none:
            return "none";
        case opportunistic:
            return "opportunistic";
        case required:
            return "required";
        case verified:
            return "verified";
        case implicit:
            return "implicit";
    }
    return "unknown";
}

std::string utc(WallTime at) {
    auto const days = std::chrono::floor<std::chrono::days>(at);
    std::chrono::year_month_day const date(days);
    std::chrono::hh_mm_ss const time(std::chrono::floor<std::chrono::seconds>(at - days));
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02dZ",
                  static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                  static_cast<unsigned>(date.day()), static_cast<int>(time.hours().count()),
                  static_cast<int>(time.minutes().count()),
                  static_cast<int>(time.seconds().count()));
    return text.data();
}

std::string say_duration(Millis duration) {
    auto const seconds = std::chrono::round<std::chrono::seconds>(duration).count();
    if (seconds < 120) return count_of(seconds, "second");
    if (seconds < 120 * 60) return count_of((seconds + 30) / 60, "minute");
    if (seconds < 48 * 3600) return count_of((seconds + 1800) / 3600, "hour");
    return count_of((seconds + 43'200) / 86'400, "day");
}

std::string say_when(WallTime at, WallTime now) {
    auto const text = utc(at);
    if (at > now) return text + " (in " + say_duration(at - now) + ')';
    return text + " (" + say_duration(now - at) + " ago)";
}

std::string say_route(routing::Route const& route, mail::Address const& address,
                      mail::Address const& original) {
    using Kind = routing::Route::Kind;
    auto const tls = ", TLS " + std::string(to_string(route.tls));
    switch (route.kind) {
        case Kind::mx:
            return "to the mail exchangers (MX) of " + route.domain + tls;
        case Kind::smtp:
            return "to the host " + route.host + " port " + std::to_string(route.port) + tls +
                   (route.user.empty() ? "" : ", logged in as " + route.user);
        case Kind::lmtp:
            return route.unix_path.empty()
                       ? "by LMTP to " + route.host + " port " + std::to_string(route.port)
                       : "by LMTP to the socket " + route.unix_path;
        case Kind::maildir:
            return "into the Maildir " +
                   maildir_folder(route.maildir, address, detail_of(address, original));
    }
    return "nowhere";
}

std::string say_outcome(Outcome const& outcome) {
    std::string text;
    auto const who =
        outcome.remote_host.empty()
            ? outcome.remote_address
            : outcome.remote_host +
                  (outcome.remote_address.empty() ? "" : " [" + outcome.remote_address + ']');
    auto const at = outcome.stage.empty() ? std::string() : " at " + peer(outcome.stage);
    if (outcome.code != 0)
        return (who.empty() ? "The other server" : peer(who)) + " answered" + at + ": " +
               std::to_string(outcome.code) + ' ' + outcome.status + ' ' + peer(outcome.text);
    return "Dawk found" + at + (who.empty() ? "" : " of " + peer(who)) + ": " + outcome.status +
           ' ' + peer(outcome.text);
}

std::string say_origin(envelope::Origin const& origin) {
    if (origin.listener == "local" && origin.client_address.empty()) return "made by Dawk itself";
    std::string text = "from ";
    text += origin.client_name.empty() ? "a client" : peer(origin.client_name);
    if (!origin.client_address.empty()) text += " [" + peer(origin.client_address) + ']';
    if (!origin.helo.empty()) text += ", which calls itself " + peer(origin.helo) + ',';
    if (!origin.identity.empty()) text += " logged in as " + peer(origin.identity);
    if (!origin.protocol.empty()) text += " by " + peer(origin.protocol);
    text += origin.tls.empty() ? " without TLS" : " over " + peer(origin.tls);
    if (!origin.listener.empty()) text += " at the listener " + peer(origin.listener);
    return text;
}

std::string say_event(Event const& event) {
    auto const to =
        event.recipient.empty() ? std::string("all recipients") : angle(event.recipient);
    using enum Event::Kind;
    switch (event.kind) {
        case received:
            return "Accepted mail of " + angle(event.sender) + ' ' + say_origin(event.origin) + '.';
        case refused:
            return "Refused " + say_origin(event.origin) + ": " + say_outcome(event.outcome);
        case delivered:
            return "Delivered to the mailbox of " + to + '.';
        case relayed:
            return "Relayed for " + to + ". " + say_outcome(event.outcome);
        case deferred:
            return "Attempt " + std::to_string(event.attempt) + " for " + to + " was deferred. " +
                   say_outcome(event.outcome) + "; next attempt " + utc(event.next_attempt) + '.';
        case failed:
            return "Failed for good for " + to + ". " + say_outcome(event.outcome);
        case expired:
            return "Given up for " + to + ", because its time is over. " +
                   say_outcome(event.outcome);
        case delay_notified:
            return "The sender was told of the delay for " + to + '.';
        case dsn_made:
            return "A report to " + to + " was made; it is message " + event.related.text() + '.';
        case held:
            return with_note("Held for " + to, event.note);
        case released:
            return with_note("Released for " + to, event.note);
        case removed:
            return with_note("Removed by an operator for " + to, event.note);
        case retried:
            return with_note("An operator asked for an attempt at once for " + to, event.note);
        case rerouted:
            return with_note("The way for " + to + " is now " + peer(event.destination),
                             event.note);
        case auth_failed:
        case auth_ok:
        case session_error:
        case spool_trouble:
            break;
    }
    return with_note(std::string(envelope::to_string(event.kind)), event.note);
}

}  // namespace dawk::mta
