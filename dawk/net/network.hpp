// Network: rt::Network of one shard on real sockets and OpenSSL. NetworkShared is what the shards
// of a process have in common. What it listens on: dawk/net/listen.hpp. TLS profile:
// dawk/net/tls.hpp.
#pragma once

#include <memory>

#include <boost/asio/io_context.hpp>

#include "dawk/rt/network.hpp"

namespace dawk::net {

class NetworkShared;
std::shared_ptr<NetworkShared> make_network_shared();

class Network final : public rt::Network {
  public:
    // Streams and listeners must not be used, but may still be destroyed, after the Network is
    // gone.
    Network(boost::asio::io_context& io, std::shared_ptr<NetworkShared> shared);
    ~Network() override;

    Task<Result<std::unique_ptr<rt::Stream>>> connect(rt::ConnectTarget target) override;
    Result<std::unique_ptr<rt::Listener>> listen(std::string const& address,
                                                 bool reuse_port) override;
    std::vector<std::string> local_addresses() override;
    rt::ExplainedResult<std::shared_ptr<rt::TlsIdentity const>> load_identity(
        std::string const& certificate_file, std::string const& key_file) override;
    Task<rt::ExplainedResult<std::unique_ptr<rt::Stream>>> tls_accept(
        std::unique_ptr<rt::Stream> plain,
        std::shared_ptr<rt::TlsIdentity const> identity) override;
    Task<rt::ExplainedResult<std::unique_ptr<rt::Stream>>> tls_connect(
        std::unique_ptr<rt::Stream> plain, rt::TlsClientPolicy policy) override;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace dawk::net
