// Settings: what one run of the server was told to do, complete and checked. Immutable; a reload
// makes a new one, and running sessions keep the old. Filled by dawk/config from the TOML file.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dawk/queue/policy.hpp"
#include "dawk/routing/routing.hpp"
#include "dawk/smtp/limits.hpp"

namespace dawk::mta {

class Signing;

enum class Service {
    mx,          // from other servers, only for our domains
    submission,  // from users: TLS, then AUTH, then to anywhere
    relay,       // from the networks in `allow`, to anywhere
};
enum class ListenerTls { none, starttls, implicit };
enum class Durability { disk, memory };  // memory: 250 before the sync; must be asked for by name

struct ListenerSettings {
    std::string address;  // "127.0.0.1:2525", "[::]:25", "unix:/path", "systemd:NAME"
    Service service = Service::mx;
    ListenerTls tls = ListenerTls::starttls;
    Durability durability = Durability::disk;
    std::vector<std::string> allow{};  // networks "192.0.2.0/24" that may relay (service relay)
};

struct TlsSettings {
    std::string certificate, key;  // PEM files; empty when no listener has TLS
};

struct LimitSettings {
    smtp::Limits smtp;
    std::uint32_t connections = 5000;             // in all
    std::uint32_t connections_per_address = 100;  // loopback and `allow` networks are not counted
    std::chrono::seconds banner_delay{0};         // how long who talks too early is waited for
    bool refuse_early_talkers = true;             // who talks before our banner
    std::uint64_t disk_free_min_bytes = 256ULL << 20U;  // below: 452 4.3.1 to new mail
};

struct SpoolSettings {
    std::uint64_t large_content_bytes = 256ULL << 10U;  // larger contents get a file of their own
    std::chrono::hours history_age{24 * 30};
    std::uint64_t history_bytes = 4ULL << 30U;
};

struct DnsSettings {
    std::vector<std::string> forwarders;  // "127.0.0.1:5353"; empty: the system's
    std::chrono::seconds timeout{20};
    bool client_names = true;  // look up the names of those who connect
};

// What is done about a finding: "accept", "tag", "quarantine" or "reject"; "" in a rule: as in
// general. The defaults are those of mailauth::default_actions().
struct AuthActions {
    std::string spf_fail, spf_softfail, spf_permerror, helo_fail, dkim_fail;
    std::string dmarc_none, dmarc_quarantine, dmarc_reject, dmarc_permerror;
};

inline AuthActions default_auth_actions() {
    AuthActions out;
    out.spf_fail = out.spf_softfail = out.spf_permerror = out.helo_fail = out.dkim_fail = "accept";
    out.dmarc_none = "accept";
    out.dmarc_quarantine = out.dmarc_reject = out.dmarc_permerror = "quarantine";
    return out;
}
inline std::vector<std::string> default_auth_exempt() {
    return {"127.0.0.0/8", "::1"};
}

struct AuthSettings {
    bool verify = true;                                       // on listeners with service mx
    std::string id;                                           // authserv-id; default: hostname
    std::vector<std::string> exempt = default_auth_exempt();  // networks that are not examined
    std::chrono::seconds timeout{20};
    std::string dns_failure = "accept";  // or "defer"
    std::string quarantine_folder = "Junk";
    std::vector<std::string> forwarders;   // networks
    std::vector<std::string> arc_trusted;  // domains of sealers
    std::string arc_seal;                  // domain in whose name we seal; "": not at all
    AuthActions actions = default_auth_actions();
};

struct AuthRule {
    std::vector<std::string> from, to;  // domains, ".domain" for those below
    AuthActions actions;
};

// How mail from one domain is signed. Several for one domain: several signatures.
struct DkimSettings {
    std::string domain;
    std::string selector, key;  // "": the keys in state_dir/dkim, which `dawk dkim` keeps
    std::vector<std::string> headers, oversign;  // empty: those of dkim::SigningKey
    std::chrono::seconds expire{0};              // 0: never
    std::string canonicalization = "relaxed/relaxed";
};

struct LogSettings {
    std::string file;            // "" or "-": standard output
    std::string level = "info";  // error, warning, info, debug
    bool subjects = false;       // log subjects of messages
};

// Reports by RFC 9990 and RFC 9991, and those of others.
struct DmarcReportSettings {
    std::string from;          // whose reports are; "": none are collected or sent
    std::string organization;  // who reports, for people; "": hostname
    std::string contact;       // for people, "" for none
    std::string inbox;         // reports of others to this address are read; "": none
    std::uint64_t size_max_bytes = 10ULL << 20U;  // of a report's message
    std::chrono::hours keep{24 * 90};
    bool failures = false;  // send failure reports, too
    std::uint32_t failures_per_hour = 10;
};

struct Settings {
    std::string hostname;
    std::string state_dir;
    std::string admin_socket;        // default: state_dir/dawk.sock
    std::string postmaster;          // where postmaster mail and double bounces go, an address
    std::uint32_t threads = 0;       // 0: chosen by the number of cores
    std::chrono::seconds grace{30};  // graceful stop: time for open transactions
    std::vector<ListenerSettings> listeners;
    TlsSettings tls;
    std::string http_address;  // "" for none
    routing::Config routing;
    DnsSettings dns;
    std::uint16_t mx_port = 25;  // where MX hosts are spoken to; another only in tests
    queue::Policy queue;
    LimitSettings limits;
    smtp::ServerTimeouts server_timeouts;
    smtp::ClientTimeouts client_timeouts;
    SpoolSettings spool;
    LogSettings log;
    AuthSettings auth;
    std::vector<AuthRule> auth_rules;
    DmarcReportSettings dmarc_reports;
    std::vector<DkimSettings> dkim;
    // The keys themselves, read by who starts the server; null: nothing is signed.
    std::shared_ptr<Signing const> signing;
};
using SettingsPtr = std::shared_ptr<Settings const>;

}  // namespace dawk::mta
