#include "dawk/spool/due_entries.hpp"

#include <map>

namespace dawk::spool {

std::vector<Due> due_entries(envelope::Envelope const& envelope) {
    std::vector<Due> out;
    if (envelope.recipients.size() == 1) {
        auto const& only = envelope.recipients.front();
        if (only.state == envelope::State::waiting)
            out.push_back({only.destination, only.next_attempt, envelope.id});
        return out;
    }
    std::map<std::string_view, WallTime> earliest;
    for (auto const& recipient : envelope.recipients) {
        if (recipient.state != envelope::State::waiting) continue;
        auto const [place, is_new] =
            earliest.try_emplace(recipient.destination, recipient.next_attempt);
        if (!is_new) place->second = std::min(place->second, recipient.next_attempt);
    }
    for (auto const& [destination, due] : earliest)
        out.push_back({std::string(destination), due, envelope.id});
    return out;
}

}  // namespace dawk::spool
