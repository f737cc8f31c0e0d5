#include "dawk/mta/queue_filter.hpp"

#include <algorithm>

#include "dawk/base/ascii.hpp"

namespace dawk::mta {
namespace {

constexpr std::size_t target_max = 8192;
constexpr std::size_t parts_max = 64;

Result<std::string> decode(std::string_view text, bool is_query) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char const c = text[i];
        if (c == '%') {
            if (i + 2 >= text.size()) return Errc::bad_syntax;
            int const high = ascii::hex_value(text[i + 1]), low = ascii::hex_value(text[i + 2]);
            if (high < 0 || low < 0) return Errc::bad_syntax;
            out += static_cast<char>(high * 16 + low);
            i += 2;
        } else {
            if (ascii::is_control(c)) return Errc::bad_syntax;
            out += is_query && c == '+' ? ' ' : c;
        }
    }
    return out;
}

Result<void> parse_query(std::string_view text, std::map<std::string, std::string>& query) {
    while (!text.empty()) {
        auto const end = std::min(text.find('&'), text.size());
        auto const one = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (one.empty()) continue;
        auto const equals = std::min(one.find('='), one.size());
        DAWK_TRY(auto name, decode(one.substr(0, equals), true));
        DAWK_TRY(auto value, decode(one.substr(std::min(equals + 1, one.size())), true));
        query.insert_or_assign(std::move(name), std::move(value));
        if (query.size() > parts_max) return Errc::too_many;
    }
    return {};
}

std::string take(std::map<std::string, std::string>& query, char const* name) {
    auto const found = query.find(name);
    if (found == query.end()) return {};
    auto value = std::move(found->second);
    query.erase(found);
    return value;
}

}  // namespace

Result<Target> parse_target(std::string_view target) {
    if (target.size() > target_max) return Errc::too_long;
    Target out;
    auto const mark = target.find('?');
    auto path = target.substr(0, mark);
    if (!path.starts_with('/')) return Errc::bad_syntax;
    path.remove_prefix(1);
    while (!path.empty()) {
        auto const slash = std::min(path.find('/'), path.size());
        DAWK_TRY(auto segment, decode(path.substr(0, slash), false));
        out.path.push_back(std::move(segment));
        path.remove_prefix(std::min(slash + 1, path.size()));
        if (out.path.size() > parts_max) return Errc::too_many;
    }
    if (mark != std::string_view::npos)
        DAWK_TRY_VOID(parse_query(target.substr(mark + 1), out.query));
    return out;
}

bool QueueFilter::is_empty() const noexcept {
    return domain.empty() && recipient.empty() && sender.empty() && destination.empty() && !state &&
           !older_than;
}

bool QueueFilter::matches(envelope::Envelope const& envelope, WallTime now) const {
    if (older_than && now - envelope.arrived < *older_than) return false;
    if (sender.empty()) return true;
    if (sender == "<>") return envelope.reverse_path.is_null();
    return ascii::iequals(envelope.reverse_path.text(), sender);
}

bool QueueFilter::is_past(MessageId id, WallTime now) const noexcept {
    return older_than && id.born() > now - *older_than;
}

bool QueueFilter::matches(envelope::Recipient const& one) const {
    if (state && one.state != *state) return false;
    if (!destination.empty() && one.destination != destination) return false;
    if (!domain.empty() && !ascii::iequals(one.address.domain, domain)) return false;
    return recipient.empty() || ascii::iequals(one.address.text(), recipient) ||
           ascii::iequals(one.original.text(), recipient);
}

std::optional<Millis> parse_age(std::string_view text) {
    std::int64_t unit = 1;
    if (!text.empty() && !ascii::is_digit(text.back())) {
        switch (text.back()) {
            case 's':
                break;
            case 'm':
                unit = 60;
                break;
            case 'h':
                unit = 3600;
                break;
            case 'd':
                unit = 86'400;
                break;
            default:
                return std::nullopt;
        }
        text.remove_suffix(1);
    }
    auto const number = ascii::to_number<std::uint32_t>(text);
    if (!number) return std::nullopt;
    return std::chrono::seconds(*number * unit);
}

QueueFilter parse_filter(std::map<std::string, std::string>& query, std::string& problem) {
    QueueFilter filter;
    filter.domain = take(query, "domain");
    filter.recipient = take(query, "recipient");
    filter.sender = take(query, "sender");
    filter.destination = take(query, "destination");
    if (filter.domain.starts_with('@')) filter.domain.erase(0, 1);
    auto const state = take(query, "state");
    if (state == "waiting")
        filter.state = envelope::State::waiting;
    else if (state == "held")
        filter.state = envelope::State::held;
    else if (!state.empty())
        problem = "state must be waiting or held";
    auto const age = take(query, "older_than");
    if (!age.empty()) {
        filter.older_than = parse_age(age);
        if (!filter.older_than) problem = "older_than must be a number with s, m, h or d";
    }
    return filter;
}

}  // namespace dawk::mta
