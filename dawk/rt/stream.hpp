// Stream: one connection, plain or TLS. Listener: where they come from.
//
//     stream->expires_at(clock.steady() + 5min);
//     auto n = co_await stream->read_some(buffer);
//
// One reader and one writer at a time, on the shard that made it. A deadline that passes ends the
// pending and every later operation with Errc::timed_out until it is moved; the connection itself
// stays open, so that a last reply can still be written. Moving it holds for what is pending as
// well: "now" ends a read that waits. The peer's orderly end is Errc::closed. A TLS stream ends
// when TLS ends: it never falls back to plain octets.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "dawk/base/time.hpp"
#include "dawk/rt/task.hpp"

namespace dawk::rt {

struct Endpoint {
    std::string address;       // "192.0.2.1", "2001:db8::1", or "unix:/path"
    std::uint16_t port = 0;    // 0 for unix sockets
    std::string text() const;  // "192.0.2.1:25", "[2001:db8::1]:25", "unix:/path"
    bool is_unix() const noexcept { return address.starts_with("unix:"); }
    friend auto operator<=>(Endpoint const&, Endpoint const&) = default;
};
// "127.0.0.1:25", "[::]:25", "unix:/path"; bad_syntax otherwise. Host names are not endpoints.
Result<Endpoint> parse_endpoint(std::string_view text);

struct TlsFacts {
    std::string version;       // "TLSv1.3"
    std::string cipher;        // "TLS_AES_256_GCM_SHA384"
    std::string group;         // "X25519", may be empty
    bool verified = false;     // the peer's certificate satisfied the asked policy
    std::string verify_error;  // why not, for people
    std::string peer_subject;  // of the peer's certificate, "" without one
    bool resumed = false;
};

class Stream {
  public:
    virtual ~Stream() = default;
    // At least one octet, at most buffer.size().
    virtual Task<Result<std::size_t>> read_some(std::span<char> buffer) = 0;
    // All octets handed to the operating system. The views must outlive the await.
    virtual Task<Result<void>> write_all(std::string_view bytes) = 0;
    // Several pieces in order, in as few system calls as possible.
    virtual Task<Result<void>> write_all(std::span<std::string_view const> pieces) = 0;
    virtual void expires_at(SteadyTime deadline) = 0;
    // True when the peer has already sent what nobody has read yet; asks, and never waits. Streams
    // that cannot tell say no.
    virtual bool has_input() noexcept { return false; }
    // Says goodbye (TLS close_notify, then FIN) without waiting for the peer, and closes.
    virtual Task<void> shutdown() = 0;
    // Closes at once; pending operations end with Errc::closed.
    virtual void close() noexcept = 0;
    virtual Endpoint local() const = 0;
    virtual Endpoint remote() const = 0;
    // Who is at the other end of a unix socket, as the kernel knows it; nothing for others.
    virtual std::optional<std::uint32_t> peer_uid() const { return {}; }
    virtual TlsFacts const* tls() const noexcept { return nullptr; }  // null: not encrypted
};

class Listener {
  public:
    virtual ~Listener() = default;
    // Errors that pass (descriptor limit, peer gone) are retried inside; what returns is final.
    virtual Task<Result<std::unique_ptr<Stream>>> accept() = 0;
    virtual void close() noexcept = 0;
    virtual Endpoint local() const = 0;  // with the real port when 0 was asked for
};

}  // namespace dawk::rt
