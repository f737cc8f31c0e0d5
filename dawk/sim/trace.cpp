#include "dawk/sim/trace.hpp"

#include <cstdio>

namespace dawk::sim {

std::string shown_time(World const& world) {
    using std::chrono::duration_cast;
    auto const us = duration_cast<std::chrono::microseconds>(world.age()).count();
    char text[40];
    std::snprintf(text, sizeof text, "%lldd%02d:%02d:%02d.%06d",
                  static_cast<long long>(us / 86'400'000'000),
                  static_cast<int>(us / 3'600'000'000 % 24), static_cast<int>(us / 60'000'000 % 60),
                  static_cast<int>(us / 1'000'000 % 60), static_cast<int>(us % 1'000'000));
    return text;
}

void Trace::say(std::string_view who, std::string_view what) {
    auto line = shown_time(world_);
    line += ' ';
    line += who;
    line += ": ";
    line += what;
    lines_.push_back(std::move(line));
}

std::string Trace::text() const {
    std::string all;
    for (auto const& line : lines_) all += line + '\n';
    return all;
}

}  // namespace dawk::sim
