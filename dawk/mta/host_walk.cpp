#include "dawk/mta/host_walk.hpp"

#include <algorithm>

#include "dawk/mail/idna.hpp"
#include "dawk/routing/mx.hpp"

namespace dawk::mta {
namespace {

using envelope::Outcome;
using routing::ExchangerChoice;

constexpr auto remember_for = std::chrono::minutes(5);
constexpr auto remember_tls_for = std::chrono::hours(1);
constexpr std::size_t remembered_max = 4096;

bool is_address(std::string const& text) {
    return rt::parse_endpoint(rt::Endpoint{text, 25}.text()).has_value();
}

}  // namespace

bool Target::is_loopback() const noexcept {
    auto const& address = endpoint.address;
    return endpoint.is_unix() || address.starts_with("127.") || address == "::1";
}

void HostMemory::remember(Times& times, std::string const& address, SteadyTime until,
                          SteadyTime now) {
    if (times.size() >= remembered_max) {
        std::erase_if(times, [&](auto const& entry) { return entry.second <= now; });
    }
    if (times.size() < remembered_max || times.contains(address)) times[address] = until;
}

void HostMemory::did_not_answer(std::string const& address, SteadyTime now) {
    remember(bad_until_, address, now + remember_for, now);
    if (address.find(':') != address.npos) ipv6_bad_until_ = now + remember_for;
}

void HostMemory::answered(std::string const& address) {
    if (!bad_until_.empty()) bad_until_.erase(address);
    if (address.find(':') != address.npos) ipv6_bad_until_ = {};
}

bool HostMemory::is_bad(std::string const& address, SteadyTime now) const {
    auto const found = bad_until_.find(address);
    return found != bad_until_.end() && now < found->second;
}

void HostMemory::tls_broke(std::string const& address, SteadyTime now) {
    remember(tls_broken_until_, address, now + remember_tls_for, now);
}

bool HostMemory::is_tls_broken(std::string const& address, SteadyTime now) const {
    auto const found = tls_broken_until_.find(address);
    return found != tls_broken_until_.end() && now < found->second;
}

HostWalk::HostWalk(rt::Env& env, HostMemory& memory, routing::Route const& route,
                   Settings const& settings)
    : env_(env), memory_(memory), route_(route), settings_(settings) {}

Task<std::optional<Target>> HostWalk::next() {
    if (!begun_) {
        begun_ = true;
        co_await begin();
    }
    while (targets_.empty() && !hosts_.empty()) {
        auto host = std::move(hosts_.front());
        hosts_.pop_front();
        co_await expand(std::move(host));
    }
    // Those that lately did not answer are not given up, only tried last.
    if (targets_.empty()) targets_.swap(later_);
    if (targets_.empty() || given_ >= addresses_max) co_return std::nullopt;
    ++given_;
    auto target = std::move(targets_.front());
    targets_.pop_front();
    co_return target;
}

Task<void> HostWalk::begin() {
    if (!route_.unix_path.empty()) {
        targets_.push_back({"localhost", {"unix:" + route_.unix_path, 0}});
        co_return;
    }
    if (route_.kind == routing::Route::Kind::mx) {
        co_await begin_exchangers();
        co_return;
    }
    if (is_address(route_.host)) {
        targets_.push_back({route_.host, {route_.host, route_.port}});
        co_return;
    }
    hosts_.push_back(route_.host);
}

Task<void> HostWalk::begin_exchangers() {
    if (route_.domain.starts_with('[')) {
        auto address = routing::literal_address(route_.domain);
        if (is_address(address)) {
            add(route_.domain, std::move(address));
        } else {
            own_finding(Outcome::Kind::failed, "5.1.2", "no mail goes to " + route_.domain);
        }
        co_return;
    }
    auto const domain = mail::to_a_labels(route_.domain);
    if (!domain) {
        own_finding(Outcome::Kind::failed, "5.1.2", route_.domain + " is no name of a domain");
        co_return;
    }
    dns::Question question{*domain, dns::Type::mx};
    auto const deadline = env_.clock.steady() + settings_.dns.timeout;
    auto const answer = co_await env_.resolver.query(std::move(question), deadline);
    std::vector<std::string> const own{settings_.hostname};
    auto choice = routing::choose_exchangers(*domain, answer, own, env_.rng.next());
    switch (choice.kind) {
        case ExchangerChoice::Kind::hosts:
            break;
        case ExchangerChoice::Kind::temporary:
            own_finding(Outcome::Kind::deferred, "4.4.3", std::move(choice.text));
            break;
        case ExchangerChoice::Kind::no_domain:
            own_finding(Outcome::Kind::failed, "5.1.2", std::move(choice.text));
            break;
        case ExchangerChoice::Kind::no_mail:  // RFC 7505 §3
            own_finding(Outcome::Kind::failed, "5.1.10", std::move(choice.text));
            permanent_->code = 556;
            break;
        case ExchangerChoice::Kind::loop:
            own_finding(Outcome::Kind::failed, "5.4.6", std::move(choice.text));
            break;
        case ExchangerChoice::Kind::unusable:
            own_finding(Outcome::Kind::failed, "5.4.4", std::move(choice.text));
            break;
    }
    is_implicit_ = choice.is_implicit;
    for (auto& host : choice.hosts) hosts_.push_back(std::move(host));
}

// The addresses of one host become targets; why there are none becomes a part of the verdict.
Task<void> HostWalk::expand(std::string host) {
    if (host == "localhost") {  // RFC 6761 §6.3: never asked of DNS
        add(host, "127.0.0.1");
        add(host, "::1");
        co_return;
    }
    auto const deadline = env_.clock.steady() + settings_.dns.timeout;
    dns::Question six{host, dns::Type::aaaa};
    auto const ipv6 = co_await env_.resolver.query(std::move(six), deadline);
    dns::Question four{host, dns::Type::a};
    auto const ipv4 = co_await env_.resolver.query(std::move(four), deadline);
    auto addresses = routing::order_addresses(ipv6.addresses, ipv4.addresses, env_.rng.next(),
                                              memory_.is_ipv6_bad(env_.clock.steady()));
    auto const hosts_before = hosts_.size();
    for (auto& address : addresses) {
        if (is_own_address(address)) {
            // RFC 5321 §5.1: as if our name stood there: the rest is of no better preference.
            own_finding(Outcome::Kind::failed, "5.4.6", host + " is an address of this host");
            hosts_.clear();
            break;
        }
        add(host, std::move(address));
    }
    if (!addresses.empty() || hosts_.size() != hosts_before) co_return;
    if (ipv6.temporary() || ipv4.temporary()) {
        auto const& bad = ipv4.temporary() ? ipv4 : ipv6;
        own_finding(Outcome::Kind::deferred, "4.4.3",
                    "no answer of DNS about the address of " + host + ": " +
                        (bad.error_detail.empty() ? dns::to_string(bad.status) : bad.error_detail));
        co_return;
    }
    bool const is_domain_itself = is_implicit_;
    own_finding(Outcome::Kind::failed, is_domain_itself ? "5.1.2" : "5.4.4",
                is_domain_itself ? "the domain " + host + " has no mail host and no address"
                                 : "the mail host " + host + " has no address");
    // A fixed next hop without an address is a mistake in our configuration or its zone: wait.
    if (route_.kind != routing::Route::Kind::mx) {
        auto wait = *permanent_;
        wait.kind = Outcome::Kind::deferred;
        wait.status = "4.4.4";  // RFC 3463 §3.5: unable to route
        temporary_ = std::move(wait);
    }
}

void HostWalk::add(std::string host, std::string address) {
    auto const port = route_.kind == routing::Route::Kind::mx ? settings_.mx_port : route_.port;
    bool const bad = memory_.is_bad(address, env_.clock.steady());
    auto& list = bad ? later_ : targets_;
    list.push_back({std::move(host), {std::move(address), port}});
}

// Where mail for us arrives: what listeners name, and where one listens everywhere, or on a socket
// that somebody else has bound, the addresses of this host.
bool HostWalk::is_own_address(std::string const& address) const {
    if (route_.kind != routing::Route::Kind::mx) return false;
    bool is_everywhere = false;
    for (auto const& listener : settings_.listeners) {
        bool const is_handed_over = listener.address.starts_with("systemd:");
        if (is_handed_over && listener.service == Service::mx) is_everywhere = true;
        auto const at = rt::parse_endpoint(listener.address);
        if (!at || at->is_unix() || at->port != settings_.mx_port) continue;
        if (at->address == address) return true;
        if (at->address == "0.0.0.0" || at->address == "::") is_everywhere = true;
    }
    if (!is_everywhere) return false;
    auto const own = env_.network.local_addresses();
    return std::find(own.begin(), own.end(), address) != own.end();
}

void HostWalk::own_finding(Outcome::Kind kind, std::string status, std::string text) {
    Outcome outcome;
    outcome.kind = kind;
    outcome.status = std::move(status);
    outcome.text = std::move(text);
    outcome.stage = "dns";
    outcome.at = env_.clock.wall();
    outcome.whole_host = true;
    failed(std::move(outcome));
}

void HostWalk::failed(Outcome outcome) {
    auto& slot = outcome.kind == Outcome::Kind::failed ? permanent_ : temporary_;
    slot = std::move(outcome);
}

void HostWalk::found_ourselves(Outcome outcome) {
    failed(std::move(outcome));
    hosts_.clear();
    targets_.clear();
    later_.clear();
}

Outcome HostWalk::verdict() const {
    if (temporary_) return *temporary_;
    if (permanent_) return *permanent_;
    Outcome outcome;
    outcome.status = "4.4.1";
    outcome.text = "no host could be reached";
    outcome.stage = "connect";
    outcome.at = env_.clock.wall();
    outcome.whole_host = true;
    return outcome;
}

}  // namespace dawk::mta
