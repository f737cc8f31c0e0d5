// What no single key shows: contradictions, dangers, and what the machine says. Private to this
// module.
#pragma once

#include "dawk/config/problem.hpp"
#include "dawk/mta/settings.hpp"

namespace dawk::config {

// Fills in what is derived from other settings.
void complete(mta::Settings& settings);

// Pure: errors that make the settings unusable, and warnings.
void check_settings(mta::Settings const& settings, Report& report);

// Looks at the files that are named and the rights of this process. Warnings only, for
// the server may run elsewhere or as somebody else.
void check_machine(mta::Settings const& settings, WallTime now, Report& report);

}  // namespace dawk::config
