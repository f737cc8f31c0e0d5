// What the receiving side works with, and how its parts answer each other.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "dawk/directory/directory.hpp"
#include "dawk/dkim/verify.hpp"
#include "dawk/envelope/event.hpp"
#include "dawk/mta/accepted.hpp"
#include "dawk/mta/verdict_sink.hpp"
#include "dawk/rt/env.hpp"
#include "dawk/rt/task_group.hpp"
#include "dawk/spool/spool.hpp"

namespace dawk::mta {

// All of it outlives every session.
struct ReceiverPorts {
    rt::Env& env;
    spool::Spool& spool;
    directory::Directory& directory;
    envelope::EventSink& events;
    AcceptedSink& accepted;
    rt::TaskGroup& later;    // commits that were not waited for
    rt::TaskGroup& lookups;  // what goes on beside sessions; ended when none is left
    dkim::KeyCache& keys;    // of this shard
    VerdictSink* verdicts = nullptr;
    SteadyTime give_up_at = SteadyTime::max();  // for what is in later
};

struct Verdict {
    std::uint16_t code = 0;   // 0: good
    std::string_view status;  // of static text
    std::string text;
    std::string facts{};  // who really sent it, where that is why (dawk/mailauth/facts.hpp)
    std::string note{};   // the same in one line
    bool is_good() const noexcept { return code == 0; }
};

}  // namespace dawk::mta
