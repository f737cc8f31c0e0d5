// STARTTLS and AUTH of ServerSession.
#include <algorithm>
#include <utility>

#include "dawk/base/base64.hpp"
#include "dawk/base/check.hpp"
#include "dawk/smtp/server_session.hpp"

namespace dawk::smtp {

void ServerSession::on_starttls(Argument argument) {
    if (phase_ == Phase::fresh) return error(503, "5.5.1", "Say EHLO or HELO first");
    if (!argument.empty()) return error(501, "5.5.4", "STARTTLS takes no argument");
    if (tls_) return error(503, "5.5.1", "TLS is active already");
    if (!config_.starttls) return error(502, "5.5.1", "TLS is not available");
    // RFC 3207 §4.2: nothing that came in the clear may be taken for having come by TLS
    // (CVE-2011-0411). It is not executed either: a client that sends it is broken or attacked.
    if (more_follows_) return hang_up(554, "5.5.0", "Nothing may follow STARTTLS");
    reply(220, "2.0.0", "Ready to start TLS");
    want_ = Want::start_tls;
}

// RFC 3207 §4.2: what was learned before is forgotten; the client begins with EHLO again.
void ServerSession::tls_started() {
    DAWK_CHECK(want_ == Want::start_tls);
    content_open_ = false;
    end_transaction();
    want_ = Want::none;
    tls_ = true;
    extended_ = false;
    phase_ = Phase::fresh;
    client_name_.clear();
    identity_.clear();
    mail_ = MailCommand{};
    rcpt_ = RcptCommand{};
}

// RFC 4954 §4: AUTH mechanism [initial-response]
void ServerSession::on_auth(Argument argument) {
    if (phase_ == Phase::fresh || !extended_) return error(503, "5.5.1", "Say EHLO first");
    if (!config_.auth) return error(502, "5.5.1", "Authentication is not available here");
    if (!tls_) return error(538, "5.7.11", "Encryption is needed to authenticate");
    if (!identity_.empty()) return error(503, "5.5.1", "Already authenticated");
    if (has_transaction()) return error(503, "5.5.1", "Not during a mail transaction");
    std::size_t const end = std::min(argument.find(' '), argument.size());
    std::string_view const name = argument.substr(0, end);
    std::string_view const initial = argument.substr(std::min(end + 1, argument.size()));
    if (name.empty()) return error(501, "5.5.4", "A mechanism is needed");
    mechanism_ = sasl::make_server(name);
    if (!mechanism_) return error(504, "5.5.4", "Mechanism not available");
    if (initial.empty()) return step_auth(std::nullopt);
    if (initial == "=") return step_auth("");  // RFC 4954 §4: an empty initial response
    on_auth_line(initial);
}

void ServerSession::on_auth_line(std::string_view line) {
    if (line == "*") return end_auth(501, "5.7.0", "Authentication cancelled");
    auto decoded = base64::decode(line);
    if (!decoded) return end_auth(501, "5.5.2", "Bad base64");
    step_auth(*decoded);
    sasl::wipe(*decoded);
}

void ServerSession::step_auth(std::optional<std::string_view> response) {
    using Step = sasl::ServerMechanism::Step;
    switch (mechanism_->step(response)) {
        case Step::challenge:
            authenticating_ = true;
            return reply(334, "", base64::encode(mechanism_->challenge()));
        case Step::verify:
            authenticating_ = false;
            want_ = Want::authenticate;
            return;
        case Step::keys:
            authenticating_ = false;
            want_ = Want::auth_keys;
            return;
        case Step::malformed:
            return end_auth(501, "5.5.2", "Malformed response");
    }
}

// The exchange comes to nothing, without a password having been tried.
void ServerSession::end_auth(unsigned code, std::string_view status, std::string_view text) {
    authenticating_ = false;
    mechanism_.reset();
    error(code, status, text);
}

void ServerSession::fail_login(unsigned code, std::string_view status, std::string_view text) {
    authenticating_ = false;
    mechanism_.reset();
    if (++auth_failures_ >= config_.limits.auth_failures) {
        return hang_up(421, "4.7.0", "Too many failed logins");
    }
    reply(code, status, text);
}

void ServerSession::supply_keys(crypto::ScramKeys keys) {
    DAWK_CHECK(want_ == Want::auth_keys);
    want_ = Want::none;
    mechanism_->supply(std::move(keys));
    authenticating_ = true;
    reply(334, "", base64::encode(mechanism_->challenge()));
}

void ServerSession::authenticated(Login result) {
    DAWK_CHECK(want_ == Want::authenticate || want_ == Want::auth_keys);
    want_ = Want::none;
    switch (result) {
        case Login::ok:
            identity_ = mechanism_->credentials().name;
            mechanism_.reset();
            return reply(235, "2.7.0", "Authentication succeeded");
        case Login::bad_credentials:
            return fail_login(535, "5.7.8", "Authentication failed");
        case Login::disabled:
            return fail_login(525, "5.7.13", "Account is disabled");  // RFC 5248
        case Login::unavailable:
            mechanism_.reset();
            return reply(454, "4.7.0", "Temporary authentication failure");
    }
}

}  // namespace dawk::smtp
