// What dawk-sim makes of its options: bad ones are named, never guessed.
#include "cmd/dawk-sim/options.hpp"

#include <gtest/gtest.h>

namespace dawk::cmd_sim {
namespace {

TEST(Options, AreRead) {
    auto const parsed = parse_options({"--seeds", "3..9", "--without=crashes,resets", "--quiet"});
    ASSERT_EQ(parsed.error, "");
    EXPECT_EQ(parsed.options.first_seed, 3U);
    EXPECT_EQ(parsed.options.last_seed, 9U);
    EXPECT_TRUE(parsed.options.is_search);
    EXPECT_TRUE(parsed.options.without[sim::index_of(sim::Fault::crashes)]);
    EXPECT_TRUE(parsed.options.without[sim::index_of(sim::Fault::resets)]);
    EXPECT_EQ(parsed.options.without.count(), 2U);
}

TEST(Options, EveryScenarioFaultAndMutationHasItsName) {
    for (auto const& scenario : sim::scenarios())
        EXPECT_EQ(parse_options({"--scenario", std::string(scenario.name)}).error, "");
    for (auto const name : sim::fault_names)
        EXPECT_EQ(parse_options({"--without", std::string(name)}).error, "");
    for (auto const& one : sim::known_mutations())
        EXPECT_EQ(parse_options({"--mutation", std::string(one.name)}).error, "");
}

TEST(Options, WhatIsWrongIsSaid) {
    std::vector<std::vector<std::string>> const bad = {
        {"--seed"},
        {"--seed", "x"},
        {"--seed", "-1"},
        {"--seed", "1x"},
        {"--seeds", "9..3"},
        {"--seeds", "1.."},
        {"--minutes", "0"},
        {"--scale", "0"},
        {"--scale", "20000"},
        {"--scenario", "no"},
        {"--mutation", "no"},
        {"--without", "crashes,no"},
        {"--what", "ever"},
        {"--without", ""},
        {"--without", "crashes,"},
        {"--log", ""},
        {"--seed", "1", "--seed", "2"},
        {"--seed", "1", "--seeds", "1..2"},
        {"--minutes", "1", "--seeds", "1..2"},
        {"--seeds", "1..2", "--log", "x"},
        {"--scenario", "mail_loop", "--scale", "9"},
        {"--scale", "50"},
        {"--scenario", "mail_loop", "--without", "crashes"},
        {"seed"},
        {"--seed", "99999999999999999999"}};
    for (auto const& arguments : bad)
        EXPECT_NE(parse_options(arguments).error, "") << arguments.front();
}

}  // namespace
}  // namespace dawk::cmd_sim
