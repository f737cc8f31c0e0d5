// Rng: randomness of the world; seeded in the simulation. Not for keys (dawk/crypto has those).
#pragma once

#include <cstdint>

namespace dawk::rt {

class Rng {
  public:
    virtual ~Rng() = default;
    virtual std::uint64_t next() = 0;
    // Uniform in [0, bound), bound > 0; the same for every standard library.
    std::uint64_t below(std::uint64_t bound) {
        std::uint64_t const limit = UINT64_MAX - UINT64_MAX % bound;
        std::uint64_t value = next();
        while (value >= limit) value = next();
        return value % bound;
    }
};

}  // namespace dawk::rt
