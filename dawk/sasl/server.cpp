#include "dawk/sasl/server.hpp"

#include <algorithm>

#include "dawk/base/ascii.hpp"
#include "dawk/base/check.hpp"
#include "dawk/sasl/checks.hpp"
#include "dawk/sasl/scram.hpp"

namespace dawk::sasl {

bool is_name(std::string_view text) noexcept {
    return !text.empty() && text.size() <= name_max &&
           std::none_of(text.begin(), text.end(), ascii::is_control);
}

namespace {

bool is_password(std::string_view text) noexcept {
    return !text.empty() && text.size() <= password_max && text.find('\0') == text.npos;
}

class PlainServer : public ServerMechanism {
  public:
    // RFC 4616 §2: message = [authzid] UTF8NUL authcid UTF8NUL passwd
    Step step(std::optional<std::string_view> response) override {
        if (!response) {
            challenge_ = "";
            return Step::challenge;
        }
        std::size_t const first = response->find('\0');
        if (first == response->npos) return Step::malformed;
        std::size_t const second = response->find('\0', first + 1);
        if (second == response->npos) return Step::malformed;
        std::string_view const authorization = response->substr(0, first);
        std::string_view const name = response->substr(first + 1, second - first - 1);
        std::string_view const password = response->substr(second + 1);
        if (!is_name(name) || !is_password(password)) return Step::malformed;
        credentials_.name = name;
        credentials_.password = password;
        // Nobody may act as somebody else.
        bool const as_other = !authorization.empty() && authorization != name;
        if (as_other) credentials_.proof = Credentials::Proof::refused;
        return Step::verify;
    }
};

class LoginServer : public ServerMechanism {
  public:
    // The name may come as initial response; the prompts are those that old clients compare with.
    Step step(std::optional<std::string_view> response) override {
        if (!response) {
            challenge_ = "Username:";
            return Step::challenge;
        }
        if (credentials_.name.empty()) {
            if (!is_name(*response)) return Step::malformed;
            credentials_.name = *response;
            challenge_ = "Password:";
            return Step::challenge;
        }
        if (!is_password(*response)) return Step::malformed;
        credentials_.password = *response;
        return Step::verify;
    }
};

}  // namespace

void wipe(std::string& secret) noexcept {
    secret.resize(secret.capacity());
    char volatile* octets = secret.data();
    for (std::size_t i = 0; i < secret.size(); ++i) octets[i] = 0;
    secret.clear();
}

Credentials::~Credentials() {
    wipe(password);
}

void ServerMechanism::supply(crypto::ScramKeys, std::string) {
    DAWK_CHECK(false);  // only a mechanism that asked for keys is given some
}

std::unique_ptr<ServerMechanism> make_server(std::string_view name) {
    if (ascii::iequals(name, "SCRAM-SHA-256")) return make_scram_server();
    if (ascii::iequals(name, "PLAIN")) return std::make_unique<PlainServer>();
    if (ascii::iequals(name, "LOGIN")) return std::make_unique<LoginServer>();
    return nullptr;
}

}  // namespace dawk::sasl
