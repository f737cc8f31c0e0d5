#include "dawk/smtp/client_session.hpp"

#include <algorithm>

#include "dawk/base/ascii.hpp"
#include "dawk/base/base64.hpp"
#include "dawk/base/check.hpp"
#include "dawk/sasl/server.hpp"

namespace dawk::smtp {
namespace {

constexpr std::size_t auth_line_max = 12'288;  // RFC 4954 §4

Reply own_words(std::string status, std::string text) {
    return Reply{0, std::move(status), std::move(text)};
}

std::string_view first_word(std::string_view text) noexcept {
    return text.substr(0, text.find_first_of(" \t\n"));
}

}  // namespace

ClientSession::ClientSession(ClientConfig config)
    : config_(std::move(config)),
      parser_(config_.replies),
      encrypted_(config_.tls_from_start),
      verified_(config_.tls_from_start && config_.tls_verified) {
    expected_.push_back(Expect::banner);
}

ClientStep ClientSession::next() {
    ClientStep step;
    if (!pending_ && state_ == State::ready && !failure_) {
        while (produce()) {
        }
    }
    if (!pending_ && state_ == State::ready && open_.empty() && quit_wanted_ && !failure_) {
        state_ = State::quitting;
        command("QUIT", Expect::quit);
        write_timer_ = ClientTimer::quit;
    }
    if (state_ == State::closed) return step;
    if (pending_) {
        step.want = ClientStep::Want::write;
        step.timer = write_timer_;
        step.secret = secret_;
        step.pieces = pieces_;
        return step;
    }
    if (state_ == State::handshake) {
        step.want = ClientStep::Want::start_tls;
        step.timer = ClientTimer::starttls;
        return step;
    }
    bool const streams = !open_.empty() && open_.front().phase == Phase::content;
    if (streams) {
        step.want = ClientStep::Want::content;
        step.timer = ClientTimer::data_block;
        return step;
    }
    if (expected_.empty()) {
        step.want = ClientStep::Want::idle;
        return step;
    }
    step.want = ClientStep::Want::read;
    switch (expected_.front()) {
        case Expect::banner:
            step.timer = ClientTimer::banner;
            break;
        case Expect::ehlo:
        case Expect::helo:
            step.timer = ClientTimer::ehlo;
            break;
        case Expect::starttls:
            step.timer = ClientTimer::starttls;
            break;
        case Expect::auth:
            step.timer = ClientTimer::auth;
            break;
        case Expect::rset:
        case Expect::mail:
            step.timer = ClientTimer::mail;
            break;
        case Expect::rcpt:
            step.timer = ClientTimer::rcpt;
            break;
        case Expect::data:
            step.timer = ClientTimer::data_start;
            break;
        case Expect::final:
            step.timer = ClientTimer::data_end;
            break;
        case Expect::quit:
            step.timer = ClientTimer::quit;
            break;
    }
    return step;
}

void ClientSession::on_written() {
    pending_ = false;
    if (secret_) sasl::wipe(text_);
    secret_ = false;
    pieces_.clear();
}

void ClientSession::command(std::string_view line, Expect expect) {
    text_.assign(line);
    text_ += "\r\n";
    pieces_.assign(1, text_);
    pending_ = true;
    write_timer_ = ClientTimer::mail;
    expected_.push_back(expect);
}

void ClientSession::on_bytes(std::string_view bytes) {
    while (!bytes.empty() && state_ != State::closed) {
        if (state_ == State::handshake) {
            // RFC 3207 §5, CVE-2011-0411: octets behind the reply to STARTTLS were not said over
            // TLS.
            nonsense("starttls", "the host sent more than its reply to STARTTLS");
            return;
        }
        bytes.remove_prefix(parser_.feed(bytes));
        if (parser_.state() == ReplyParser::State::bad) {
            nonsense(current_stage(), "the host's reply is no reply of SMTP");
            return;
        }
        if (parser_.state() != ReplyParser::State::complete) return;
        ++replies_seen_;
        auto reply = parser_.take();
        if (expected_.empty()) {
            // Nobody asked. 421 may come at any time (RFC 5321 §3.8).
            if (reply.code != 421) return nonsense(current_stage(), "the host spoke unasked");
            return fail(ClientFailure::Kind::refused, current_stage(), std::move(reply));
        }
        auto const what = expected_.front();
        expected_.pop_front();
        handle(what, std::move(reply));
    }
}

void ClientSession::handle(Expect what, Reply reply) {
    if (what == Expect::quit) {
        state_ = State::closed;
        return;
    }
    // RFC 5321 §3.8, §4.2.3: after 421 the host closes; it stands for all that is unanswered.
    if (reply.code == 421 && state_ != State::quitting) {
        bool const is_first_word = what == Expect::mail || what == Expect::rset;
        if (!open_.empty() && !is_first_word) open_.front().touched = true;
        return fail(ClientFailure::Kind::refused, current_stage(), std::move(reply));
    }
    switch (what) {
        case Expect::banner:
            return on_banner(std::move(reply));
        case Expect::ehlo:
        case Expect::helo:
            return on_hello(what, std::move(reply));
        case Expect::starttls:
            return on_starttls_reply(reply);
        case Expect::auth:
            return on_auth_reply(reply);
        default:
            return handle_in_transaction(what, std::move(reply));
    }
}

void ClientSession::on_banner(Reply reply) {
    banner_ = reply.text;
    if (reply.code == 220) {
        bool const own =
            config_.refuse_own_name && ascii::iequals(first_word(banner_), config_.name);
        if (!own) return say_hello(true);
        // RFC 5321 §6.3: nothing would come of it but the same question again.
        return fail_politely(ClientFailure::Kind::loop, "banner",
                             own_words("5.4.6", "the host greets with our own name"));
    }
    if (reply.is_transient() || reply.is_permanent()) {
        return fail_politely(ClientFailure::Kind::refused, "banner", std::move(reply));
    }
    nonsense("banner", "the host greets with " + std::to_string(reply.code));
}

void ClientSession::say_hello(bool extended) {
    state_ = State::hello;
    bool const lmtp = config_.protocol == ClientConfig::Protocol::lmtp;
    auto const* verb = lmtp ? "LHLO " : extended ? "EHLO " : "HELO ";
    command(verb + config_.name, extended ? Expect::ehlo : Expect::helo);
}

void ClientSession::on_hello(Expect what, Reply reply) {
    if (reply.code == 250) {
        offered_ = what == Expect::ehlo ? parse_extensions(reply.text) : Extensions{};
        // Behind LMTP is a mailbox: we deliver, and report of it (RFC 3461 §5.2.3). A server that
        // was told NOTIFY would report a second time.
        if (config_.protocol == ClientConfig::Protocol::lmtp) offered_.dsn = false;
        if (what == Expect::helo) offered_.name = std::string(first_word(reply.text));
        return after_hello();
    }
    bool const may_fall_back = what == Expect::ehlo && reply.is_permanent() && !encrypted_ &&
                               config_.protocol == ClientConfig::Protocol::smtp;
    if (may_fall_back) return say_hello(false);  // RFC 5321 §3.2
    if (reply.is_transient() || reply.is_permanent()) {
        return fail_politely(ClientFailure::Kind::refused, "ehlo", std::move(reply));
    }
    nonsense("ehlo", "the host answers our greeting with " + std::to_string(reply.code));
}

void ClientSession::after_hello() {
    using StartTls = ClientConfig::StartTls;
    if (!encrypted_ && config_.starttls != StartTls::never) {
        if (offered_.starttls) {
            state_ = State::starttls;
            return command("STARTTLS", Expect::starttls);
        }
        if (config_.starttls == StartTls::required) {
            return fail_politely(
                ClientFailure::Kind::tls, "starttls",
                own_words("4.7.4", "TLS is required and the host does not offer it"));
        }
    }
    if (!config_.user.empty()) return begin_auth();
    state_ = State::ready;
}

void ClientSession::on_starttls_reply(Reply const& reply) {
    if (reply.code == 220) {
        state_ = State::handshake;
        return;
    }
    if (config_.starttls == ClientConfig::StartTls::required) {
        return fail_politely(ClientFailure::Kind::tls, "starttls", reply);
    }
    if (reply.is_intermediate() || reply.is_positive()) {
        return nonsense("starttls", "the host answers STARTTLS with " + std::to_string(reply.code));
    }
    if (!config_.user.empty()) return begin_auth();
    state_ = State::ready;
}

void ClientSession::on_tls(bool verified) {
    DAWK_CHECK(state_ == State::handshake);
    // RFC 3207 §4.2: what was learned before TLS is forgotten and asked anew.
    offered_ = {};
    parser_.reset();
    encrypted_ = true;
    verified_ = verified;
    say_hello(true);
}

void ClientSession::begin_auth() {
    auto const refuse = [&](std::string text) {
        fail_politely(ClientFailure::Kind::auth, "auth", own_words("4.7.0", std::move(text)));
    };
    bool const is_trusted = encrypted_ && config_.trusts_any_certificate;
    if (!verified_ && !is_trusted && !config_.is_loopback) {
        return refuse("credentials go over verified TLS only, and this connection has none");
    }
    std::string mechanisms;
    for (auto const& name : offered_.auth) mechanisms += name + ' ';
    if (mechanisms.empty())
        return refuse("there are credentials for the host, which offers no AUTH");
    auth_ = sasl::choose_client(mechanisms, config_.user, config_.password);
    if (!auth_) return refuse("the host offers no mechanism of AUTH that we know: " + mechanisms);
    auto line = "AUTH " + std::string(auth_->name());
    if (auto initial = auth_->initial()) {
        line += ' ';
        line += initial->empty() ? "=" : base64::encode(*initial);  // RFC 4954 §4
        sasl::wipe(*initial);
    }
    if (line.size() > auth_line_max) return refuse("the credentials are too long for AUTH");
    state_ = State::auth;
    command(line, Expect::auth);
    sasl::wipe(line);
    secret_ = true;
    write_timer_ = ClientTimer::auth;
}

void ClientSession::on_auth_reply(Reply const& reply) {
    if (reply.code == 235) {
        auth_.reset();
        sasl::wipe(config_.password);
        state_ = State::ready;
        return;
    }
    if (reply.code == 334) {
        auto const challenge = base64::decode(reply.text);
        auto answer = challenge ? auth_->respond(*challenge)
                                : Result<std::string>(make_error_code(Errc::bad_syntax));
        auto line = answer ? base64::encode(*answer) : std::string("*");  // "*": give up
        if (answer) sasl::wipe(*answer);
        command(line, Expect::auth);
        sasl::wipe(line);
        secret_ = true;
        write_timer_ = ClientTimer::auth;
        return;
    }
    if (reply.is_transient() || reply.is_permanent()) {
        return fail_politely(ClientFailure::Kind::auth, "auth", reply);
    }
    nonsense("auth", "the host answers AUTH with " + std::to_string(reply.code));
}

void ClientSession::on_lost(Lost why, std::string detail) {
    if (state_ == State::closed) return;
    if (state_ == State::quitting) {
        state_ = State::closed;
        return;
    }
    auto const stage = current_stage();
    if (why == Lost::tls_failed) {
        return fail(
            ClientFailure::Kind::tls, "starttls",
            own_words("4.7.5", detail.empty() ? "the TLS handshake failed" : std::move(detail)));
    }
    // RFC 3463 §3.5: 4.4.1 no answer from host, 4.4.2 bad connection.
    std::string text = why == Lost::timed_out      ? "no reply in time"
                       : why == Lost::write_failed ? "the connection broke while sending"
                                                   : "the host closed the connection";
    if (!detail.empty()) text += ": " + detail;
    auto const* status = why == Lost::timed_out && state_ == State::greeting ? "4.4.1" : "4.4.2";
    fail(ClientFailure::Kind::lost, stage, own_words(status, std::move(text)));
}

void ClientSession::fail(ClientFailure::Kind kind, std::string_view stage, Reply reply) {
    abandon(reply, stage);
    if (!failure_) failure_ = ClientFailure{kind, stage, std::move(reply)};
    state_ = State::closed;
    pending_ = false;
    expected_.clear();
}

// RFC 5321 §4.1.1.10: a client says QUIT before it closes, if the host still listens.
void ClientSession::fail_politely(ClientFailure::Kind kind, std::string_view stage, Reply reply) {
    fail(kind, stage, std::move(reply));
    state_ = State::quitting;
    command("QUIT", Expect::quit);
    write_timer_ = ClientTimer::quit;
}

void ClientSession::nonsense(std::string_view stage, std::string text) {
    fail(ClientFailure::Kind::nonsense, stage, own_words("4.5.0", std::move(text)));
}

std::string_view ClientSession::current_stage() const noexcept {
    switch (state_) {
        case State::greeting:
            return "banner";
        case State::hello:
            return "ehlo";
        case State::starttls:
        case State::handshake:
            return "starttls";
        case State::auth:
            return "auth";
        default:
            break;
    }
    if (open_.empty()) return "mail";
    auto const& first = open_.front();
    if (first.phase == Phase::content || first.phase == Phase::tail || first.phase == Phase::sent) {
        return "content";
    }
    if (!first.mail_ok) return "mail";
    return first.rcpts_answered < first.what.recipients.size() ? "rcpt" : "data";
}

}  // namespace dawk::smtp
