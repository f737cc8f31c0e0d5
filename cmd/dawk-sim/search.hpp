// Search: many seeds, statistics, and what to say of one that fails.
#pragma once

#include "cmd/dawk-sim/options.hpp"

namespace dawk::cmd_sim {

// The exit code.
int run_one(Options const& options);
int search(Options const& options);

}  // namespace dawk::cmd_sim
