// Server: everything that runs in one process of "dawk serve", wired together.
//
//     auto server = Server::open(options);          // binds, opens the spool; nothing is served
//     yet if (!server) die(server.error().reason); return (*server)->run();                      //
//     until SIGTERM or SIGINT
#pragma once

#include <memory>
#include <string>

#include <boost/system/result.hpp>

#include "cmd/dawk/serve.hpp"

namespace dawk::cmd {

class Server {
  public:
    struct Failure {
        int exit_code = 1;
        std::string reason;
    };
    static boost::system::result<std::unique_ptr<Server>, Failure> open(ServeOptions options);
    ~Server();
    int run();

  private:
    struct Impl;
    explicit Server(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

[[noreturn]] void throw_exception_from_error(Server::Failure const& failure,
                                             boost::source_location const&);

}  // namespace dawk::cmd
