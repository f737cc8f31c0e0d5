// RealRng: a fast generator (xoshiro256**) seeded by the kernel. For jitter, choices and ids; never
// for keys or secrets (dawk/crypto). One a shard, no locks.
#pragma once

#include <array>
#include <cstdint>

#include "dawk/rt/rng.hpp"

namespace dawk::net {

class RealRng final : public rt::Rng {
  public:
    RealRng();
    std::uint64_t next() override;

  private:
    std::array<std::uint64_t, 4> state_{};
};

}  // namespace dawk::net
