#include "cmd/dawk/serve.hpp"

#include <cstdio>

#include "cmd/dawk/server.hpp"

namespace dawk::cmd {

int run_serve(ServeOptions const& options) {
    auto server = Server::open(options);
    if (!server) {
        std::fprintf(stderr, "dawk: %s\n", server.error().reason.c_str());
        return server.error().exit_code;
    }
    return (*server)->run();
}

}  // namespace dawk::cmd
