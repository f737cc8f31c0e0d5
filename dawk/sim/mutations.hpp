// The mutations by name (dawk/base/mutation.hpp), and within how many runs each must be found.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dawk/base/mutation.hpp"
#include "dawk/sim/play.hpp"

namespace dawk::sim {

struct KnownMutation {
    Mutation mutation;
    std::string_view name, what;
    std::string_view scenario;  // where it shows; "": in random runs
    std::uint64_t seeds_max;    // found by one of the seeds 1..seeds_max
};
std::vector<KnownMutation> const& known_mutations();
KnownMutation const* mutation_named(std::string_view name);
// Runs until the first one that finds it; the seed, 0: none did.
std::uint64_t hunt(KnownMutation const& mutation, PlayResult& found);
// For everything that is played from now on; none is "".
void set_mutation(std::string_view name);

}  // namespace dawk::sim
