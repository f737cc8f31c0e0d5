#include "dawk/sim/tls.hpp"

#include <algorithm>
#include <cstdint>

#include "dawk/base/ascii.hpp"

namespace dawk::sim {
namespace {

constexpr std::size_t head_size = 5;
constexpr std::size_t record_max = 1U << 20U;

std::string head_of(char kind, std::size_t size) {
    std::string head(1, kind);
    for (int shift = 24; shift >= 0; shift -= 8) {
        head += static_cast<char>(static_cast<unsigned char>(size >> static_cast<unsigned>(shift)));
    }
    return head;
}

// Whole records out of a stream; a first octet that is no record kind is a peer that does not speak
// TLS.
class Records {
  public:
    explicit Records(std::unique_ptr<rt::Stream> stream) : stream_(std::move(stream)) {}
    rt::Stream& stream() noexcept { return *stream_; }

    Task<Result<std::string>> next(char kind) {
        for (;;) {
            if (!buffer_.empty() && buffer_.front() != kind) co_return Errc::tls_failed;
            if (buffer_.size() >= head_size) {
                std::size_t size = 0;
                for (std::size_t i = 1; i < head_size; ++i) {
                    size = size << 8U | static_cast<unsigned char>(buffer_[i]);
                }
                if (size > record_max) co_return Errc::tls_failed;
                if (buffer_.size() >= head_size + size) {
                    auto record = buffer_.substr(head_size, size);
                    buffer_.erase(0, head_size + size);
                    co_return record;
                }
            }
            char chunk[4096];
            auto const n = co_await stream_->read_some(chunk);
            if (!n) co_return n.error();
            buffer_.append(chunk, *n);
        }
    }

  private:
    std::unique_ptr<rt::Stream> stream_;
    std::string buffer_;
};

class SimTlsStream final : public rt::Stream {
  public:
    SimTlsStream(std::unique_ptr<Records> records, rt::TlsFacts facts)
        : records_(std::move(records)), facts_(std::move(facts)) {}

    Task<Result<std::size_t>> read_some(std::span<char> buffer) override {
        while (data_.empty()) {
            auto record = co_await records_->next('T');
            if (!record) co_return record.error();
            data_ = std::move(*record);
        }
        auto const n = data_.copy(buffer.data(), buffer.size());
        data_.erase(0, n);
        co_return n;
    }
    Task<Result<void>> write_all(std::string_view bytes) override {
        std::string_view const pieces[] = {bytes};
        co_return co_await write_all(std::span<std::string_view const>(pieces));
    }
    Task<Result<void>> write_all(std::span<std::string_view const> pieces) override {
        std::string octets;
        for (auto const piece : pieces) octets += piece;
        std::string wire;
        for (std::size_t at = 0; at < octets.size(); at += record_max) {
            auto const part = std::string_view(octets).substr(at, record_max);
            wire += head_of('T', part.size());
            wire += part;
        }
        co_return co_await records_->stream().write_all(wire);
    }
    void expires_at(SteadyTime deadline) override { records_->stream().expires_at(deadline); }
    Task<void> shutdown() override { return records_->stream().shutdown(); }
    void close() noexcept override { records_->stream().close(); }
    rt::Endpoint local() const override { return records_->stream().local(); }
    rt::Endpoint remote() const override { return records_->stream().remote(); }
    rt::TlsFacts const* tls() const noexcept override { return &facts_; }

  private:
    std::unique_ptr<Records> records_;
    rt::TlsFacts facts_;
    std::string data_;
};

rt::TlsFacts facts_of(std::string subject) {
    rt::TlsFacts facts;
    facts.version = "TLSv1.3";
    facts.cipher = "TLS_AES_256_GCM_SHA384";
    facts.group = "X25519";
    facts.peer_subject = std::move(subject);
    return facts;
}

bool matches(std::string const& certificate, std::string const& name) {
    if (certificate.starts_with("*.")) {
        auto const dot = name.find('.');
        return dot != name.npos && ascii::iequals(name.substr(dot), certificate.substr(1));
    }
    return ascii::iequals(certificate, name);
}

std::string why_not_verified(rt::TlsClientPolicy const& policy, std::string const& certificate) {
    if (policy.verify == rt::TlsClientPolicy::Verify::none) return "verification was not asked for";
    if (certificate.starts_with("!")) return "self-signed certificate";
    if (!matches(certificate, policy.server_name)) {
        return "certificate is for " + certificate + ", not for " + policy.server_name;
    }
    return {};
}

}  // namespace

Task<rt::ExplainedResult<std::unique_ptr<rt::Stream>>> accept_sim_tls(
    std::unique_ptr<rt::Stream> plain, std::shared_ptr<rt::TlsIdentity const> identity) {
    auto records = std::make_unique<Records>(std::move(plain));
    auto const hello = co_await records->next('C');
    if (!hello) co_return rt::Explained{hello.error(), "no client hello"};
    auto const& own = dynamic_cast<SimIdentity const&>(*identity);
    auto const answer = head_of('S', own.certificate_name.size()) + own.certificate_name;
    auto const sent = co_await records->stream().write_all(answer);
    if (!sent) co_return rt::Explained{sent.error(), "handshake not sent"};
    // The client ends the handshake when it liked the certificate.
    auto const finished = co_await records->next('F');
    if (!finished) co_return rt::Explained{finished.error(), "client gave up the handshake"};
    std::unique_ptr<rt::Stream> stream =
        std::make_unique<SimTlsStream>(std::move(records), facts_of({}));
    co_return stream;
}

Task<rt::ExplainedResult<std::unique_ptr<rt::Stream>>> connect_sim_tls(
    std::unique_ptr<rt::Stream> plain, rt::TlsClientPolicy policy) {
    auto records = std::make_unique<Records>(std::move(plain));
    auto const hello = head_of('C', policy.server_name.size()) + policy.server_name;
    auto const sent = co_await records->stream().write_all(hello);
    if (!sent) co_return rt::Explained{sent.error(), "handshake not sent"};
    auto const certificate = co_await records->next('S');
    if (!certificate) co_return rt::Explained{certificate.error(), "the server does not speak TLS"};
    auto facts = facts_of(*certificate);
    facts.verify_error = why_not_verified(policy, *certificate);
    facts.verified = facts.verify_error.empty();
    if (!facts.verified && policy.verify == rt::TlsClientPolicy::Verify::webpki) {
        records->stream().close();
        co_return rt::Explained{Errc::tls_failed, facts.verify_error};
    }
    auto const finish = head_of('F', 0);
    auto const done = co_await records->stream().write_all(finish);
    if (!done) co_return rt::Explained{done.error(), "handshake not finished"};
    std::unique_ptr<rt::Stream> stream =
        std::make_unique<SimTlsStream>(std::move(records), std::move(facts));
    co_return stream;
}

}  // namespace dawk::sim
