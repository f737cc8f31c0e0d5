// Routing: from an address to what happens with it. Pure: built from configuration, asks nobody.
//
//     Router router(config);
//     Route const& route = router.route("example.org");
//
// A route has a key, which is the name of its destination: recipients with equal keys travel
// together, share connections, limits and back-off. Keys are stable over restarts and stand in the
// spool's schedule:
//   "mx:example.org"         by MX of that domain
//   "smtp:host:port"         a smart host or fixed next hop ("smtp:host:port#2" when a second route
//   names
//                            the same with other settings)
//   "lmtp:host:port", "lmtp:unix:/path"
//   "maildir:example.org"    local mailboxes of that domain
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dawk/base/result.hpp"
#include "dawk/mail/address.hpp"

namespace dawk::routing {

enum class TlsMode {
    none,           // never (a next hop on this machine)
    opportunistic,  // STARTTLS if offered, any certificate; plain after a failed handshake
    required,       // STARTTLS, any certificate
    verified,       // STARTTLS, certificate must be valid for the host
    implicit,       // TLS from the first octet, certificate must be valid
};

struct DomainConfig {
    std::string name;
    std::string
        deliver;  // "maildir:var/mail/{domain}/{local}", "lmtp:127.0.0.1:24", "lmtp:unix:/path"
};

struct RouteConfig {
    std::string to;   // "example.org", ".example.org" for its subdomains, "*"
    std::string via;  // "mx", "smtp:host[:port]" with host a name, an address or [address]
    std::optional<TlsMode> tls;  // default: opportunistic for mx; verified when user is set, else
                                 // opportunistic, none to loopback
    std::string user, password_file;  // AUTH towards the smart host; never without verified TLS
    std::string ca_file;              // roots for verified, "" the system's
};

struct Config {
    std::vector<DomainConfig> domains;  // those with a way of delivery of their own
    std::string default_deliver;      // for domains that only the directory knows; "": below mail/
    std::vector<RouteConfig> routes;  // most specific wins, whatever the order
};

struct Route {
    enum class Kind { mx, smtp, lmtp, maildir };
    Kind kind = Kind::mx;
    std::string key;
    std::string domain;  // mx: the name to look up; maildir: the domain
    std::string host;    // smtp, lmtp: name or address
    std::uint16_t port = 0;
    std::string unix_path;  // lmtp
    std::string maildir;    // template with {domain} {local} {detail}
    TlsMode tls = TlsMode::opportunistic;
    std::string user, password_file, ca_file;
};

class Router {
  public:
    // Every problem in words, one each; a config with problems must not be used.
    static std::vector<std::string> check(Config const& config);
    // A config that check() finds fault with is not refused: what is wrong in it is passed over.
    explicit Router(Config config);

    // Where mail for a domain that is not ours goes: the most specific [[route]], else by its MX.
    // Domains are compared as lower case A-labels.
    Route route_remote(std::string_view domain) const;
    // Where mail for a mailbox of our domain goes.
    Route route_local(std::string_view domain) const;
    bool has_domain(std::string_view domain) const;  // named in the configuration
    // The route of a key found in the spool, under this configuration; nothing if none gives it
    // now.
    std::optional<Route> route_of_key(std::string_view key) const;
    // The key alone of what route_remote or route_local (is_local) would give; no allocation but
    // the key.
    std::string key_of(std::string_view domain, bool is_local) const;

  private:
    struct Tables;
    std::shared_ptr<Tables const> tables_;  // immutable: a copy of a Router is cheap
};

// True for the key of a route into a mailbox: what arrives there is delivered, not relayed.
bool is_local_key(std::string_view key) noexcept;

}  // namespace dawk::routing
