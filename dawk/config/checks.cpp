#include "dawk/config/checks.hpp"

#include <algorithm>
#include <map>

#include "dawk/base/ascii.hpp"
#include "dawk/config/keys.hpp"
#include "dawk/config/units.hpp"
#include "dawk/mail/address.hpp"
#include "dawk/routing/problem.hpp"
#include "dawk/rt/stream.hpp"

namespace dawk::config {
namespace {

using mta::ListenerTls;
using mta::Service;

std::string item(std::string_view list, std::size_t index, std::string_view key) {
    std::string out(list);
    out += '[' + std::to_string(index + 1) + ']';
    if (!key.empty()) out += '.' + std::string(key);
    return out;
}

bool is_here(std::string_view address) {  // reached from this machine only
    return address.starts_with("unix:") || address.starts_with("127.") ||
           address.starts_with("[::1]");
}

bool is_listen_address(std::string_view text) {
    if (text.starts_with("systemd:")) {
        auto const name = text.substr(8);
        return !name.empty() && name.size() <= 255 &&
               std::all_of(name.begin(), name.end(),
                           [](char c) { return ascii::is_print(c) && c != ':'; });
    }
    return rt::parse_endpoint(text).has_value();
}

// One listener; path of its keys for reports.
class ListenerCheck {
  public:
    ListenerCheck(mta::Settings const& settings, std::size_t index, Report& report)
        : settings_(settings), it_(settings.listeners[index]), index_(index), report_(report) {}

    void run() {
        check_address();
        check_tls();
        check_relay();
        if (it_.durability == mta::Durability::memory)
            report_.warning(at("durability"), "a crash loses mail that was acknowledged");
    }

  private:
    std::string at(std::string_view key) const { return item("listener", index_, key); }

    void check_address() {
        bool const is_given =
            report_.where(at("address")) != report_.where(item("listener", index_, ""));
        if (is_given && !is_listen_address(it_.address))
            report_.error(
                at("address"), quoted(it_.address) + " is no place to listen",
                "write \"192.0.2.1:25\", \"[::]:25\", \"unix:/path\" or \"systemd:NAME\"");
    }

    void check_tls() {
        bool const identity = !settings_.tls.certificate.empty() && !settings_.tls.key.empty();
        if (it_.tls != ListenerTls::none && !identity)
            report_.error(at("tls"), "there is no certificate to show",
                          "give certificate and key in [tls], or tls = \"none\" here");
        if (it_.tls != ListenerTls::none) return;
        if (it_.service == Service::submission)
            report_.error(at("tls"), "passwords must not travel without TLS (RFC 8314 §3)",
                          "write tls = \"implicit\" for port 465, or \"starttls\" for port 587");
        else if (it_.service == Service::mx && !is_here(it_.address))
            report_.warning(at("tls"), "others cannot encrypt what they send here",
                            "tls = \"starttls\" lets them");
    }

    void check_relay() {
        if (it_.service != Service::relay) {
            if (!it_.allow.empty())
                report_.error(at("allow"),
                              "this has no effect with service " +
                                  std::string(it_.service == Service::mx ? "mx" : "submission"),
                              "remove it, or write service = \"relay\"");
            return;
        }
        if (it_.allow.empty())
            report_.error(at("allow"), "nobody could relay here",
                          "name the networks that may, as in allow = [\"192.0.2.0/24\"]");
        for (auto const& network : it_.allow) check_network(network);
    }

    void check_network(std::string const& network) {
        auto const subnet = parse_subnet(network);
        if (!subnet)
            return report_.error(at("allow"), quoted(network) + " is not a network",
                                 "write address/prefix with zeros behind the prefix, as in "
                                 "\"192.0.2.0/24\"");
        bool const huge = subnet->prefix < (subnet->is_v6 ? 16U : 8U);
        if (!huge || is_here(it_.address)) return;
        if (subnet->prefix == 0)
            report_.error(at("allow"),
                          quoted(network) +
                              " makes this an open relay: spammers will "
                              "find it within hours",
                          "name the networks that may relay");
        else
            report_.warning(at("allow"), quoted(network) +
                                             " lets a large part of the Internet "
                                             "relay");
    }

    mta::Settings const& settings_;
    mta::ListenerSettings const& it_;
    std::size_t index_;
    Report& report_;
};

void check_listeners(mta::Settings const& settings, Report& report) {
    std::map<std::string, std::size_t> seen;
    for (std::size_t i = 0; i < settings.listeners.size(); ++i) {
        ListenerCheck(settings, i, report).run();
        auto const& address = settings.listeners[i].address;
        // Port 0 is another port each time.
        auto const [at, is_new] = seen.emplace(address, i);
        if (!is_new && !address.ends_with(":0"))
            report.error(
                item("listener", i, "address"),
                quoted(address) + " is taken by listener[" + std::to_string(at->second + 1) + ']');
    }
    if (settings.listeners.empty())
        report.warning("", "there is no [[listener]]: nothing will be received");
    if (settings.tls.certificate.empty() != settings.tls.key.empty())
        report.error("tls", "certificate and key need each other", "give both, or neither");
}

void check_networks(std::vector<std::string> const& networks, std::string const& path,
                    Report& report) {
    for (auto const& network : networks)
        if (!parse_subnet(network))
            report.error(path, quoted(network) + " is not a network",
                         "write address/prefix with zeros behind the prefix, as in "
                         "\"192.0.2.0/24\"");
}

void check_domains(std::vector<std::string> const& domains, std::string const& path,
                   Report& report) {
    for (auto const& domain : domains) {
        auto const name = std::string_view(domain).substr(domain.starts_with('.') ? 1 : 0);
        if (!mail::parse_domain(name, {.utf8 = true}) || name.starts_with('['))
            report.error(path, quoted(domain) + " is not a domain",
                         "as in \"example.org\", or \".example.org\" for all below it");
    }
}

// Whether every domain of `narrow` is one of `wide`; an empty list is all domains.
bool covers(std::vector<std::string> const& wide, std::vector<std::string> const& narrow) {
    if (wide.empty()) return true;
    auto const is_covered = [&](std::string const& domain) {
        return std::any_of(wide.begin(), wide.end(), [&](std::string const& one) {
            return ascii::iequals(one, domain) ||
                   (one.starts_with('.') && ascii::iends_with(domain, one));
        });
    };
    return !narrow.empty() && std::all_of(narrow.begin(), narrow.end(), is_covered);
}

// The first rule that fits counts: one behind a wider one never does.
void check_order(std::vector<mta::AuthRule> const& rules, Report& report) {
    for (std::size_t later = 1; later < rules.size(); ++later) {
        for (std::size_t first = 0; first < later; ++first) {
            if (!covers(rules[first].from, rules[later].from) ||
                !covers(rules[first].to, rules[later].to))
                continue;
            report.warning(
                item("auth_rule", later, ""),
                "it is never used, because auth_rule[" + std::to_string(first + 1) + "] fits first",
                "put the narrower rule before the wider one");
            break;
        }
    }
}

// The seal is made with a key for DKIM, of the domain or one above it.
void check_seal(mta::Settings const& settings, Report& report) {
    auto const& domain = settings.auth.arc_seal;
    if (domain.empty()) return;
    bool const has_key =
        std::any_of(settings.dkim.begin(), settings.dkim.end(), [&](mta::DkimSettings const& key) {
            return ascii::iequals(domain, key.domain) ||
                   ascii::iends_with(domain, '.' + key.domain);
        });
    if (!has_key)
        report.error("auth.arc_seal", quoted(domain) + " has no key to seal with",
                     "give it a [[dkim]]");
}

void check_auth(mta::Settings const& settings, Report& report) {
    auto const& auth = settings.auth;
    check_networks(auth.exempt, "auth.exempt", report);
    check_networks(auth.forwarders, "auth.forwarders", report);
    check_domains(auth.arc_trusted, "auth.arc_trusted", report);
    if (!auth.id.empty() && !mail::parse_domain(auth.id))
        report.error("auth.id", quoted(auth.id) + " is not a name", "as in \"mx.example.org\"");
    auto const& folder = auth.quarantine_folder;
    if (folder.find('/') != folder.npos || folder.find("..") != folder.npos)
        report.error("auth.quarantine_folder", quoted(folder) + " is not the name of a folder",
                     "as in \"Junk\"");
    check_seal(settings, report);
    constexpr std::size_t compared_max = 1000;  // each with each
    if (settings.auth_rules.size() <= compared_max) check_order(settings.auth_rules, report);
    for (std::size_t i = 0; i < settings.auth_rules.size(); ++i) {
        check_domains(settings.auth_rules[i].from, item("auth_rule", i, "from"), report);
        check_domains(settings.auth_rules[i].to, item("auth_rule", i, "to"), report);
    }
}

void check_names(mta::Settings const& settings, Report& report) {
    if (!settings.hostname.empty()) {
        auto const domain = mail::parse_domain(settings.hostname);
        if (!domain || domain->starts_with('['))
            report.error("hostname", quoted(settings.hostname) + " is not a host name",
                         "as in \"mx.example.org\"");
        else if (domain->find('.') == domain->npos)
            report.warning("hostname", "other servers expect a full name, with its domain");
    }
    if (!settings.postmaster.empty() && !mail::parse_mailbox(settings.postmaster, {.utf8 = true}))
        report.error("postmaster", quoted(settings.postmaster) + " is not an address",
                     "as in \"postmaster@example.org\"");
    // When the key is missing, that has been said.
    if (settings.state_dir.empty() && report.where("state_dir").line != 0)
        report.error("state_dir", "this is empty");
    // It is the beginning of paths of mailboxes, where braces are placeholders.
    if (settings.state_dir.find_first_of("{}") != std::string::npos)
        report.error("state_dir", quoted(settings.state_dir) + " has a brace in it",
                     "name a folder without");
    if (!settings.http_address.empty()) {
        if (!is_listen_address(settings.http_address))
            report.error("http.address", quoted(settings.http_address) + " is no place to listen",
                         "as in \"127.0.0.1:8025\"");
        else if (!is_here(settings.http_address))
            report.warning("http.address", "the console can be reached from other machines",
                           "keep it on 127.0.0.1, behind a proxy that asks who is there");
    }
    for (auto const& forwarder : settings.dns.forwarders) {
        auto const endpoint = rt::parse_endpoint(forwarder);
        if (!endpoint || endpoint->is_unix() || endpoint->port == 0)
            report.error("dns.forwarders", quoted(forwarder) + " is not address:port",
                         "as in \"127.0.0.1:53\"");
    }
}

void check_queue(queue::Policy const& queue, Report& report) {
    if (queue.retry.empty()) {
        report.error("queue.retry", "there must be at least one wait", "as in [\"15m\", \"1h\"]");
    } else if (queue.retry.front() > queue.expire) {
        report.error("queue.retry", "the first attempt again would come after expire");
    }
    if (queue.warn_after.count() != 0 && queue.warn_after >= queue.expire)
        report.warning("queue.warn_after", "expire comes first, so there will be no warning");
    if (queue.backoff_first > queue.backoff_max)
        report.error("queue.backoff_first", "this is more than backoff_max");
    if (queue.connections_per_destination > queue.connections_all)
        report.error("queue.connections_per_destination", "this is more than queue.connections");
    if (queue.ready_per_destination > queue.ready_all)
        report.error("queue.ready_per_destination", "this is more than queue.ready");
}

void check_routing(routing::Config const& config, Report& report) {
    using In = routing::Problem::In;
    for (auto const& problem : routing::find_problems(config)) {
        auto const place = problem.in == In::domain  ? item("domain", problem.index, problem.key)
                           : problem.in == In::route ? item("route", problem.index, problem.key)
                                                     : std::string("delivery.default");
        report.error(place, problem.text);
    }
}

void check_dmarc_reports(mta::Settings const& settings, Report& report) {
    auto const& reports = settings.dmarc_reports;
    auto const check = [&](std::string const& address, std::string_view key) {
        std::string const path = "dmarc.reports." + std::string(key);
        auto const parsed = mail::parse_mailbox(address);
        if (!address.empty() && (!parsed || parsed->has_literal()))
            report.error(path, quoted(address) + " is not an address",
                         "as in \"dmarc@example.org\"");
    };
    check(reports.from, "from");
    check(reports.inbox, "inbox");
    if (reports.failures && reports.from.empty())
        report.error("dmarc.reports.failures", "failure reports need dmarc.reports.from");
}

bool is_field_name(std::string_view name) {  // RFC 5322 §3.6.8
    return !name.empty() && name.size() <= 76 && std::all_of(name.begin(), name.end(), [](char c) {
        return c > ' ' && c < '\x7f' && c != ':' && c != ';';
    });
}

// One [[dkim]].
class DkimCheck {
  public:
    DkimCheck(mta::Settings const& settings, std::size_t index, Report& report)
        : settings_(settings), it_(settings.dkim[index]), index_(index), report_(report) {}

    void run() {
        auto const domain = mail::parse_domain(it_.domain);
        if (!domain || domain->starts_with('['))
            report_.error(at("domain"), quoted(it_.domain) + " is not a domain");
        check_key();
        check_fields("headers", it_.headers);
        check_fields("oversign", it_.oversign);
        if (it_.expire.count() != 0 && it_.expire < settings_.queue.expire)
            report_.warning(at("expire"),
                            "mail may wait longer than that in the queue, and arrive "
                            "with a signature that has run out");
        for (std::size_t i = 0; i < index_; ++i) check_twin(settings_.dkim[i]);
    }

  private:
    std::string at(std::string_view key) const { return item("dkim", index_, key); }

    void check_key() {
        if (it_.selector.empty() != it_.key.empty())
            report_.error(at(it_.key.empty() ? "key" : "selector"),
                          "selector and key need each other",
                          "give both, or neither for the keys that dawk dkim keeps");
        if (it_.selector.empty()) return;
        auto const name = mail::parse_domain(it_.selector);
        if (!name || name->starts_with('['))
            report_.error(at("selector"), quoted(it_.selector) + " cannot stand in a name of DNS");
    }

    void check_fields(std::string_view key, std::vector<std::string> const& names) {
        for (auto const& name : names) {
            if (!is_field_name(name)) {
                report_.error(at(key), quoted(name) + " is not the name of a field");
                continue;
            }
            // RFC 6376 §5.4, §3.5: these change on the way, or are signatures themselves.
            for (std::string_view const no :
                 {"Return-Path", "Received", "DKIM-Signature", "Bcc", "Authentication-Results"}) {
                if (ascii::iequals(name, no))
                    report_.error(at(key),
                                  quoted(name) + " must not be signed: it changes on the way");
            }
        }
    }

    void check_twin(mta::DkimSettings const& other) {
        if (!ascii::iequals(other.domain, it_.domain) ||
            !ascii::iequals(other.selector, it_.selector))
            return;
        report_.error(at(it_.selector.empty() ? "domain" : "selector"), "it is given twice");
    }

    mta::Settings const& settings_;
    mta::DkimSettings const& it_;
    std::size_t index_;
    Report& report_;
};

}  // namespace

void complete(mta::Settings& settings) {
    if (auto const host = mail::parse_domain(settings.hostname)) settings.hostname = *host;
    if (settings.admin_socket.empty()) settings.admin_socket = settings.state_dir + "/dawk.sock";
    if (settings.routing.default_deliver.empty())
        settings.routing.default_deliver =
            "maildir:" + settings.state_dir + "/mail/{domain}/{local}";
    for (auto& domain : settings.routing.domains)
        if (domain.deliver.empty()) domain.deliver = settings.routing.default_deliver;
    if (settings.postmaster.empty()) {
        auto const& domains = settings.routing.domains;
        settings.postmaster =
            "postmaster@" + (domains.empty() ? settings.hostname : domains.front().name);
    }
}

void check_settings(mta::Settings const& settings, Report& report) {
    check_names(settings, report);
    check_listeners(settings, report);
    check_auth(settings, report);
    check_queue(settings.queue, report);
    check_routing(settings.routing, report);
    check_dmarc_reports(settings, report);
    for (std::size_t i = 0; i < settings.dkim.size(); ++i) DkimCheck(settings, i, report).run();
}

}  // namespace dawk::config
