// HostWalk: the hosts and addresses that may take mail of a route, one after the other, and what it
// means when none did.
//
//     HostWalk walk(env, memory, route, settings);
//     while (auto target = co_await walk.next()) { try it; walk.failed(outcome); }
//     use(walk.verdict());
//
// HostMemory remembers for a while which addresses did not answer, so that they come last; one for
// all carriers of a shard. Standards: RFC 5321 §5.1; RFC 7504 §4; RFC 7505.
#pragma once

#include <deque>
#include <map>
#include <optional>

#include "dawk/envelope/envelope.hpp"
#include "dawk/mta/settings.hpp"
#include "dawk/rt/env.hpp"

namespace dawk::mta {

struct Target {
    std::string host;  // its name; the address when it has none
    rt::Endpoint endpoint;
    bool is_loopback() const noexcept;
};

class HostMemory {
  public:
    void did_not_answer(std::string const& address, SteadyTime now);
    void answered(std::string const& address);
    bool is_bad(std::string const& address, SteadyTime now) const;
    // An attempt over IPv6 failed lately, and none has worked since.
    bool is_ipv6_bad(SteadyTime now) const noexcept { return now < ipv6_bad_until_; }
    // Opportunistic TLS failed with this address lately: do not try it again for a while.
    void tls_broke(std::string const& address, SteadyTime now);
    bool is_tls_broken(std::string const& address, SteadyTime now) const;

  private:
    using Times = std::map<std::string, SteadyTime>;
    static void remember(Times& times, std::string const& address, SteadyTime until,
                         SteadyTime now);
    Times bad_until_, tls_broken_until_;
    SteadyTime ipv6_bad_until_{};
};

class HostWalk {
  public:
    HostWalk(rt::Env& env, HostMemory& memory, routing::Route const& route,
             Settings const& settings);
    Task<std::optional<Target>> next();
    // What trying the last target came to; never delivered.
    void failed(envelope::Outcome outcome);
    // The last target turned out to be this system itself: all that follow are no better.
    void found_ourselves(envelope::Outcome outcome);
    // Why no target is left. Deferred if any failure may pass.
    envelope::Outcome verdict() const;

  private:
    static constexpr std::size_t addresses_max = 20;  // tried in one walk
    Task<void> begin();
    Task<void> begin_exchangers();
    Task<void> expand(std::string host);
    void add(std::string host, std::string address);
    void own_finding(envelope::Outcome::Kind kind, std::string status, std::string text);
    bool is_own_address(std::string const& address) const;

    rt::Env& env_;
    HostMemory& memory_;
    routing::Route const& route_;
    Settings const& settings_;
    bool begun_ = false;
    bool is_implicit_ = false;
    std::deque<std::string> hosts_;
    std::deque<Target> targets_, later_;
    std::size_t given_ = 0;
    std::optional<envelope::Outcome> temporary_, permanent_;
};

}  // namespace dawk::mta
