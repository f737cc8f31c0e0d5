// Any sequence of responses leads to a bounded result. The first octet chooses the mechanism, the
// rest is base64 lines.
#include <cstdint>
#include <string_view>

#include "dawk/base/base64.hpp"
#include "dawk/base/check.hpp"
#include "dawk/sasl/server.hpp"

using namespace dawk;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    std::string_view input(reinterpret_cast<char const*>(data), size);
    auto mechanism = sasl::make_server(input[0] == 'P'   ? "PLAIN"
                                       : input[0] == 'S' ? "SCRAM-SHA-256"
                                                         : "LOGIN");
    input.remove_prefix(1);
    for (int steps = 0; steps < 8; ++steps) {
        std::size_t const end = std::min(input.find('\n'), input.size());
        auto const decoded = base64::decode(input.substr(0, end));
        if (decoded) DAWK_CHECK(base64::encode(*decoded) == input.substr(0, end));
        auto step = decoded ? mechanism->step(*decoded) : mechanism->step(std::nullopt);
        input.remove_prefix(std::min(end + 1, input.size()));
        if (step == sasl::ServerMechanism::Step::keys) {
            static auto const keys = crypto::ScramKeys::make("p", "salt", 4096);
            mechanism->supply(keys, "nonce");
            step = sasl::ServerMechanism::Step::challenge;
        }
        if (step == sasl::ServerMechanism::Step::challenge) continue;
        if (step != sasl::ServerMechanism::Step::verify) break;
        auto const& found = mechanism->credentials();
        DAWK_CHECK(!found.name.empty() && found.name.size() <= sasl::name_max);
        bool const scram = found.password.empty();
        DAWK_CHECK(!scram || found.proof != sasl::Credentials::Proof::password);
        DAWK_CHECK(found.password.size() <= sasl::password_max);
        break;
    }
    return 0;
}
