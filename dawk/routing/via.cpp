#include "dawk/routing/via.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "dawk/base/ascii.hpp"
#include "dawk/mail/idna.hpp"

namespace dawk::routing {
namespace {

bool is_ipv4(std::string_view text) {
    int parts = 0;
    while (true) {
        auto const dot = text.find('.');
        auto const part = text.substr(0, dot);
        auto const value = ascii::to_number<unsigned>(part);
        if (!value || *value > 255 || part.size() > 3) return false;
        ++parts;
        if (dot == std::string_view::npos) return parts == 4;
        text.remove_prefix(dot + 1);
    }
}

// RFC 4291 §2.2: up to eight groups of four hexadecimal digits, one "::", an IPv4 tail.
bool is_ipv6(std::string_view text) {
    int groups = 0;
    bool gap = false;
    if (text.starts_with("::")) {
        gap = true;
        text.remove_prefix(2);
    }
    while (!text.empty()) {
        auto const colon = text.find(':');
        auto const group = text.substr(0, colon);
        if (colon == std::string_view::npos && is_ipv4(group)) {
            groups += 2;
            break;
        }
        if (group.empty() || group.size() > 4 ||
            !std::all_of(group.begin(), group.end(),
                         [](char c) { return ascii::hex_value(c) >= 0; }))
            return false;
        ++groups;
        if (colon == std::string_view::npos) break;
        text.remove_prefix(colon + 1);
        if (text.empty()) return false;
        if (text.front() == ':') {
            if (gap) return false;
            gap = true;
            text.remove_prefix(1);
        }
    }
    return gap ? groups < 8 : groups == 8;
}

}  // namespace

std::string HostPort::text(std::uint16_t default_port) const {
    auto const colon = host.find(':') != std::string::npos;
    auto const number = std::to_string(port != 0 ? port : default_port);
    return (colon ? '[' + host + ']' : host) + ':' + number;
}

Result<HostPort> parse_host_port(std::string_view text) {
    HostPort out;
    std::string_view rest;
    if (text.starts_with('[')) {
        auto const close = text.find(']');
        if (close == std::string_view::npos) return Errc::bad_syntax;
        out.host = ascii::to_lower(text.substr(1, close - 1));
        rest = text.substr(close + 1);
        out.is_literal = is_ipv6(out.host) || is_ipv4(out.host);
        if (!out.is_literal) return Errc::bad_syntax;
    } else {
        auto const colon = text.find(':');
        out.host = ascii::to_lower(text.substr(0, colon));
        if (colon != std::string_view::npos) rest = text.substr(colon);
        out.is_literal = is_ipv4(out.host);
        if (!out.is_literal) {
            if (!is_host_name(out.host)) return Errc::bad_syntax;
            out.host = canonical_domain(out.host);
        }
    }
    if (rest.empty()) return out;
    if (!rest.starts_with(':')) return Errc::bad_syntax;
    auto const port = ascii::to_number<std::uint16_t>(rest.substr(1));
    if (!port || *port == 0) return Errc::bad_syntax;
    out.port = *port;
    return out;
}

bool is_loopback(std::string_view host) {
    if (host == "::1" || ascii::iequals(host, "localhost")) return true;
    return host.starts_with("127.") && is_ipv4(host);
}

bool is_host_name(std::string_view name) {
    if (name.ends_with('.')) name.remove_suffix(1);
    if (name.empty() || name.size() > 253) return false;
    bool letter = false;
    while (true) {
        auto const dot = name.find('.');
        auto const label = name.substr(0, dot);
        if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-')
            return false;
        for (char const c : label) {
            if (!ascii::is_alnum(c) && c != '-' && c != '_' && !ascii::is_eight_bit(c))
                return false;
            letter = letter || !ascii::is_digit(c);
        }
        if (dot == std::string_view::npos) break;
        name.remove_prefix(dot + 1);
    }
    return letter;  // digits and dots alone would be a broken address
}

std::string canonical_domain(std::string_view domain) {
    if (domain.ends_with('.')) domain.remove_suffix(1);
    if (!ascii::is_ascii(domain)) {
        auto const labels = mail::to_a_labels(domain);
        if (labels) return *labels;
    }
    return ascii::to_lower(domain);
}

std::string maildir_problem(std::string_view path) {
    if (path.empty()) return "names no folder";
    bool local = false;
    for (std::size_t at = path.find_first_of("{}"); at != std::string_view::npos;
         at = path.find_first_of("{}", at + 1)) {
        auto const close = path.find('}', at);
        if (path[at] == '}' || close == std::string_view::npos)
            return "has a brace without its partner";
        auto const name = path.substr(at + 1, close - at - 1);
        if (name != "domain" && name != "local" && name != "detail")
            return "has an unknown placeholder {" + ascii::printable(name, 40) +
                   "}; there are {domain}, {local} and {detail}";
        local = local || name == "local";
        at = close;
    }
    if (!local) return "lacks {local}, so that all users would share one mailbox";
    return {};
}

}  // namespace dawk::routing
