// UnboundResolver: rt::Resolver over libunbound, which validates DNSSEC itself; nobody's AD bit is
// believed. One engine a process, one front a shard: answers are cached there for their time to
// live, equal questions asked at once are asked once. Standards: RFC 1035, 2308, 4033-4035, 8020;
// 7505; hosts(5) is not consulted.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "dawk/rt/resolver.hpp"

namespace dawk::net {

struct ResolverSettings {
    // "192.0.2.53", "127.0.0.1:5353", "[2001:db8::53]:53". Empty: those of resolv.conf.
    std::vector<std::string> forwarders;
    std::string resolv_conf = "/etc/resolv.conf";  // "": ask the root servers and work downwards
    // DNSSEC: a file of DS or DNSKEY records of the root. Empty, or not there: nothing is ever
    // secure.
    std::string trust_anchor_file = "/usr/share/dns/root.key";
    // What an upstream makes that strips DNSSEC away: false, all names insecure; true, all bogus.
    bool dnssec_strict = false;
    std::size_t cache_entries = 20000;  // of one shard's front
    unsigned cache_seconds_max = 3600;
};

class ResolverEngine;
// Never fails: with settings that cannot be used every answer is a servfail that says what is
// wrong, and resolver_trouble() says it at start and in config checks ("" if nothing). It runs one
// thread, and libunbound one more at the first question.
std::shared_ptr<ResolverEngine> make_resolver_engine(ResolverSettings const& settings);
std::string resolver_trouble(ResolverEngine const& engine);

class UnboundResolver final : public rt::Resolver {
  public:
    UnboundResolver(boost::asio::io_context& io, std::shared_ptr<ResolverEngine> engine);
    ~UnboundResolver() override;
    Task<dns::Answer> query(dns::Question question, SteadyTime deadline) override;

    struct Counts {
        std::uint64_t asked = 0;   // of the engine
        std::uint64_t cached = 0;  // answered by the front
        std::uint64_t shared = 0;  // waited for another's question
        std::uint64_t timeouts = 0;
    };
    Counts counts() const noexcept;

  private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace dawk::net
