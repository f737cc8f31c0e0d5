// What /v1/status says, and what a reload cannot change.
#pragma once

#include <string>
#include <vector>

#include "dawk/mta/queue_runner.hpp"
#include "dawk/mta/settings.hpp"
#include "dawk/spool/spool.hpp"

namespace dawk::cmd {

struct StatusFacts {
    std::string config;
    WallTime started{}, now{};
    std::string readiness;  // "" when ready
    spool::Usage usage;
    mta::QueueStats queue;
    std::vector<std::string> listeners;
};
std::string status_json(mta::Settings const& settings, StatusFacts const& facts);

// The keys in which the two differ and that only a restart can change; "" if none.
std::string needs_restart(mta::Settings const& old, mta::Settings const& fresh);

}  // namespace dawk::cmd
