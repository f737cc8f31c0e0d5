// What stands in the schedule for an envelope. One rule, used by all that inserts and by the tools.
#pragma once

#include <vector>

#include "dawk/spool/spool.hpp"

namespace dawk::spool {

// One entry for each destination with waiting recipients, due at the earliest of their next
// attempts. In order of the destinations.
std::vector<Due> due_entries(envelope::Envelope const& envelope);

}  // namespace dawk::spool
