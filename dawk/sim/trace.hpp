// Trace: the event log of a run, one line for each thing that happened, with its virtual time. Off,
// it costs nothing and changes nothing: a run is the same with it and without.
//
//     if (trace.is_on()) trace.say("mail1", "read 250 for t17");
#pragma once

#include <deque>
#include <string>
#include <string_view>

#include "dawk/sim/world.hpp"

namespace dawk::sim {

class Trace {
  public:
    explicit Trace(World& world, bool is_on = false) : world_(world), is_on_(is_on) {}
    bool is_on() const noexcept { return is_on_; }
    void say(std::string_view who, std::string_view what);
    std::deque<std::string> const& lines() const noexcept { return lines_; }
    std::string text() const;

  private:
    World& world_;
    bool is_on_;
    std::deque<std::string> lines_;
};

// "1d02:03:04.056789" since the start of the world.
std::string shown_time(World const& world);

}  // namespace dawk::sim
