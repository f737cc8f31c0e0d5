// SASL, the server's side: a mechanism is fed the client's responses (base64 already taken off)
// until it has credentials to verify or knows that there will be none.
//
//     auto mechanism = sasl::make_server("PLAIN");
//     switch (mechanism->step(response)) { case verify: ask the directory with credentials() ... }
//
// PLAIN and LOGIN carry the password itself and may be used over TLS only, which the protocol that
// embeds them ensures. SCRAM-SHA-256 proves it against the keys of the user, which the mechanism
// asks for. Secrets are wiped when a mechanism or Credentials dies. Standards: RFC 4422; RFC 4616
// (PLAIN); RFC 5802, RFC 7677 (SCRAM-SHA-256, without channel binding); draft-murchison-sasl-login
// (LOGIN, de facto).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "dawk/crypto/password.hpp"

namespace dawk::sasl {

// Overwrites before freeing; the compiler may not leave it out.
void wipe(std::string& secret) noexcept;

struct Credentials {
    std::string name;      // who logs in: never empty, no control octets, at most name_max
    std::string password;  // of PLAIN and LOGIN: never empty, at most password_max
    enum class Proof {
        password,  // to be compared
        shown,     // the client has proved to know it: only ask whether the user may log in
        refused,   // the client cannot be let in, whatever the directory says
    };
    Proof proof = Proof::password;

    Credentials() = default;
    Credentials(Credentials&&) = default;
    Credentials& operator=(Credentials&&) = default;
    Credentials(Credentials const&) = delete;
    Credentials& operator=(Credentials const&) = delete;
    ~Credentials();
};

constexpr std::size_t name_max = 255;
constexpr std::size_t password_max = 1024;

class ServerMechanism {
  public:
    enum class Step {
        challenge,  // send challenge(), come back with the response
        keys,       // give the keys of credentials().name by supply()
        verify,     // credentials() are complete
        malformed,  // not what the mechanism allows, or too long
    };
    virtual ~ServerMechanism() = default;
    // response: nothing when the exchange began without an initial response (RFC 4422 §3).
    virtual Step step(std::optional<std::string_view> response) = 0;
    // After keys: the challenge is then there. nonce: only tests give one.
    virtual void supply(crypto::ScramKeys keys, std::string nonce = {});
    std::string_view challenge() const noexcept { return challenge_; }
    Credentials& credentials() noexcept { return credentials_; }

  protected:
    std::string challenge_;
    Credentials credentials_;
};

// Names as they stand in the EHLO reply, best first.
constexpr std::string_view server_mechanisms = "SCRAM-SHA-256 PLAIN LOGIN";
// Null for a name that is not among them (any case).
std::unique_ptr<ServerMechanism> make_server(std::string_view name);

}  // namespace dawk::sasl
