// TlsStream: TLS on a socket of this module, over one BIO that never waits. Internal to dawk/net.
//
// Ciphertext passes through buffers of the shard, so that an idle connection holds none; what a
// slow peer does not take is kept here until it does. When TLS ends, by close_notify or failure,
// the connection has ended: nothing after it is ever read or written in the clear. Standards: RFC
// 9846 §6.1 (closure alerts); RFC 3207 §4.2 (nothing of before survives).
#pragma once

#include "dawk/net/socket.hpp"
#include "dawk/net/tls.hpp"

namespace dawk::net {

class TlsStream final : public rt::Stream {
  public:
    TlsStream(std::unique_ptr<SocketStream> socket, SslPtr ssl);
    ~TlsStream() override;

    Task<rt::ExplainedResult<void>> handshake();

    Task<Result<std::size_t>> read_some(std::span<char> buffer) override;
    Task<Result<void>> write_all(std::string_view bytes) override;
    Task<Result<void>> write_all(std::span<std::string_view const> pieces) override;
    void expires_at(SteadyTime deadline) override { socket_->expires_at(deadline); }
    Task<void> shutdown() override;
    void close() noexcept override { socket_->close(); }
    rt::Endpoint local() const override { return socket_->local(); }
    rt::Endpoint remote() const override { return socket_->remote(); }
    std::optional<std::uint32_t> peer_uid() const override { return socket_->peer_uid(); }
    rt::TlsFacts const* tls() const noexcept override { return &facts_; }
    rt::TlsFacts& facts() noexcept { return facts_; }
    SSL* native() noexcept { return ssl_.get(); }

    // What the BIO reads from and writes to; valid only inside one call of OpenSSL.
    struct Wire {
        std::string_view in;
        std::string* out = nullptr;
    };

  private:
    Result<std::size_t> decrypt(std::span<char> buffer);
    Result<std::size_t> receive(std::size_t wanted);
    void keep_unread();
    Result<void> encrypt(Cursor& cursor);
    Result<void> pass_on();
    Task<Result<void>> drain();
    Task<Result<void>> write(Cursor cursor);
    rt::Explained handshake_failure(ErrorCode code) const;
    void read_facts();

    std::unique_ptr<SocketStream> socket_;
    SslPtr ssl_;
    Wire wire_;
    std::string unread_;  // ciphertext that came behind what the reader wanted
    std::string unsent_;  // ciphertext the socket did not take yet
    rt::TlsFacts facts_;
    bool in_unread_ = false;  // wire_.in lies in unread_
    bool established_ = false;
    bool failed_ = false;
    bool ended_ = false;  // the peer said close_notify
    bool draining_ = false;
    bool more_likely_ = false;  // the last receive filled its buffer
};

}  // namespace dawk::net
