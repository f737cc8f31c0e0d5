// The test of the tests: each fault that is built in on purpose is found, within its number of
// seeds, and by the invariant that it breaks.
#include <gtest/gtest.h>

#include "dawk/sim/mutations.hpp"

namespace dawk::sim {
namespace {

class Mutant : public testing::TestWithParam<KnownMutation> {};

TEST_P(Mutant, IsFound) {
    PlayResult found;
    auto const seed = hunt(GetParam(), found);
    ASSERT_NE(seed, 0U) << GetParam().name << " was not found by " << GetParam().seeds_max
                        << " seeds";
    RecordProperty("seed", static_cast<int>(seed));
    RecordProperty("violation", found.violation->text);
    // The same seed without the mutation holds: it was the mutation that was found.
    PlayOptions options;
    options.seed = seed;
    options.scenario = GetParam().scenario;
    auto const healthy = play(options);
    EXPECT_FALSE(healthy.violation) << healthy.violation->text;
}

INSTANTIATE_TEST_SUITE_P(Mutations, Mutant, testing::ValuesIn(known_mutations()),
                         [](auto const& one) { return std::string(one.param.name); });

}  // namespace
}  // namespace dawk::sim
