#include "dawk/sasl/scram.hpp"

#include <algorithm>
#include <utility>

#include "dawk/base/ascii.hpp"
#include "dawk/base/base64.hpp"
#include "dawk/base/check.hpp"
#include "dawk/crypto/hash.hpp"
#include "dawk/sasl/checks.hpp"

namespace dawk::sasl {

namespace {

constexpr std::size_t nonce_max = 256;
constexpr std::size_t nonce_octets = 18;  // of ours, before base64

// Takes text up to the next comma off rest, and the comma.
std::string_view take_attribute(std::string_view& rest) noexcept {
    std::size_t const end = std::min(rest.find(','), rest.size());
    std::string_view const taken = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return taken;
}

// RFC 5802 §7: saslname: "," stands as "=2C", "=" as "=3D", and "=" for nothing else.
bool decode_name(std::string_view text, std::string& out) {
    out.clear();
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '=') {
            out.push_back(text[i]);
            continue;
        }
        std::string_view const code = text.substr(i + 1, 2);
        if (code != "2C" && code != "3D") return false;
        out.push_back(code == "2C" ? ',' : '=');
        i += 2;
    }
    return is_name(out);
}

// RFC 5802 §7: printable = %x21-2B / %x2D-7E
bool is_nonce(std::string_view text) noexcept {
    return !text.empty() && text.size() <= nonce_max &&
           std::all_of(text.begin(), text.end(),
                       [](char c) { return ascii::is_print(c) && c != ' ' && c != ','; });
}

class ScramServer final : public ServerMechanism {
  public:
    Step step(std::optional<std::string_view> response) override {
        switch (state_) {
            case State::first:
                if (!response) {  // RFC 4954 §4: the client speaks first, so it is asked to
                    challenge_.clear();
                    return Step::challenge;
                }
                return take_first(*response);
            case State::final:
                return response ? take_final(*response) : Step::malformed;
            case State::proved:
                // RFC 4954 §4: there is no room for our signature in the 235; it went before, and
                // the client answers it with nothing.
                if (!response || !response->empty()) return Step::malformed;
                return Step::verify;
            case State::keys:
                break;
        }
        return Step::malformed;
    }

    void supply(crypto::ScramKeys keys, std::string nonce) override {
        DAWK_CHECK(state_ == State::keys);
        if (nonce.empty()) nonce = base64::encode(crypto::random_bytes(nonce_octets));
        keys_ = std::move(keys);
        nonce_ += nonce;
        challenge_ = "r=" + nonce_ + ",s=" + base64::encode(keys_.salt) +
                     ",i=" + std::to_string(keys_.iterations);
        server_first_ = challenge_;
        state_ = State::final;
    }

  private:
    enum class State { first, keys, final, proved };

    // RFC 5802 §7: client-first-message = gs2-cbind-flag "," [ authzid ] "," "n=" saslname "," "r="
    // nonce
    // ["," extensions]
    Step take_first(std::string_view message) {
        std::string_view rest = message;
        std::string_view const binding = take_attribute(rest);
        if (binding != "n" && binding != "y") return Step::malformed;
        std::string_view const authorization = take_attribute(rest);
        gs2_header_ = message.substr(0, message.size() - rest.size());
        if (!gs2_header_.ends_with(',')) return Step::malformed;
        client_first_ = rest;
        std::string_view const name = take_attribute(rest);
        std::string_view const nonce = take_attribute(rest);
        if (!name.starts_with("n=") || !nonce.starts_with("r=")) return Step::malformed;
        if (!decode_name(name.substr(2), credentials_.name)) return Step::malformed;
        if (!is_nonce(nonce.substr(2))) return Step::malformed;
        nonce_ = nonce.substr(2);
        if (!authorization.empty()) {
            std::string as;
            if (!authorization.starts_with("a=") || !decode_name(authorization.substr(2), as)) {
                return Step::malformed;
            }
            as_other_ = as != credentials_.name;
        }
        state_ = State::keys;
        return Step::keys;
    }

    // client-final-message = "c=" base64 "," "r=" nonce ["," extensions] "," "p=" base64
    Step take_final(std::string_view message) {
        std::size_t const mark = message.rfind(",p=");
        if (mark == message.npos) return Step::malformed;
        std::string_view const without_proof = message.substr(0, mark);
        auto const proof = base64::decode(message.substr(mark + 3));
        if (!proof) return Step::malformed;
        std::string_view rest = without_proof;
        if (take_attribute(rest) != "c=" + base64::encode(gs2_header_)) return Step::malformed;
        if (take_attribute(rest) != "r=" + nonce_) return Step::malformed;
        std::string auth_message = client_first_;
        auth_message.append(",").append(server_first_).append(",").append(without_proof);
        if (as_other_ || !keys_.verify_proof(auth_message, *proof)) {
            credentials_.proof = Credentials::Proof::refused;
            return Step::verify;
        }
        credentials_.proof = Credentials::Proof::shown;
        challenge_ = "v=" + base64::encode(keys_.server_signature(auth_message));
        state_ = State::proved;
        return Step::challenge;
    }

    State state_ = State::first;
    bool as_other_ = false;
    std::string gs2_header_, client_first_, server_first_, nonce_;
    crypto::ScramKeys keys_;
};

}  // namespace

std::unique_ptr<ServerMechanism> make_scram_server() {
    return std::make_unique<ScramServer>();
}

}  // namespace dawk::sasl
