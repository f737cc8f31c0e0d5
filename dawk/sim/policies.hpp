// Policies: what the domains of a random run publish about who may send in their name, and the keys
// that they sign with (SPF, DKIM, DMARC).
#pragma once

#include <memory>
#include <string>

#include "dawk/mta/settings.hpp"
#include "dawk/sim/zone.hpp"

namespace dawk::sim {

// Those of a domain whose one server has this address: good ones, and a key.
void publish_policies(Zone& zone, std::string const& domain, std::string const& address);
// The signer for that key.
std::shared_ptr<mta::Signing const> signing_for(std::string const& domain);
// Others, for a domain that sends from elsewhere: strict ones, broken ones, ones that go in
// circles.
void publish_odd_policies(Zone& zone, std::string const& domain, SeededRng& rng);
// What a server makes of the findings.
void choose_actions(mta::AuthSettings& auth, SeededRng& rng);

}  // namespace dawk::sim
