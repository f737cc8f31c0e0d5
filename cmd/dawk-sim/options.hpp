// Options of dawk-sim, read and checked: everything that is wrong is said in words.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dawk/sim/mutations.hpp"
#include "dawk/sim/play.hpp"

namespace dawk::cmd_sim {

struct Options {
    std::uint64_t first_seed = 1, last_seed = 1;
    bool is_search = false;  // more than one seed: statistics, no log
    std::uint64_t minutes = 0;
    std::string scenario;
    std::string mutation;
    sim::FaultSet without;
    std::uint64_t scale_percent = 100;
    std::string log_file;
    bool shows_list = false, shows_help = false, shrinks = true, is_quiet = false;
};

struct Parsed {
    Options options;
    std::string error;  // "" if good
};
Parsed parse_options(std::vector<std::string> const& arguments);
std::string help_text();
std::string list_text();

}  // namespace dawk::cmd_sim
