// SASL, the client's side: chooses a mechanism the server offers and answers its challenges. All
// texts are without base64. Never use one on a connection whose server was not verified.
//
//     auto mechanism = sasl::choose_client("LOGIN PLAIN", user, password);   // PLAIN
//     send("AUTH " + name(), mechanism->initial());
//     mechanism->respond(challenge);                                          // for each 334
//
// Standards: RFC 4422; RFC 4616 (PLAIN); draft-murchison-sasl-login (LOGIN, de facto).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "dawk/base/result.hpp"

namespace dawk::sasl {

class ClientMechanism {
  public:
    virtual ~ClientMechanism() = default;
    virtual std::string_view name() const noexcept = 0;
    // What goes with the AUTH command; nothing if the server speaks first.
    virtual std::optional<std::string> initial() = 0;
    // protocol_violation: the server asks for more than the mechanism has; answer "*".
    virtual Result<std::string> respond(std::string_view challenge) = 0;
};

// offered: names separated by spaces, as in the EHLO reply. Null if none of them is known here, or
// the user or password cannot be carried.
std::unique_ptr<ClientMechanism> choose_client(std::string_view offered, std::string user,
                                               std::string password);

}  // namespace dawk::sasl
