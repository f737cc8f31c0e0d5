#include "dawk/sim/faults.hpp"

#include "dawk/sim/world.hpp"

namespace dawk::sim {

std::optional<Fault> fault_named(std::string_view name) noexcept {
    for (std::size_t i = 0; i < fault_names.size(); ++i)
        if (fault_names[i] == name) return static_cast<Fault>(i);
    return std::nullopt;
}

FaultSet faults_of(std::uint64_t seed) {
    SeededRng rng(seed ^ 0xFA017ULL);
    auto const share = 0.1 + static_cast<double>(rng.below(50)) / 100;
    FaultSet out;
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = rng.chance(share);
    return out;
}

}  // namespace dawk::sim
