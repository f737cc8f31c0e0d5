// BlockingResolver: the network's DNS for programs that can wait, over the same libunbound, cache
// and DNSSEC validation as the server's resolver.
//
//     net::BlockingResolver dns;                       // as resolv.conf says
//     auto answer = dns.query({"example.org", dns::Type::mx});
//
// One thread at a time.
#pragma once

#include <chrono>

#include <boost/asio/io_context.hpp>

#include "dawk/net/resolver.hpp"

namespace dawk::net {

class BlockingResolver {
  public:
    explicit BlockingResolver(ResolverSettings const& settings = {},
                              std::chrono::seconds timeout = std::chrono::seconds(20));
    // Status::timeout after the timeout.
    dns::Answer query(dns::Question const& question);

  private:
    boost::asio::io_context io_{1};
    UnboundResolver resolver_;
    std::chrono::seconds timeout_;
};

}  // namespace dawk::net
