#include "dawk/routing/mx.hpp"

#include <algorithm>

#include "dawk/base/ascii.hpp"

namespace dawk::routing {
namespace {

using Kind = ExchangerChoice::Kind;

// splitmix64: the same order for the same seed everywhere.
std::uint64_t next_random(std::uint64_t& state) noexcept {
    state += 0x9E3779B97F4A7C15ULL;
    std::uint64_t z = state;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31U);
}

template <class T>
void shuffle(std::vector<T>& items, std::uint64_t& state) {
    for (std::size_t i = items.size(); i > 1; --i) {
        std::swap(items[i - 1], items[next_random(state) % i]);
    }
}

bool is_own(std::string_view host, std::span<std::string const> own_names) noexcept {
    return std::any_of(own_names.begin(), own_names.end(),
                       [&](std::string const& own) { return ascii::iequals(own, host); });
}

// RFC 5321 §5.1: equal preferences in random order, lower numbers first.
void sort_exchangers(std::vector<dns::Mx>& records, std::uint64_t seed) {
    shuffle(records, seed);
    std::stable_sort(records.begin(), records.end(), [](dns::Mx const& a, dns::Mx const& b) {
        return a.preference < b.preference;
    });
}

ExchangerChoice failed(Kind kind, std::string text) {
    ExchangerChoice choice;
    choice.kind = kind;
    choice.text = std::move(text);
    return choice;
}

ExchangerChoice choose_among(std::string const& domain, std::vector<dns::Mx> records,
                             std::span<std::string const> own_names, std::uint64_t seed) {
    // RFC 7505 §3: "." alone says that the domain takes no mail; beside others it is just unusable.
    bool const only_null = std::all_of(records.begin(), records.end(),
                                       [](dns::Mx const& mx) { return mx.exchange.empty(); });
    if (only_null) return failed(Kind::no_mail, domain + " takes no mail (null MX)");
    std::erase_if(records, [](dns::Mx const& mx) { return mx.exchange.empty(); });
    sort_exchangers(records, seed);
    // RFC 5321 §5.1: with ourselves in the list, all of our preference and above is discarded.
    auto const own = std::find_if(records.begin(), records.end(), [&](dns::Mx const& mx) {
        return is_own(mx.exchange, own_names);
    });
    if (own != records.end()) {
        auto const limit = own->preference;
        std::erase_if(records, [&](dns::Mx const& mx) { return mx.preference >= limit; });
        if (records.empty()) {
            return failed(Kind::loop, "mail for " + domain + " would loop back to this host");
        }
    }
    ExchangerChoice choice;
    choice.kind = Kind::hosts;
    for (auto& mx : records) {
        auto const& hosts = choice.hosts;
        bool const known = std::find(hosts.begin(), hosts.end(), mx.exchange) != hosts.end();
        if (!known && hosts.size() < ExchangerChoice::hosts_max) {
            choice.hosts.push_back(std::move(mx.exchange));
        }
    }
    return choice;
}

}  // namespace

ExchangerChoice choose_exchangers(std::string_view domain, dns::Answer const& answer,
                                  std::span<std::string const> own_names, std::uint64_t seed) {
    std::string const name(domain);
    ExchangerChoice choice;
    switch (answer.status) {
        case dns::Status::ok:
            choice = choose_among(name, answer.mx, own_names, seed);
            break;
        case dns::Status::no_data:
            // RFC 5321 §5.1: the implicit MX. Only when there is none, never when MX hosts fail.
            if (is_own(domain, own_names)) {
                return failed(Kind::loop, "mail for " + name + " would loop back to this host");
            }
            choice.kind = Kind::hosts;
            choice.is_implicit = true;
            choice.hosts.push_back(answer.canonical_name.empty() ? name : answer.canonical_name);
            break;
        case dns::Status::nxdomain:
            return failed(Kind::no_domain, "the domain " + name + " does not exist");
        case dns::Status::servfail:
        case dns::Status::timeout:
        case dns::Status::bogus:
            return failed(Kind::temporary,
                          "no answer of DNS about the mail hosts of " + name + ": " +
                              (answer.error_detail.empty() ? dns::to_string(answer.status)
                                                           : answer.error_detail));
    }
    choice.is_secure = answer.secure;
    return choice;
}

std::vector<std::string> order_addresses(std::vector<std::string> ipv6,
                                         std::vector<std::string> ipv4, std::uint64_t seed,
                                         bool ipv4_first) {
    shuffle(ipv6, seed);
    shuffle(ipv4, seed);
    auto& first = ipv4_first ? ipv4 : ipv6;
    auto& second = ipv4_first ? ipv6 : ipv4;
    std::vector<std::string> ordered;
    ordered.reserve(first.size() + second.size());
    for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
        if (i < first.size()) ordered.push_back(std::move(first[i]));
        if (i < second.size()) ordered.push_back(std::move(second[i]));
    }
    return ordered;
}

std::string literal_address(std::string_view domain) {
    if (domain.size() < 3 || domain.front() != '[' || domain.back() != ']') return {};
    domain = domain.substr(1, domain.size() - 2);
    constexpr std::string_view tag = "ipv6:";
    if (ascii::istarts_with(domain, tag)) domain.remove_prefix(tag.size());
    auto const is_address_octet = [](char c) {
        return ascii::hex_value(c) >= 0 || c == ':' || c == '.';
    };
    if (!std::all_of(domain.begin(), domain.end(), is_address_octet)) return {};
    return std::string(domain);
}

}  // namespace dawk::routing
