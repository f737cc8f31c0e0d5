#include <unordered_map>
#include <utility>

#include "dawk/base/ascii.hpp"
#include "dawk/routing/routing.hpp"
#include "dawk/routing/via.hpp"

namespace dawk::routing {
namespace {

constexpr std::string_view default_maildir = "maildir:mail/{domain}/{local}";
constexpr std::uint16_t smtp_port = 25, submission_port = 587, submissions_port = 465,
                        lmtp_port = 24;

struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
        return std::hash<std::string_view>{}(text);
    }
};
template <class T>
using TextMap = std::unordered_map<std::string, T, TextHash, std::equal_to<>>;

// RFC 8314 §3.3: implicit TLS has a port of its own; RFC 6409 §3.1: users submit on 587.
std::uint16_t default_port(RouteConfig const& config) {
    if (config.tls == TlsMode::implicit) return submissions_port;
    return config.user.empty() ? smtp_port : submission_port;
}

TlsMode default_tls(RouteConfig const& config, std::string_view host) {
    if (is_loopback(host)) return TlsMode::none;
    return config.user.empty() ? TlsMode::opportunistic : TlsMode::verified;
}

std::optional<Route> smarthost(RouteConfig const& config) {
    auto const hop = parse_host_port(std::string_view(config.via).substr(5));
    if (!hop) return std::nullopt;
    Route route;
    route.kind = Route::Kind::smtp;
    route.host = hop->host;
    route.port = hop->port != 0 ? hop->port : default_port(config);
    route.key = "smtp:" + hop->text(route.port);
    route.tls = config.tls.value_or(default_tls(config, route.host));
    route.user = config.user;
    route.password_file = config.password_file;
    route.ca_file = config.ca_file;
    return route;
}

std::optional<Route> local_route(std::string_view deliver, std::string const& domain) {
    Route route;
    route.tls = TlsMode::none;
    if (deliver.starts_with("maildir:")) {
        route.kind = Route::Kind::maildir;
        route.key = "maildir:" + domain;
        route.domain = domain;
        route.maildir = deliver.substr(8);
        return route;
    }
    if (!deliver.starts_with("lmtp:")) return std::nullopt;
    route.kind = Route::Kind::lmtp;
    if (deliver.starts_with("lmtp:unix:")) {
        route.unix_path = deliver.substr(10);
        route.key = std::string(deliver);
        return route;
    }
    auto const hop = parse_host_port(deliver.substr(5));
    if (!hop) return std::nullopt;
    route.host = hop->host;
    route.port = hop->port != 0 ? hop->port : lmtp_port;
    route.key = "lmtp:" + hop->text(route.port);
    return route;
}

bool same_settings(Route const& a, Route const& b) {
    return a.tls == b.tls && a.user == b.user && a.password_file == b.password_file &&
           a.ca_file == b.ca_file;
}

Route mx_route(std::string domain) {
    Route route;
    route.kind = Route::Kind::mx;
    route.key = "mx:" + domain;
    route.domain = std::move(domain);
    return route;
}

}  // namespace

struct Router::Tables {
    struct Rule {
        bool by_mx = false;
        std::optional<TlsMode> tls;  // of an mx rule
        std::string ca_file;
        Route route;  // else
    };

    TextMap<std::string> domains;  // ours -> deliver
    std::string default_deliver;
    TextMap<Rule> exact, below;  // "example.org"; ".example.org" without its dot
    std::optional<Rule> any;
    TextMap<Route> hops;  // smtp and lmtp, by key

    void add_route(RouteConfig const& config);
    Rule const* find(std::string_view domain) const;
    std::string_view deliver_of(std::string_view domain) const;
};

void Router::Tables::add_route(RouteConfig const& config) {
    Rule rule;
    if (config.via == "mx") {
        rule.by_mx = true;
        rule.tls = config.tls;
        rule.ca_file = config.ca_file;
    } else {
        auto route = config.via.starts_with("smtp:") ? smarthost(config) : std::nullopt;
        if (!route) return;
        // A second route to the same place with other settings is another destination.
        auto const plain = route->key;
        auto place = hops.find(route->key);
        for (int n = 2; place != hops.end() && !same_settings(place->second, *route); ++n) {
            route->key = plain + '#' + std::to_string(n);
            place = hops.find(route->key);
        }
        hops.try_emplace(route->key, *route);
        rule.route = std::move(*route);
    }
    if (config.to == "*") {
        if (!any) any = std::move(rule);
    } else if (config.to.starts_with('.')) {
        below.try_emplace(canonical_domain(std::string_view(config.to).substr(1)), std::move(rule));
    } else {
        exact.try_emplace(canonical_domain(config.to), std::move(rule));
    }
}

Router::Tables::Rule const* Router::Tables::find(std::string_view domain) const {
    if (auto const found = exact.find(domain); found != exact.end()) return &found->second;
    if (!below.empty() && !domain.starts_with('[')) {
        // The longest suffix is the most specific.
        for (auto dot = domain.find('.'); dot != std::string_view::npos;
             dot = domain.find('.', dot + 1))
            if (auto const found = below.find(domain.substr(dot + 1)); found != below.end())
                return &found->second;
    }
    return any ? &*any : nullptr;
}

std::string_view Router::Tables::deliver_of(std::string_view domain) const {
    auto const found = domains.find(domain);
    return found != domains.end() ? std::string_view(found->second)
                                  : std::string_view(default_deliver);
}

Router::Router(Config config) {
    auto tables = std::make_shared<Tables>();
    tables->default_deliver = config.default_deliver.empty() ? std::string(default_maildir)
                                                             : std::move(config.default_deliver);
    for (auto const& domain : config.domains) {
        auto const name = canonical_domain(domain.name);
        auto const& deliver = domain.deliver.empty() ? tables->default_deliver : domain.deliver;
        tables->domains.try_emplace(name, deliver);
        if (auto route = local_route(deliver, name); route && route->kind == Route::Kind::lmtp)
            tables->hops.try_emplace(route->key, *route);
    }
    if (auto route = local_route(tables->default_deliver, "");
        route && route->kind == Route::Kind::lmtp)
        tables->hops.try_emplace(route->key, *route);
    for (auto const& route : config.routes) tables->add_route(route);
    tables_ = std::move(tables);
}

Route Router::route_remote(std::string_view domain) const {
    auto name = canonical_domain(domain);
    auto const* rule = tables_->find(name);
    if (rule != nullptr && !rule->by_mx) return rule->route;
    auto route = mx_route(std::move(name));
    if (rule != nullptr) {
        route.tls = rule->tls.value_or(TlsMode::opportunistic);
        route.ca_file = rule->ca_file;
    }
    return route;
}

Route Router::route_local(std::string_view domain) const {
    auto const name = canonical_domain(domain);
    auto route = local_route(tables_->deliver_of(name), name);
    if (!route) route = local_route(default_maildir, name);  // check() has spoken of it
    return std::move(*route);
}

bool Router::has_domain(std::string_view domain) const {
    return tables_->domains.contains(canonical_domain(domain));
}

std::optional<Route> Router::route_of_key(std::string_view key) const {
    if (auto const hop = tables_->hops.find(key); hop != tables_->hops.end()) return hop->second;
    Route route;
    if (key.starts_with("mx:"))
        route = route_remote(key.substr(3));
    else if (key.starts_with("maildir:"))
        route = route_local(key.substr(8));
    else
        return std::nullopt;
    if (route.key != key) return std::nullopt;
    return route;
}

std::string Router::key_of(std::string_view domain, bool is_local) const {
    auto name = canonical_domain(domain);
    if (is_local) {
        auto const deliver = tables_->deliver_of(name);
        if (deliver.starts_with("maildir:")) return "maildir:" + name;
        return route_local(name).key;
    }
    auto const* rule = tables_->find(name);
    return rule != nullptr && !rule->by_mx ? rule->route.key : "mx:" + name;
}

bool is_local_key(std::string_view key) noexcept {
    return key.starts_with("maildir:") || key.starts_with("lmtp:");
}

}  // namespace dawk::routing
