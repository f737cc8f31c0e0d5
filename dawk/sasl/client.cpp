#include "dawk/sasl/client.hpp"

#include <utility>

#include "dawk/base/ascii.hpp"
#include "dawk/sasl/server.hpp"

namespace dawk::sasl {

namespace {

class ClientWithPassword : public ClientMechanism {
  public:
    ClientWithPassword(std::string user, std::string password)
        : user_(std::move(user)), password_(std::move(password)) {}
    ~ClientWithPassword() override { wipe(password_); }

  protected:
    std::string user_, password_;
    int steps_ = 0;
};

class PlainClient : public ClientWithPassword {
  public:
    using ClientWithPassword::ClientWithPassword;
    std::string_view name() const noexcept override { return "PLAIN"; }
    std::optional<std::string> initial() override {
        steps_ = 1;
        return message();
    }
    Result<std::string> respond(std::string_view) override {
        if (steps_++ > 0) return Errc::protocol_violation;
        return message();
    }

  private:
    std::string message() const {  // RFC 4616 §2, without authzid
        return std::string(1, '\0') + user_ + std::string(1, '\0') + password_;
    }
};

class LoginClient : public ClientWithPassword {
  public:
    using ClientWithPassword::ClientWithPassword;
    std::string_view name() const noexcept override { return "LOGIN"; }
    std::optional<std::string> initial() override { return std::nullopt; }
    // Prompts differ from server to server; the order never does.
    Result<std::string> respond(std::string_view) override {
        switch (steps_++) {
            case 0:
                return user_;
            case 1:
                return password_;
            default:
                return Errc::protocol_violation;
        }
    }
};

bool offers(std::string_view offered, std::string_view name) {
    while (!offered.empty()) {
        std::size_t const end = std::min(offered.find(' '), offered.size());
        if (ascii::iequals(offered.substr(0, end), name)) return true;
        offered.remove_prefix(std::min(end + 1, offered.size()));
    }
    return false;
}

bool can_carry(std::string_view text) noexcept {
    return !text.empty() && text.find('\0') == text.npos;
}

}  // namespace

std::unique_ptr<ClientMechanism> choose_client(std::string_view offered, std::string user,
                                               std::string password) {
    if (!can_carry(user) || !can_carry(password)) return nullptr;
    if (offers(offered, "PLAIN")) {
        return std::make_unique<PlainClient>(std::move(user), std::move(password));
    }
    if (offers(offered, "LOGIN")) {
        return std::make_unique<LoginClient>(std::move(user), std::move(password));
    }
    return nullptr;
}

}  // namespace dawk::sasl
