// A whole session: any octets, cut anywhere, give the same replies, questions and messages; every
// reply is a reply; no accepted content holds a bare line end. The first octet chooses the
// configuration.
#include <cstdint>

#include "dawk/base/check.hpp"
#include "dawk/smtp/session_peer.hpp"

using namespace dawk::smtp;

namespace {

void check_output(std::string_view wire) {
    while (!wire.empty()) {
        ReplyParser parser;
        std::size_t const used = parser.feed(wire);
        DAWK_CHECK(used > 0 && parser.state() == ReplyParser::State::complete);
        wire.remove_prefix(used);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    ServerConfig config;
    config.hostname = "mx.example.org";
    config.starttls = (data[0] & 1U) != 0;
    config.auth = (data[0] & 2U) != 0;
    config.require_tls = (data[0] & 4U) != 0;
    config.strict_pipelining = false;
    config.limits.message_size_bytes = 200;
    config.limits.command_line_bytes = 100;
    config.limits.auth_line_bytes = 200;
    bool const tls = (data[0] & 8U) != 0;
    std::string_view const input(reinterpret_cast<char const*>(data) + 1, size - 1);
    SessionPeer whole(config, tls);
    whole.feed(input);
    check_output(whole.session.output());
    for (auto const& message : whole.messages) {
        LineEndCheck check;
        check.feed(message);
        DAWK_CHECK(!check.has_bare_line_end() && check.at_line_start());
    }
    // What stands behind STARTTLS in one read is refused, in two it would be a broken handshake.
    if (config.starttls && !tls) return 0;
    for (std::size_t const step : {std::size_t{1}, std::size_t{7}}) {
        SessionPeer split(config, tls);
        split.feed(input, step);
        DAWK_CHECK(split.session.output() == whole.session.output());
        DAWK_CHECK(split.notes == whole.notes && split.messages == whole.messages);
        DAWK_CHECK(split.closed() == whole.closed());
    }
    return 0;
}
