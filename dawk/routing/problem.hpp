// find_problems: what is wrong with a routing configuration, and where, for those who know the
// place of each of its members in a file. Router::check says the same in words alone.
//
//     for (auto const& problem : routing::find_problems(config)) report(problem);
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dawk/routing/routing.hpp"

namespace dawk::routing {

struct Problem {
    enum class In { domain, route, default_deliver };
    In in = In::default_deliver;
    std::size_t index = 0;  // in Config::domains or Config::routes
    std::string_view key;   // of its member: "name", "deliver", "to", "via", "tls" ...
    std::string text;
    std::string name;  // what the domain or route calls itself
};

std::vector<Problem> find_problems(Config const& config);

}  // namespace dawk::routing
