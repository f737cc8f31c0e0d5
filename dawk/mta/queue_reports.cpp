#include "dawk/mta/queue_core.hpp"

namespace dawk::mta {

bool QueueCore::needs_report(Live const&, std::vector<Change> const&) const {
    return false;
}

Task<void> QueueCore::report(Live& live, std::uint32_t part, std::vector<Change> changes) {
    apply(live, changes);
    --live.parts[part].staged;
    --live.pins;
    --reports_running_;
    part_done(live, part);
    co_return;
}

}  // namespace dawk::mta
