#include "dawk/mta/submit.hpp"

#include "dawk/mta/host_walk.hpp"

namespace dawk::mta {
namespace {

using smtp::ClientFailure;
using smtp::RecipientResult;
using Want = smtp::ClientStep::Want;

routing::Route route_of(Submission const& what) {
    routing::Route route;
    route.kind = routing::Route::Kind::smtp;
    if (what.host.starts_with("unix:")) {
        route.unix_path = what.host.substr(5);
    } else {
        route.host = what.host;
    }
    route.port = what.port;
    return route;
}

bool is_implicit(Submission const& what) {
    constexpr std::uint16_t submissions_port = 465;  // RFC 8314 §7.3
    return what.tls == Submission::Tls::implicit ||
           (what.tls == Submission::Tls::automatic && what.port == submissions_port);
}

smtp::ClientConfig session_config(Submission const& what, Target const& target) {
    using StartTls = smtp::ClientConfig::StartTls;
    smtp::ClientConfig config;
    config.name = what.client_name;
    config.is_loopback = target.is_loopback();
    config.trusts_any_certificate = what.insecure;
    config.user = what.user;
    config.password = what.password;
    if (is_implicit(what) || what.tls == Submission::Tls::none) {
        config.starttls = StartTls::never;
    } else if (what.tls == Submission::Tls::starttls) {
        config.starttls = StartTls::required;
    }
    return config;
}

ConnectionTls tls_config(Submission const& what, Target const& target) {
    ConnectionTls tls;
    tls.implicit = is_implicit(what);
    // Asked for by name, or with a password at stake, a certificate is checked; on this machine and
    // by opportunity it need not be.
    bool const asked = what.tls == Submission::Tls::starttls || tls.implicit;
    bool const secret = !what.user.empty() && !target.is_loopback();
    bool const verify = (asked || secret || !what.ca_file.empty()) && !what.insecure;
    tls.policy.verify =
        verify ? rt::TlsClientPolicy::Verify::webpki : rt::TlsClientPolicy::Verify::none;
    tls.policy.server_name = target.host;
    tls.policy.ca_file = what.ca_file;
    return tls;
}

class Conversation {
  public:
    Conversation(ClientConnection& connection, Submission const& what, SubmitResult& result)
        : connection_(connection), what_(what), result_(result) {
        result_.recipients.resize(what.envelope->recipients.size());
        for (std::uint32_t i = 0; i < result_.recipients.size(); ++i) left_.push_back(i);
    }

    Task<void> run() {
        auto& session = connection_.session();
        for (;;) {
            collect();
            if (session.can_begin() && !left_.empty() && begun_.empty()) begin();
            auto const want = co_await connection_.advance();
            if (want == Want::content) {
                co_await send_content();
            } else if (want == Want::closed) {
                break;
            } else if (want == Want::idle && left_.empty() && begun_.empty()) {
                session.quit();
            } else if (want == Want::idle && !session.can_begin()) {
                collect();
                if (begun_.empty() && !session.can_begin()) session.quit();
            }
        }
        collect();
        result_.failure = connection_.failure();
        settle_left();
    }

  private:
    void begin() {
        auto const limit = connection_.session().extensions().recipients_max;
        auto const count = limit == 0 ? left_.size() : std::min<std::size_t>(limit, left_.size());
        begun_.assign(left_.begin(), left_.begin() + static_cast<std::ptrdiff_t>(count));
        left_.erase(left_.begin(), left_.begin() + static_cast<std::ptrdiff_t>(count));
        smtp::Transaction transaction;
        transaction.envelope = what_.envelope.get();
        transaction.recipients = begun_;
        transaction.content = what_.content->in_memory();
        transaction.content_size = what_.content->size();
        if (!transaction.content) reader_ = what_.content->reader();
        connection_.session().begin(std::move(transaction));
    }
    void collect() {
        while (auto done = connection_.session().take_result()) {
            for (std::size_t i = 0; i < done->recipients.size(); ++i) {
                auto& recipient = done->recipients[i];
                if (recipient.kind == RecipientResult::Kind::again) {
                    left_.push_back(begun_[i]);
                } else {
                    result_.recipients[begun_[i]] = std::move(recipient);
                }
            }
            begun_.clear();
        }
    }
    Task<void> send_content() {
        auto const piece = co_await reader_->next();
        if (!piece) {
            connection_.session().on_content_failed(piece.error().message());
        } else {
            connection_.session().on_content(*piece);
        }
    }
    // Those whose turn never came, because the server takes no further transaction.
    void settle_left() {
        for (auto const i : left_) {
            auto& recipient = result_.recipients[i];
            recipient.kind = RecipientResult::Kind::transient;
            recipient.stage = "rcpt";
            recipient.reply = smtp::Reply{0, "4.5.3", "the server takes no more recipients now"};
        }
    }

    ClientConnection& connection_;
    Submission const& what_;
    SubmitResult& result_;
    std::vector<std::uint32_t> left_, begun_;
    std::unique_ptr<spool::Content::Reader> reader_;
};

}  // namespace

Task<SubmitResult> submit(rt::Env& env, Submission what, ClientConnection::Watcher* watcher) {
    SubmitResult result;
    Settings const settings;
    HostMemory memory;
    auto const route = route_of(what);
    HostWalk walk(env, memory, route, settings);
    for (;;) {
        auto const target = co_await walk.next();
        if (!target) break;
        ClientConnection connection(env, what.timeouts, session_config(what, *target),
                                    tls_config(what, *target), watcher);
        auto const up = co_await connection.open(target->endpoint, std::string());
        result.remote = connection.remote();
        result.failure = connection.failure();
        if (up) {
            Conversation conversation(connection, what, result);
            co_await conversation.run();
        }
        result.tls = connection.tls_text();
        co_await connection.finish();
        // Another address is tried only when this one was not there at all.
        if (up || connection.reached()) co_return result;
    }
    if (!result.failure) {
        auto const verdict = walk.verdict();
        smtp::Reply reply{0, verdict.status, verdict.text};
        result.failure = ClientFailure{ClientFailure::Kind::lost, "dns", std::move(reply)};
    }
    co_return result;
}

}  // namespace dawk::mta
