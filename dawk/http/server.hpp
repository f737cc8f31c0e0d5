// Server: HTTP/1.1 for administration, metrics and health, over any listener of the network port.
//
//     http::Server server(env, handler, {});
//     auto bound = server.listen("unix:/run/dawk/dawk.sock");
//     ... co_await server.stop();
//
// Small on purpose: requests are read whole, within limits; answers are written whole. One shard;
// the handler runs on it. Standards: RFC 9110, 9112.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dawk/rt/env.hpp"
#include "dawk/rt/http.hpp"
#include "dawk/rt/task_group.hpp"

namespace dawk::http {

struct Limits {
    std::uint32_t header_bytes = 16U << 10U;
    std::uint64_t body_bytes = 1U << 20U;
    std::uint32_t connections = 100;
    std::chrono::seconds idle{30};       // between requests, and for reading one
    std::chrono::seconds handling{300};  // for writing the answer
};

class Server {
  public:
    Server(rt::Env& env, rt::HttpHandler handler, Limits limits);
    ~Server();  // stopped before
    // "127.0.0.1:8025", "unix:/path"; can be called for several.
    Result<void> listen(std::string const& address);
    std::vector<rt::Endpoint> endpoints() const;
    // Stops accepting and ends the connections that are open.
    Task<void> stop();

  private:
    Task<void> accept_from(rt::Listener& listener);
    Task<void> serve(std::unique_ptr<rt::Stream> stream);

    rt::Env& env_;
    rt::HttpHandler handler_;
    Limits limits_;
    std::vector<std::unique_ptr<rt::Listener>> listeners_;
    rt::TaskGroup tasks_;
    std::uint32_t open_ = 0;
};

}  // namespace dawk::http
