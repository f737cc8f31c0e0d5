// SCRAM-SHA-256, the server's side: the client proves that it knows the password without showing
// it, and the server that it has keys made of it. Without channel binding: "y" and "n" are taken,
// "p" is not.
//
//     auto mechanism = sasl::make_scram_server();      // as any ServerMechanism: keys, then verify
//
// Nothing in the exchange tells an unknown name from a wrong password, if the keys supplied for an
// unknown name look like real ones. Standards: RFC 5802 §5, §7; RFC 7677.
#pragma once

#include <memory>

#include "dawk/sasl/server.hpp"

namespace dawk::sasl {

std::unique_ptr<ServerMechanism> make_scram_server();

}  // namespace dawk::sasl
