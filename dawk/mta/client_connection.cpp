#include "dawk/mta/client_connection.hpp"

#include "dawk/base/ascii.hpp"
#include "dawk/base/check.hpp"

namespace dawk::mta {
namespace {

using smtp::ClientFailure;
using smtp::ClientSession;
using smtp::ClientStep;
using smtp::ClientTimer;
using Want = ClientStep::Want;

constexpr auto last_words_time = std::chrono::seconds(5);

ClientSession::Lost lost_by(ErrorCode const& error, bool writing) {
    if (error == make_error_code(Errc::timed_out)) return ClientSession::Lost::timed_out;
    return writing ? ClientSession::Lost::write_failed : ClientSession::Lost::closed;
}

std::string detail_of(ErrorCode const& error) {
    bool const says_nothing =
        error == make_error_code(Errc::timed_out) || error == make_error_code(Errc::closed);
    return says_nothing ? std::string() : error.message();
}

}  // namespace

ClientConnection::ClientConnection(rt::Env& env, smtp::ClientTimeouts timeouts,
                                   smtp::ClientConfig config, ConnectionTls tls, Watcher* watcher)
    : env_(env),
      timeouts_(timeouts),
      config_(std::move(config)),
      tls_(std::move(tls)),
      watcher_(watcher) {}

std::optional<ClientFailure> ClientConnection::failure() const {
    return session_ ? session_->failure() : connect_failure_;
}

void ClientConnection::connect_failed(std::string status, std::string text) {
    connect_failure_ = ClientFailure{ClientFailure::Kind::lost, "connect",
                                     smtp::Reply{0, std::move(status), std::move(text)}};
}

Task<bool> ClientConnection::open(rt::Endpoint to, std::string source_address) {
    auto const connected = co_await connect(std::move(to), std::move(source_address));
    if (!connected) co_return false;
    session_.emplace(config_);
    for (;;) {
        if (session_->is_ready()) co_return true;
        auto const want = co_await advance();
        if (want == Want::closed) co_return false;
    }
}

Task<bool> ClientConnection::connect(rt::Endpoint to, std::string source_address) {
    remote_ = to.text();
    rt::ConnectTarget target{std::move(to), std::move(source_address),
                             env_.clock.steady() + timeouts_.connect};
    auto stream = co_await env_.network.connect(std::move(target));
    if (!stream) {
        // RFC 3463 §3.5: 4.4.1 no answer from host.
        connect_failed("4.4.1", "cannot connect to " + remote_ + ": " + stream.error().message());
        co_return false;
    }
    stream_ = std::move(*stream);
    reached_ = true;
    if (!tls_.implicit) co_return true;
    auto const secured = co_await handshake();
    if (!secured) {
        connect_failure_->kind = ClientFailure::Kind::tls;
        co_return false;
    }
    config_.tls_from_start = true;
    config_.tls_verified = stream_->tls() != nullptr && stream_->tls()->verified;
    co_return true;
}

// Puts TLS under the conversation. On failure the stream is gone and connect_failure_ has the
// words.
Task<Result<void>> ClientConnection::handshake() {
    stream_->expires_at(env_.clock.steady() + timeouts_.tls_handshake);
    auto policy = tls_.policy;
    auto secured = co_await env_.network.tls_connect(std::move(stream_), std::move(policy));
    if (!secured) {
        tls_broke_ = true;
        auto const& error = secured.error();
        auto const detail = error.detail.empty() ? error.code.message() : error.detail;
        connect_failed("4.7.5", "the TLS handshake failed: " + ascii::printable(detail, 400));
        co_return error.code;
    }
    stream_ = std::move(*secured);
    if (auto const* facts = stream_->tls()) {
        tls_text_ = facts->version + " " + facts->cipher;
        if (watcher_ != nullptr) watcher_->on_tls(*facts);
    }
    co_return Result<void>();
}

Task<Want> ClientConnection::advance() {
    auto const step = session_->next();
    if (step.want == Want::write) {
        co_await write(step);
    } else if (step.want == Want::read) {
        co_await read(step.timer);
    } else if (step.want == Want::start_tls) {
        co_await start_tls();
    }
    co_return step.want;
}

Task<void> ClientConnection::write(ClientStep step) {
    if (watcher_ != nullptr) watcher_->on_sent(step.pieces, step.secret);
    stream_->expires_at(env_.clock.steady() + time_for(step.timer));
    auto const written = co_await stream_->write_all(step.pieces);
    if (written) {
        session_->on_written();
        co_return;
    }
    co_await read_last_words();
    session_->on_lost(lost_by(written.error(), true), detail_of(written.error()));
}

// A host that breaks off while we send may have said why: 421 or 552 is waiting to be read.
Task<void> ClientConnection::read_last_words() {
    stream_->expires_at(env_.clock.steady() + last_words_time);
    auto const n = co_await stream_->read_some(buffer_);
    if (!n || *n == 0) co_return;
    std::string_view const octets(buffer_.data(), *n);
    if (watcher_ != nullptr) watcher_->on_received(octets);
    session_->on_bytes(octets);
}

Task<void> ClientConnection::read(ClientTimer timer) {
    stream_->expires_at(env_.clock.steady() + time_for(timer));
    auto const n = co_await stream_->read_some(buffer_);
    if (!n) {
        session_->on_lost(lost_by(n.error(), false), detail_of(n.error()));
        co_return;
    }
    std::string_view const octets(buffer_.data(), *n);
    if (watcher_ != nullptr) watcher_->on_received(octets);
    session_->on_bytes(octets);
}

Task<void> ClientConnection::start_tls() {
    auto const secured = co_await handshake();
    if (secured) {
        session_->on_tls(stream_->tls() != nullptr && stream_->tls()->verified);
        co_return;
    }
    auto const words = connect_failure_->reply.text;
    connect_failure_.reset();
    session_->on_lost(ClientSession::Lost::tls_failed, words);
}

Task<void> ClientConnection::finish() {
    if (!stream_) co_return;
    stream_->expires_at(env_.clock.steady() + timeouts_.quit);
    co_await stream_->shutdown();
    stream_.reset();
}

Duration ClientConnection::time_for(ClientTimer timer) const noexcept {
    switch (timer) {
        case ClientTimer::banner:
            return timeouts_.banner;
        case ClientTimer::ehlo:
        case ClientTimer::auth:
            return timeouts_.ehlo;
        case ClientTimer::starttls:
        case ClientTimer::data_start:
            return timeouts_.data_start;
        case ClientTimer::mail:
            return timeouts_.mail;
        case ClientTimer::rcpt:
            return timeouts_.rcpt;
        case ClientTimer::data_block:
            return timeouts_.data_block;
        case ClientTimer::data_end:
            return timeouts_.data_end;
        case ClientTimer::quit:
            return timeouts_.quit;
    }
    return timeouts_.mail;
}

}  // namespace dawk::mta
