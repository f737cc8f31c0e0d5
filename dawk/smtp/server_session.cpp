#include "dawk/smtp/server_session.hpp"

#include <algorithm>

#include "dawk/base/ascii.hpp"
#include "dawk/base/check.hpp"

namespace dawk::smtp {

namespace {
constexpr std::uint64_t line_skip_max = 1ULL << 20U;  // of one over-long line; then the peer is mad
constexpr std::uint32_t limits_value_max = 999'999;   // RFC 9422 §3: 1 to 6 digits
}  // namespace

void ServerSession::start() {
    // RFC 5321 §4.2: the greeting has no enhanced code (RFC 2034 §4).
    reply(220, "", config_.hostname + " ESMTP Dawk");
}

void ServerSession::refuse_service(std::uint16_t code, std::string_view status,
                                   std::string_view text) {
    hang_up(code, status, text);
}

std::size_t ServerSession::feed(std::string_view input) {
    std::size_t used = 0;
    while (want_ == Want::none && used < input.size()) {
        std::string_view const rest = input.substr(used);
        switch (phase_) {
            case Phase::data:
                used += feed_data(rest);
                break;
            case Phase::chunk:
                used += feed_chunk(rest);
                break;
            default:
                used += feed_line(rest);
                break;
        }
    }
    return used;
}

// RFC 5321 §4.5.3.1.4: 512 octets is a floor, extensions add to it; RFC 4954 §4 wants more for
// AUTH.
bool ServerSession::is_line_too_long(std::size_t size, std::string_view start) const noexcept {
    if (size <= config_.limits.command_line_bytes) return false;
    bool const auth = authenticating_ || (config_.auth && ascii::istarts_with(start, "AUTH "));
    return !auth || size > config_.limits.auth_line_bytes;
}

// A line is judged when its LF comes and not before, so that the cuts in the input make no
// difference. Of an over-long line only the last octet is kept, to know whether a CR stands before
// the LF.
std::size_t ServerSession::feed_line(std::string_view input) {
    std::size_t const lf = input.find('\n');
    std::size_t const used = lf == input.npos ? input.size() : lf + 1;
    std::string_view line = input.substr(0, used);
    if (lf == input.npos || !line_.empty()) {
        if (line_skipped_ > 0) {
            line_skipped_ += line.size();
            line_.assign(1, lf == 0 ? line_.back() : line[used - (lf == input.npos ? 1 : 2)]);
            if (lf != input.npos) line_.push_back('\n');
        } else {
            line_.append(line);
        }
        if (lf == input.npos) {
            if (line_skipped_ > line_skip_max) {
                hang_up(421, "4.7.0", "Line too long");
            } else if (line_skipped_ == 0 && is_line_too_long(line_.size(), line_)) {
                line_skipped_ = line_.size();
                line_.assign(1, line_.back());
            }
            return used;
        }
        line = line_;
    }
    more_follows_ = used < input.size();
    bool const too_long = line_skipped_ > 0 || is_line_too_long(line.size(), line);
    line_skipped_ = 0;
    on_line(line, too_long);
    if (line_.capacity() > 512 || authenticating_ || want_ == Want::authenticate) {
        sasl::wipe(line_);  // a password may have been in it
        line_.shrink_to_fit();
    }
    line_.clear();
    return used;
}

void ServerSession::on_line(std::string_view line, bool too_long) {
    line.remove_suffix(1);
    bool const bare_lf = !line.ends_with('\r');
    if (!bare_lf) line.remove_suffix(1);
    if (bare_lf || (!too_long && line.find('\r') != line.npos)) {
        // RFC 5321 §2.3.8. What one side takes for a line and the other does not is how mail is
        // smuggled.
        hang_up(550, "5.5.2", "Line ends must be CRLF");
        return;
    }
    if (too_long && authenticating_) {
        end_auth(500, "5.5.6", "Authentication exchange line is too long");  // RFC 4954 §6
    } else if (too_long) {
        error(500, "5.5.2", "Line too long");
    } else if (authenticating_) {
        on_auth_line(line);
    } else if (std::any_of(line.begin(), line.end(),
                           [](char c) { return ascii::is_control(c) && c != '\t'; })) {
        error(500, "5.5.2", "Control characters in command");
    } else {
        on_command(split_command(line));
    }
}

void ServerSession::on_command(CommandLine const& line) {
    if (line.verb == Verb::foreign) {  // cross-protocol attack
        hang_up(554, "5.5.0", "This is an SMTP server");
        return;
    }
    // RFC 2920 §3.1: a greeting ends a group, for what may be said depends on its reply.
    bool const ends_group = line.verb == Verb::ehlo || line.verb == Verb::helo;
    if (more_follows_ && (!extended_ || ends_group) && config_.strict_pipelining) {
        hang_up(554, "5.5.0",
                ends_group ? "Wait for the reply to your greeting"
                           : "Pipelining was not offered to you");
        return;
    }
    switch (line.verb) {
        case Verb::ehlo:
            return on_hello(line.argument, true);
        case Verb::helo:
            return on_hello(line.argument, false);
        case Verb::mail:
            return on_mail(line.argument);
        case Verb::rcpt:
            return on_rcpt(line.argument);
        case Verb::data:
            return on_data(line.argument);
        case Verb::bdat:
            return on_bdat(line.argument);
        case Verb::rset:
            return on_rset(line.argument);
        case Verb::quit:
            return on_quit(line.argument);
        case Verb::starttls:
            return on_starttls(line.argument);
        case Verb::auth:
            return on_auth(line.argument);
        case Verb::vrfy:
            return on_vrfy(line.argument);
        case Verb::noop:
            return reply(250, "2.0.0", "Ok");
        case Verb::expn:
            return error(550, "5.7.2", "Lists are not shown");
        case Verb::help:
            return reply(
                214, "2.0.0",
                "See RFC 5321: EHLO HELO MAIL RCPT DATA BDAT RSET NOOP VRFY STARTTLS AUTH QUIT");
        case Verb::foreign:
        case Verb::unknown:
            return error(500, "5.5.1", "Command not recognized");
    }
}

void ServerSession::on_hello(Argument argument, bool extended) {
    if (!is_client_name(argument)) {
        return error(501, "5.5.4", "A domain name or address literal is needed");
    }
    // RFC 5321 §4.1.4: an accepted EHLO acts as RSET; a refused one changes nothing.
    end_transaction();
    phase_ = Phase::ready;
    client_name_ = argument;
    extended_ = extended;
    if (extended) return greet_extended();
    reply(250, "", config_.hostname);
}

void ServerSession::greet_extended() {
    Limits const& limits = config_.limits;
    std::string text = config_.hostname + "\nPIPELINING\nSIZE";
    if (limits.message_size_bytes > 0) text += ' ' + std::to_string(limits.message_size_bytes);
    text += "\n8BITMIME\nENHANCEDSTATUSCODES\nDSN";
    if (config_.smtputf8) text += "\nSMTPUTF8";
    if (config_.chunking) text += "\nCHUNKING";
    if (config_.starttls && !tls_) text += "\nSTARTTLS";
    if (config_.auth && tls_) text.append("\nAUTH ").append(sasl::server_mechanisms);
    text += "\nLIMITS RCPTMAX=" + std::to_string(std::min(limits.recipients, limits_value_max));
    text += "\nHELP";
    reply(250, "", text);
}

bool ServerSession::may_go_on() {
    if (phase_ == Phase::fresh) {
        error(503, "5.5.1", "Say EHLO or HELO first");  // RFC 5321 §4.1.4
        return false;
    }
    if (config_.require_tls && !tls_) {
        error(530, "5.7.0", "Must issue a STARTTLS command first");  // RFC 3207 §4
        return false;
    }
    return true;
}

void ServerSession::on_mail(Argument argument) {
    if (!may_go_on()) return;
    if (config_.require_auth && identity_.empty()) {
        return error(530, "5.7.0", "Authentication required");  // RFC 4954 §6
    }
    if (has_transaction()) return error(503, "5.5.1", "Nested MAIL command");
    if (transactions_ >= config_.limits.transactions) {
        return hang_up(421, "4.7.0", "Too many transactions in this connection");
    }
    mail_ = MailCommand{};
    CommandGrammar const grammar{
        .extensions = extended_, .smtputf8 = config_.smtputf8, .auth = config_.auth && tls_};
    if (auto refusal = parse_mail(argument, grammar, mail_)) return error(*refusal);
    std::uint64_t const limit = config_.limits.message_size_bytes;
    if (limit > 0 && mail_.size > limit) {  // RFC 1870 §6.1
        return error(552, "5.3.4", "Message size exceeds our maximum");
    }
    want_ = Want::sender;
}

void ServerSession::on_rcpt(Argument argument) {
    if (!may_go_on()) return;
    if (phase_ != Phase::mail && phase_ != Phase::rcpt) {
        return error(503, "5.5.1", phase_ == Phase::chunks ? "BDAT has begun" : "MAIL first");
    }
    if (recipients_ >= config_.limits.recipients) {
        return reply(452, "4.5.3", "Too many recipients");  // RFC 5321 §4.5.3.1.10
    }
    rcpt_ = RcptCommand{};
    CommandGrammar const grammar{.extensions = extended_};
    if (auto refusal = parse_rcpt(argument, grammar, mail_.smtputf8, rcpt_)) {
        return error(*refusal);
    }
    want_ = Want::recipient;
}

void ServerSession::on_rset(Argument argument) {
    if (!argument.empty()) return error(501, "5.5.4", "RSET takes no argument");
    end_transaction();
    reply(250, "2.0.0", "Ok");
}

void ServerSession::on_vrfy(Argument argument) {
    // RFC 5321 §4.1.4: like NOOP, RSET, HELP and EXPN it needs no EHLO before it.
    if (phase_ != Phase::fresh && !may_go_on()) return;
    if (argument.empty()) return error(501, "5.5.4", "An address is needed");
    // RFC 5321 §3.5.3, §7.3: never a list of our users to strangers.
    reply(252, "2.5.0", "Cannot verify; send mail and see");
}

void ServerSession::on_quit(Argument argument) {
    if (!argument.empty()) return error(501, "5.5.4", "QUIT takes no argument");
    hang_up(221, "2.0.0", "Bye");
}

void ServerSession::end_transaction() {
    if (has_transaction()) phase_ = Phase::ready;
    if (content_open_) want_ = Want::content_drop;
    content_open_ = false;
    recipients_ = 0;
    failure_ = Reply{};
}

void ServerSession::reply(unsigned code, std::string_view status, std::string_view text) {
    append_reply(output_, code, status, text);
}

void ServerSession::error(unsigned code, std::string_view status, std::string_view text) {
    if (code >= 500 && ++errors_ >= config_.limits.errors) {
        return hang_up(421, "4.7.0", "Too many errors");
    }
    reply(code, status, text);
}

void ServerSession::hang_up(unsigned code, std::string_view status, std::string_view text) {
    reply(code, status, text);
    want_ = Want::close;
}

void ServerSession::accept(std::string_view text) {
    Want const answered = want_;
    want_ = Want::none;
    switch (answered) {
        case Want::sender:
            phase_ = Phase::mail;
            ++transactions_;
            return reply(250, "2.1.0", text.empty() ? "Sender ok" : text);
        case Want::recipient:
            phase_ = Phase::rcpt;
            ++recipients_;
            return reply(250, "2.1.5", text.empty() ? "Recipient ok" : text);
        case Want::content_open:
            return begin_content();
        case Want::content_close:
            content_open_ = false;
            end_transaction();
            return reply(250, "2.0.0", text.empty() ? "Ok" : text);
        default:
            DAWK_CHECK(false);
    }
}

void ServerSession::refuse(std::uint16_t code, std::string_view status, std::string_view text) {
    Want const answered = want_;
    want_ = Want::none;
    switch (answered) {
        case Want::sender:
            return error(code, status, text);
        case Want::recipient:
            if (code >= 500 && ++unknown_recipients_ >= config_.limits.unknown_recipients) {
                return hang_up(421, "4.7.0", "Too many refused recipients");
            }
            return reply(code, status, text);
        case Want::content_open:
            if (phase_ != Phase::chunk) return reply(code, status, text);
            fail(code, status, text);
            if (chunk_left_ == 0) end_chunk();
            return;
        case Want::content_close:
            content_open_ = false;
            end_transaction();
            return reply(code, status, text);
        default:
            DAWK_CHECK(false);
    }
}

void ServerSession::time_out() {
    hang_up(421, "4.4.2", "Timeout, closing");
}
void ServerSession::shut_down() {
    hang_up(421, "4.3.2", "Service is shutting down");
}

std::string ServerSession::protocol() const {
    std::string out = mail_.smtputf8 ? "UTF8SMTP" : extended_ ? "ESMTP" : "SMTP";
    if (tls_) out += 'S';
    if (!identity_.empty()) out += 'A';
    return out;
}

}  // namespace dawk::smtp
