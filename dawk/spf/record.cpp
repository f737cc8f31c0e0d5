#include "dawk/spf/record.hpp"

#include <algorithm>
#include <stdexcept>

#include <arpa/inet.h>

#include "dawk/base/ascii.hpp"
#include "dawk/spf/macro.hpp"

namespace dawk::spf {

void throw_exception_from_error(Problem const& problem, boost::source_location const&) {
    throw std::runtime_error(problem.reason);
}

std::optional<Ip> Ip::parse(std::string_view text) {
    std::string const copy(text);
    if (copy.size() != text.size() || copy.find('\0') != copy.npos) return std::nullopt;
    Ip ip;
    if (inet_pton(AF_INET, copy.c_str(), ip.octets.data()) == 1) return ip;
    if (inet_pton(AF_INET6, copy.c_str(), ip.octets.data()) != 1) return std::nullopt;
    ip.is_v6 = true;
    bool const zeros =
        std::all_of(ip.octets.begin(), ip.octets.begin() + 10, [](auto o) { return o == 0; });
    if (zeros && ip.octets[10] == 0xFF && ip.octets[11] == 0xFF) {
        Ip mapped;
        std::copy(ip.octets.begin() + 12, ip.octets.end(), mapped.octets.begin());
        return mapped;
    }
    return ip;
}

bool Ip::is_in(Ip const& network, unsigned bits) const noexcept {
    if (is_v6 != network.is_v6) return false;
    for (std::size_t i = 0; bits > 0; ++i) {
        unsigned const here = std::min(bits, 8U);
        unsigned const mask = (0xFF00U >> here) & 0xFFU;
        if (((octets[i] ^ network.octets[i]) & mask) != 0) return false;
        bits -= here;
    }
    return true;
}

std::string Ip::dotted() const {
    if (!is_v6) return text();
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string out;
    for (auto const octet : octets) {
        if (!out.empty()) out += '.';
        out += digits[octet >> 4U];
        out += '.';
        out += digits[octet & 15U];
    }
    return out;
}

std::string Ip::text() const {
    char buffer[INET6_ADDRSTRLEN] = {};
    inet_ntop(is_v6 ? AF_INET6 : AF_INET, octets.data(), buffer, sizeof buffer);
    return buffer;
}

bool is_spf1(std::string_view text) noexcept {
    constexpr std::string_view version = "v=spf1";
    return ascii::istarts_with(text, version) &&
           (text.size() == version.size() || text[version.size()] == ' ');
}

std::string_view to_string(Mechanism mechanism) noexcept {
    switch (mechanism) {
        case Mechanism::all:
            return "all";
        case Mechanism::include:
            return "include";
        case Mechanism::a:
            return "a";
        case Mechanism::mx:
            return "mx";
        case Mechanism::ptr:
            return "ptr";
        case Mechanism::ip4:
            return "ip4";
        case Mechanism::ip6:
            return "ip6";
        case Mechanism::exists:
            return "exists";
    }
    return "";
}

namespace {

Problem bad(std::string_view what, std::string_view term) {
    return Problem{std::string(what) + " in '" + ascii::printable(term, 80) + "'"};
}

std::optional<Mechanism> mechanism_of(std::string_view name) {
    for (auto const m : {Mechanism::all, Mechanism::include, Mechanism::a, Mechanism::mx,
                         Mechanism::ptr, Mechanism::ip4, Mechanism::ip6, Mechanism::exists}) {
        if (ascii::iequals(name, to_string(m))) return m;
    }
    return std::nullopt;
}

// ip4-cidr-length = "/" ("0" / %x31-39 0*1DIGIT), at most 32; ip6 likewise, at most 128 (§5.6).
std::optional<unsigned> prefix_length(std::string_view digits, unsigned max) {
    if (digits.size() > 1 && digits.front() == '0') return std::nullopt;
    auto const value = ascii::to_number<unsigned>(digits);
    if (!value || *value > max) return std::nullopt;
    return value;
}

// Where digits behind `slashes` end the text: before the slashes. Nothing when they do not.
std::optional<std::size_t> prefix_at(std::string_view text, std::string_view slashes) {
    auto const digits = text.find_last_not_of("0123456789") + 1;  // 0 when all are
    if (digits == text.size() || digits < slashes.size()) return std::nullopt;
    if (!text.substr(0, digits).ends_with(slashes)) return std::nullopt;
    return digits - slashes.size();
}

// Cuts a dual-cidr-length "/24//64" off the end of what follows the name of "a" and "mx" (§5.3).
// Only digits make one: a slash elsewhere is of the domain, where macro-literal allows it (§12).
bool take_dual_cidr(std::string_view& rest, Directive& out) {
    if (auto const at = prefix_at(rest, "//")) {
        auto const bits = prefix_length(rest.substr(*at + 2), 128);
        if (!bits) return false;
        out.bits6 = *bits;
        rest = rest.substr(0, *at);
    }
    if (auto const at = prefix_at(rest, "/")) {
        auto const bits = prefix_length(rest.substr(*at + 1), 32);
        if (!bits) return false;
        out.bits4 = *bits;
        rest = rest.substr(0, *at);
    }
    return true;
}

bool parse_network(std::string_view rest, Directive& out) {
    bool const v6 = out.mechanism == Mechanism::ip6;
    auto const slash = rest.find('/');
    std::string const address(rest.substr(0, slash));
    out.network.is_v6 = v6;
    if (inet_pton(v6 ? AF_INET6 : AF_INET, address.c_str(), out.network.octets.data()) != 1)
        return false;
    if (slash == rest.npos) return true;
    auto const bits = prefix_length(rest.substr(slash + 1), v6 ? 128 : 32);
    if (!bits) return false;
    (v6 ? out.bits6 : out.bits4) = *bits;
    return true;
}

// What follows the mechanism's name: ":domain-spec", "/cidr", or nothing, as the mechanism wants
// it.
std::optional<Problem> parse_arguments(std::string_view rest, std::string_view term,
                                       Directive& out) {
    switch (out.mechanism) {
        case Mechanism::all:
            if (!rest.empty()) return bad("'all' takes no argument", term);
            return std::nullopt;
        case Mechanism::ip4:
        case Mechanism::ip6:
            if (!rest.starts_with(':') || !parse_network(rest.substr(1), out))
                return bad("bad address", term);
            return std::nullopt;
        case Mechanism::a:
        case Mechanism::mx:
            if (!take_dual_cidr(rest, out)) return bad("bad prefix length", term);
            break;
        case Mechanism::ptr:
            break;
        case Mechanism::include:
        case Mechanism::exists:
            if (rest.empty()) return bad("a domain is missing", term);
            break;
    }
    if (rest.empty()) return std::nullopt;
    if (rest.front() != ':') return bad("unexpected text", term);
    out.domain_spec = rest.substr(1);
    if (!is_domain_spec(out.domain_spec)) return bad("bad domain", term);
    return std::nullopt;
}

std::optional<Problem> parse_directive(std::string_view term, Record& record) {
    Directive out;
    out.text = term;
    auto rest = term;
    switch (rest.front()) {
        case '-':
            out.qualifier = Qualifier::fail;
            break;
        case '~':
            out.qualifier = Qualifier::softfail;
            break;
        case '?':
            out.qualifier = Qualifier::neutral;
            break;
        default:
            break;
    }
    if (std::string_view("+-~?").find(rest.front()) != std::string_view::npos)
        rest.remove_prefix(1);
    auto const end = std::min(rest.find_first_of(":/"), rest.size());
    auto const mechanism = mechanism_of(rest.substr(0, end));
    if (!mechanism) return bad("unknown mechanism", term);
    out.mechanism = *mechanism;
    if (auto problem = parse_arguments(rest.substr(end), term, out)) return problem;
    record.directives.push_back(std::move(out));
    return std::nullopt;
}

// name = ALPHA *( ALPHA / DIGIT / "-" / "_" / "." ) (§12)
bool is_modifier_name(std::string_view name) {
    return !name.empty() && ascii::is_alpha(name.front()) &&
           std::all_of(name.begin(), name.end(), [](char c) {
               return ascii::is_alnum(c) || c == '-' || c == '_' || c == '.';
           });
}

std::optional<Problem> parse_modifier(std::string_view name, std::string_view value,
                                      std::string_view term, Record& record) {
    auto* const target = ascii::iequals(name, "redirect") ? &record.redirect
                         : ascii::iequals(name, "exp")    ? &record.exp
                                                          : nullptr;
    if (target == nullptr) {  // unknown modifiers are ignored, but must be well-formed (§6)
        if (!is_macro_string(value)) return bad("bad macro", term);
        return std::nullopt;
    }
    if (*target) return bad("modifier given twice", term);  // §6
    if (!is_domain_spec(value)) return bad("bad domain", term);
    *target = std::string(value);
    return std::nullopt;
}

}  // namespace

Parsed<Record> parse_record(std::string_view text) {
    if (!is_spf1(text)) return Problem{"not an SPF version 1 record"};
    Record record;
    text.remove_prefix(6);
    while (!text.empty()) {
        if (text.front() == ' ') {
            text.remove_prefix(1);
            continue;
        }
        auto const end = std::min(text.find(' '), text.size());
        auto const term = text.substr(0, end);
        text.remove_prefix(end);
        if (!std::all_of(term.begin(), term.end(), ascii::is_print))
            return bad("octet outside ASCII", term);
        auto const equals = term.find('=');
        auto problem =
            equals != term.npos && is_modifier_name(term.substr(0, equals))
                ? parse_modifier(term.substr(0, equals), term.substr(equals + 1), term, record)
                : parse_directive(term, record);
        if (problem) return *problem;
    }
    return record;
}

}  // namespace dawk::spf
