#include <cstdio>

#include "dawk/sim/mutations.hpp"

#include "cmd/dawk-sim/options.hpp"
#include "cmd/dawk-sim/search.hpp"

int main(int argc, char** argv) {
    using namespace dawk::cmd_sim;
    auto const parsed = parse_options(std::vector<std::string>(argv + 1, argv + argc));
    if (!parsed.error.empty()) {
        std::fprintf(stderr, "dawk-sim: %s\n", parsed.error.c_str());
        return 2;
    }
    auto const& options = parsed.options;
    if (options.shows_help || options.shows_list) {
        std::fputs((options.shows_help ? help_text() : list_text()).c_str(), stdout);
        return 0;
    }
    dawk::sim::set_mutation(options.mutation);
    return options.is_search ? search(options) : run_one(options);
}
