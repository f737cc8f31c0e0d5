// dawk serve: runs the server in the foreground.
#pragma once

#include <string>

namespace dawk::cmd {

struct ServeOptions {
    std::string config;       // path of the TOML file
    bool allow_root = false;  // serve as root all the same
};
// The exit code (sysexits): 0 after an orderly stop, 78 for a bad configuration, 69 when a socket
// or the spool cannot be had.
int run_serve(ServeOptions const& options);

}  // namespace dawk::cmd
