#include "dawk/dmarcreport/destinations.hpp"

#include "dawk/base/ascii.hpp"
#include "dawk/dmarc/dmarc.hpp"
#include "dawk/mail/idna.hpp"

namespace dawk::dmarcreport {
namespace {

constexpr std::size_t name_bytes_max = 253;

std::optional<std::string> without_percent(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        if (text.size() - i < 3) return std::nullopt;
        int const high = ascii::hex_value(text[i + 1]), low = ascii::hex_value(text[i + 2]);
        if (high < 0 || low < 0) return std::nullopt;
        out += static_cast<char>(high << 4 | low);
        i += 2;
    }
    return out;
}

// "10m" of RFC 7489 §6.4; nothing where it is no size.
std::optional<std::uint64_t> size_of(std::string_view text) {
    std::uint64_t unit = 1;
    if (!text.empty()) {
        auto const at = std::string_view("kmgt").find(ascii::lower(text.back()));
        if (at != std::string_view::npos) {
            unit = 1ULL << (10 * (at + 1));
            text.remove_suffix(1);
        }
    }
    auto const count = ascii::to_number<std::uint32_t>(text);
    if (!count) return std::nullopt;
    return *count * unit;
}

std::string normal(std::string const& domain) {
    auto a = mail::to_a_labels(domain);
    return a ? ascii::to_lower(*a) : ascii::to_lower(domain);
}

struct Consent {
    bool is_given = false, is_temporary = false;
    std::vector<std::string> uris;  // what the record names instead
};

// RFC 9990 §4, steps 2 to 8.
dns::Inquiry<Consent> ask_consent(std::string policy_domain, std::string host, ReportKind kind) {
    Consent out;
    auto const name = policy_domain + "._report._dmarc." + host;
    if (name.size() > name_bytes_max) co_return out;
    dns::Question const question{name, dns::Type::txt};
    auto const answer = co_await dns::ask(question);
    out.is_temporary = answer.temporary();
    for (auto const& text : answer.texts) {
        if (!dmarc::is_dmarc1(text)) continue;
        out.is_given = true;
        // Only the tags of addresses count here; "p" need not be there, and with it the record
        // reads as one of policy.
        auto const parsed = dmarc::parse_record(text + "; p=none");
        if (!parsed.record || !out.uris.empty()) continue;
        out.uris = kind == ReportKind::aggregate ? parsed.record->rua : parsed.record->ruf;
    }
    co_return out;
}

// Step 9: another address, of the same host; else neither is used.
void replace(Destination& one, std::string const& uri) {
    auto other = parse_mailto(uri);
    if (!other || normal(other->address.domain) != normal(one.address.domain)) {
        one.is_allowed = false;
        one.reason =
            "its owner names an address of another host instead: " + ascii::printable(uri, 200);
        return;
    }
    one.address = other->address;
    one.bytes_max = other->bytes_max;
    one.reason += ", who named this address";
}

dns::Inquiry<int> judge(Destination& one, std::string policy_domain, std::string own,
                        ReportKind kind) {
    auto const host = normal(one.address.domain);
    auto const other = co_await dmarc::organizational_domain(host);
    if (other == own) {
        one.is_allowed = true;
        one.reason = "of the domain's own organization";
        co_return 0;
    }
    auto const consent = co_await ask_consent(policy_domain, host, kind);
    one.is_allowed = consent.is_given;
    one.is_temporary = consent.is_temporary;
    if (consent.is_temporary) {
        one.reason = "DNS did not say whether " + host + " wants these reports";
    } else if (!consent.is_given) {
        one.reason = host + " did not publish that it wants these reports";
    } else {
        one.reason = "wanted by " + host;
        if (!consent.uris.empty()) replace(one, consent.uris.front());
    }
    co_return 0;
}

}  // namespace

std::optional<Destination> parse_mailto(std::string const& uri) {
    constexpr std::string_view scheme = "mailto:";
    if (!ascii::istarts_with(uri, scheme)) return std::nullopt;
    Destination out;
    out.uri = uri;
    auto rest = std::string_view(uri).substr(scheme.size());
    // A "!" of the address itself is written %21 (RFC 7489 §6.2).
    if (auto const mark = rest.find('!'); mark != rest.npos) {
        auto const size = size_of(rest.substr(mark + 1));
        if (!size) return std::nullopt;
        out.bytes_max = *size;
        rest = rest.substr(0, mark);
    }
    auto const text = without_percent(rest.substr(0, rest.find('?')));
    if (!text) return std::nullopt;
    auto address = mail::parse_mailbox(*text);
    if (!address || address->has_literal()) return std::nullopt;
    out.address = std::move(*address);
    return out;
}

dns::Inquiry<std::vector<Destination>> destinations(std::string policy_domain,
                                                    std::vector<std::string> uris,
                                                    ReportKind kind) {
    std::vector<Destination> out;
    auto const domain = normal(policy_domain);
    if (uris.size() > destinations_max) uris.resize(destinations_max);
    if (uris.empty()) co_return out;
    auto const own = co_await dmarc::organizational_domain(domain);
    for (auto const& uri : uris) {
        auto parsed = parse_mailto(uri);
        if (!parsed) {
            Destination unusable;
            unusable.uri = uri;
            unusable.reason = "not a mail address that can be used";
            out.push_back(std::move(unusable));
            continue;
        }
        auto one = std::move(*parsed);
        auto const done = co_await judge(one, domain, own, kind);
        (void)done;
        out.push_back(std::move(one));
    }
    co_return out;
}

}  // namespace dawk::dmarcreport
