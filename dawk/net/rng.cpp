#include "dawk/net/rng.hpp"

#include <bit>
#include <cerrno>

#include <sys/random.h>

#include "dawk/base/check.hpp"

namespace dawk::net {

RealRng::RealRng() {
    auto* const bytes = reinterpret_cast<char*>(state_.data());
    for (std::size_t have = 0; have < sizeof(state_);) {
        auto const n = getrandom(bytes + have, sizeof(state_) - have, 0);
        DAWK_CHECK(n > 0 || errno == EINTR);  // a kernel without randomness is no place to serve
        if (n > 0) have += static_cast<std::size_t>(n);
    }
    state_[0] |= 1;  // the one forbidden state is all zeros
}

// Blackman and Vigna's xoshiro256**, from its description.
std::uint64_t RealRng::next() {
    std::uint64_t const result = std::rotl(state_[1] * 5, 7) * 9;
    std::uint64_t const shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
}

}  // namespace dawk::net
