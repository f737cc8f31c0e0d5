#include "dawk/envelope/envelope.hpp"

#include <algorithm>

namespace dawk::envelope {

bool Envelope::is_finished() const noexcept {
    return std::all_of(recipients.begin(), recipients.end(),
                       [](Recipient const& r) { return is_final(r.state); });
}

}  // namespace dawk::envelope
