// find_problems: everything that is wrong with a routing configuration, in words.
#include <set>

#include "dawk/base/ascii.hpp"
#include "dawk/routing/problem.hpp"
#include "dawk/routing/via.hpp"

namespace dawk::routing {
namespace {

using In = Problem::In;

std::string quoted(std::string_view text) {
    return '"' + ascii::printable(text, 200) + '"';
}

class Check {
  public:
    explicit Check(Config const& config) : config_(config) {}

    std::vector<Problem> run() {
        for (std::size_t i = 0; i < config_.domains.size(); ++i) check_domain(i);
        in_ = In::default_deliver;
        if (!config_.default_deliver.empty()) check_deliver(config_.default_deliver);
        for (std::size_t i = 0; i < config_.routes.size(); ++i) {
            in_ = In::route;
            index_ = i;
            name_ = config_.routes[i].to;
            check_to(config_.routes[i]);
            check_via(config_.routes[i]);
        }
        return std::move(problems_);
    }

  private:
    void say(std::string_view key, std::string text) {
        problems_.push_back({in_, index_, key, std::move(text), name_});
    }

    void check_domain(std::size_t index) {
        auto const& domain = config_.domains[index];
        in_ = In::domain;
        index_ = index;
        name_ = domain.name;
        if (!is_host_name(domain.name)) return say("name", "this is not a domain name");
        if (!domains_.insert(canonical_domain(domain.name)).second)
            say("name", "it is given twice");
        if (!domain.deliver.empty()) check_deliver(domain.deliver);
    }

    void check_deliver(std::string_view deliver) {
        if (deliver.starts_with("maildir:")) {
            auto const problem = maildir_problem(deliver.substr(8));
            if (!problem.empty()) say("deliver", "the path of " + quoted(deliver) + ' ' + problem);
        } else if (deliver.starts_with("lmtp:unix:")) {
            if (!deliver.substr(10).starts_with('/'))
                say("deliver", quoted(deliver) + " needs an absolute path");
        } else if (deliver.starts_with("lmtp:")) {
            auto const hop = parse_host_port(deliver.substr(5));
            if (!hop)
                say("deliver", quoted(deliver) + " is not lmtp:host:port or lmtp:unix:/path");
            else if (hop->port == 25)
                say("deliver", "LMTP must not be spoken on port 25 (RFC 2033 §5)");
        } else {
            say("deliver", quoted(deliver) +
                               " is not a way to deliver; there are maildir:path, "
                               "lmtp:host:port and lmtp:unix:/path");
        }
    }

    void check_to(RouteConfig const& route) {
        auto const name = std::string_view(route.to).substr(route.to.starts_with('.') ? 1 : 0);
        auto const is_literal =
            route.to.size() > 2 && route.to.front() == '[' && route.to.back() == ']';
        if (route.to != "*" && !is_literal && !is_host_name(name))
            return say("to",
                       "this is neither a domain, nor \".domain\" for what is below it, nor \"*\"");
        auto const key = (route.to.starts_with('.') ? "." : "") + canonical_domain(name);
        if (!seen_.insert(key).second)
            say("to", "it is given twice, and only the first would be used");
        if (domains_.contains(key)) say("to", "it is never used, because this is a domain of ours");
    }

    void check_credentials(RouteConfig const& route, std::string_view host) {
        if (route.user.empty() && !route.password_file.empty())
            say("password_file", "there is a password_file, but no user");
        if (!route.user.empty() && route.password_file.empty())
            say("user", "there is a user, but no password_file");
        auto const verified =
            !route.tls || *route.tls == TlsMode::verified || *route.tls == TlsMode::implicit;
        if (!route.user.empty() && !verified && !is_loopback(host))
            say("tls",
                "user and password would go to a host whose certificate is not checked; "
                "tls must be \"verified\" or \"implicit\"");
        auto const checks = route.tls ? verified : !route.user.empty() && !is_loopback(host);
        if (!route.ca_file.empty() && !checks)
            say("ca_file",
                "ca_file has no effect, because tls is neither \"verified\" nor \"implicit\"");
    }

    void check_mx(RouteConfig const& route) {
        if (!route.user.empty() || !route.password_file.empty())
            say(route.user.empty() ? "password_file" : "user",
                "user and password_file need a fixed next hop, not \"mx\"");
        if (route.tls == TlsMode::implicit)
            say("tls", "hosts found by MX do not speak implicit TLS");
        if (!route.ca_file.empty() && route.tls != TlsMode::verified)
            say("ca_file", "ca_file has no effect, because tls is not \"verified\"");
    }

    void check_via(RouteConfig const& route) {
        if (route.via == "mx") return check_mx(route);
        if (!route.via.starts_with("smtp:"))
            return say("via", quoted(route.via) +
                                  " is not a way; there are \"mx\" and \"smtp:host[:port]\"");
        auto const hop = parse_host_port(std::string_view(route.via).substr(5));
        if (!hop) return say("via", quoted(route.via) + " is not smtp:host[:port]");
        check_credentials(route, hop->host);
    }

    Config const& config_;
    std::vector<Problem> problems_;
    std::set<std::string> domains_, seen_;
    In in_ = In::domain;
    std::size_t index_ = 0;
    std::string name_;
};

}  // namespace

std::vector<Problem> find_problems(Config const& config) {
    return Check(config).run();
}

std::vector<std::string> Router::check(Config const& config) {
    std::vector<std::string> words;
    for (auto const& problem : find_problems(config)) {
        auto const where =
            problem.in == In::default_deliver
                ? std::string("default_deliver")
                : (problem.in == In::domain ? "domain " : "route to ") + quoted(problem.name);
        words.push_back(where + ": " + problem.text);
    }
    return words;
}

}  // namespace dawk::routing
