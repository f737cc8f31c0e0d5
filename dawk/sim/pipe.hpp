// Pipe: one direction of a simulated connection. Octets arrive after the link's latency, in order.
#pragma once

#include <deque>
#include <string>

#include "dawk/sim/world.hpp"

namespace dawk::sim {

struct Pipe {
    explicit Pipe(World& world) : readable(world), writable(world) {}
    static constexpr std::size_t window = 256U << 10U;  // octets under way before a writer waits

    std::string buffer;         // arrived, not yet read
    std::size_t in_flight = 0;  // written, not yet arrived
    bool finished = false;      // the writer said goodbye: the reader sees the end after the buffer
    bool reset = false;         // the connection is gone: both sides see it at once
    bool black_hole = false;    // what is written never arrives, and nobody is told
    bool reader_gone = false;   // the reader's machine lost its power
    bool writer_gone = false;   // the writer's machine lost its power
    SteadyTime last_arrival{};
    Signal readable, writable;
};

}  // namespace dawk::sim
