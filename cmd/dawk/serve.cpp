#include "cmd/dawk/serve.hpp"

#include <cstdio>

#include <malloc.h>

#include "cmd/dawk/server.hpp"

namespace dawk::cmd {
namespace {

// Contents and memtables come and go by the hundred a second. Memory given back to the kernel and
// asked for again is paid by the page, dearly on a virtual machine: a tenth of the CPU time of a
// message of 100 KiB. So some of it is kept.
void keep_freed_memory() {
    ::mallopt(M_MMAP_THRESHOLD, 16 << 20);
    ::mallopt(M_TRIM_THRESHOLD, 128 << 20);
    // Without fast bins there is nothing to consolidate whenever something larger is freed.
    ::mallopt(M_MXFAST, 0);
}

}  // namespace

int run_serve(ServeOptions const& options) {
    keep_freed_memory();
    auto server = Server::open(options);
    if (!server) {
        std::fprintf(stderr, "dawk: %s\n", server.error().reason.c_str());
        return server.error().exit_code;
    }
    return (*server)->run();
}

}  // namespace dawk::cmd
