// Router::check: every problem of a routing configuration, in words.
#include <set>

#include "dawk/base/ascii.hpp"
#include "dawk/routing/routing.hpp"
#include "dawk/routing/via.hpp"

namespace dawk::routing {
namespace {

using Problems = std::vector<std::string>;

std::string quoted(std::string_view text) {
    return '"' + ascii::printable(text, 200) + '"';
}

void check_deliver(std::string const& what, std::string_view deliver, Problems& problems) {
    auto const say = [&](std::string text) { problems.push_back(what + ": " + std::move(text)); };
    if (deliver.starts_with("maildir:")) {
        auto const problem = maildir_problem(deliver.substr(8));
        if (!problem.empty()) say("the path of " + quoted(deliver) + ' ' + problem);
    } else if (deliver.starts_with("lmtp:unix:")) {
        if (!deliver.substr(10).starts_with('/')) say(quoted(deliver) + " needs an absolute path");
    } else if (deliver.starts_with("lmtp:")) {
        auto const hop = parse_host_port(deliver.substr(5));
        if (!hop)
            say(quoted(deliver) + " is not lmtp:host:port or lmtp:unix:/path");
        else if (hop->port == 25)
            say("LMTP must not be spoken on port 25 (RFC 2033 §5)");
    } else {
        say(quoted(deliver) +
            " is not a way to deliver; there are maildir:path, lmtp:host:port and "
            "lmtp:unix:/path");
    }
}

void check_domains(Config const& config, std::set<std::string>& names, Problems& problems) {
    for (auto const& domain : config.domains) {
        auto const what = "domain " + quoted(domain.name);
        if (!is_host_name(domain.name)) {
            problems.push_back(what + ": this is not a domain name");
            continue;
        }
        if (!names.insert(canonical_domain(domain.name)).second)
            problems.push_back(what + ": it is given twice");
        if (!domain.deliver.empty()) check_deliver(what, domain.deliver, problems);
    }
    if (!config.default_deliver.empty())
        check_deliver("default_deliver", config.default_deliver, problems);
}

void check_to(RouteConfig const& route, std::set<std::string> const& domains,
              std::set<std::string>& seen, Problems& problems) {
    auto const what = "route to " + quoted(route.to);
    auto const name = std::string_view(route.to).substr(route.to.starts_with('.') ? 1 : 0);
    auto const is_literal =
        route.to.size() > 2 && route.to.front() == '[' && route.to.back() == ']';
    if (route.to != "*" && !is_literal && !is_host_name(name)) {
        problems.push_back(what +
                           ": this is neither a domain, nor \".domain\" for what is below it, nor "
                           "\"*\"");
        return;
    }
    auto const key = (route.to.starts_with('.') ? "." : "") + canonical_domain(name);
    if (!seen.insert(key).second)
        problems.push_back(what + ": it is given twice, and only the first would be used");
    if (domains.contains(key))
        problems.push_back(what + ": it is never used, because this is a domain of ours");
}

void check_credentials(RouteConfig const& route, std::string_view host, Problems& problems) {
    auto const what = "route to " + quoted(route.to) + ": ";
    if (route.user.empty() && !route.password_file.empty())
        problems.push_back(what + "there is a password_file, but no user");
    if (!route.user.empty() && route.password_file.empty())
        problems.push_back(what + "there is a user, but no password_file");
    auto const verified =
        !route.tls || *route.tls == TlsMode::verified || *route.tls == TlsMode::implicit;
    if (!route.user.empty() && !verified && !is_loopback(host))
        problems.push_back(what +
                           "user and password would go to a host whose certificate is not checked; "
                           "tls must be \"verified\" or \"implicit\"");
    auto const checks = route.tls ? verified : !route.user.empty() && !is_loopback(host);
    if (!route.ca_file.empty() && !checks)
        problems.push_back(what +
                           "ca_file has no effect, because tls is neither \"verified\" nor "
                           "\"implicit\"");
}

void check_via(RouteConfig const& route, Problems& problems) {
    auto const what = "route to " + quoted(route.to) + ": ";
    if (route.via == "mx") {
        if (!route.user.empty() || !route.password_file.empty())
            problems.push_back(what + "user and password_file need a fixed next hop, not \"mx\"");
        if (route.tls == TlsMode::implicit)
            problems.push_back(what + "hosts found by MX do not speak implicit TLS");
        auto const verified = route.tls == TlsMode::verified;
        if (!route.ca_file.empty() && !verified)
            problems.push_back(what + "ca_file has no effect, because tls is not \"verified\"");
        return;
    }
    if (!route.via.starts_with("smtp:")) {
        problems.push_back(what + quoted(route.via) +
                           " is not a way; there are \"mx\" and "
                           "\"smtp:host[:port]\"");
        return;
    }
    auto const hop = parse_host_port(std::string_view(route.via).substr(5));
    if (!hop) {
        problems.push_back(what + quoted(route.via) + " is not smtp:host[:port]");
        return;
    }
    check_credentials(route, hop->host, problems);
}

}  // namespace

std::vector<std::string> Router::check(Config const& config) {
    Problems problems;
    std::set<std::string> domains, seen;
    check_domains(config, domains, problems);
    for (auto const& route : config.routes) {
        check_to(route, domains, seen, problems);
        check_via(route, problems);
    }
    return problems;
}

}  // namespace dawk::routing
