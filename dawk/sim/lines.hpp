// Lines: a stream as scripted peers use it: lines in, octets in, text out, each with a time-out.
#pragma once

#include <memory>
#include <string>

#include "dawk/rt/network.hpp"
#include "dawk/sim/world.hpp"

namespace dawk::sim {

class Lines {
  public:
    Lines(World& world, std::unique_ptr<rt::Stream> stream)
        : world_(world), stream_(std::move(stream)) {}

    Duration timeout = std::chrono::minutes(5);

    // The next line without its end; false at the end of the connection or when time is over.
    Task<bool> line(std::string& out);
    Task<bool> octets(std::size_t count, std::string& out);
    Task<bool> say(std::string text);
    Task<void> bye();
    void drop() { stream_->close(); }

    Task<bool> accept_tls(rt::Network& network, std::shared_ptr<rt::TlsIdentity const> identity);
    Task<bool> start_tls(rt::Network& network, std::string server_name);
    bool is_secure() const { return stream_ && stream_->tls() != nullptr; }
    std::string remote_address() const { return stream_ ? stream_->remote().address : ""; }

  private:
    Task<bool> more();

    World& world_;
    std::unique_ptr<rt::Stream> stream_;
    std::string buffer_;
};

}  // namespace dawk::sim
