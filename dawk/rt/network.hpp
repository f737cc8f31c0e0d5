// Network: makes streams and listeners, and wraps a stream in TLS. The real one is dawk/net, the
// simulation has its own with the same states and failures.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dawk/dns/dns.hpp"
#include "dawk/rt/stream.hpp"

namespace dawk::rt {

struct ConnectTarget {
    Endpoint to;
    std::string source_address;  // local address to bind, "" for any
    SteadyTime deadline;
};

// A certificate chain with its key, ready to serve. Opaque; immutable; shared by listeners.
class TlsIdentity {
  public:
    virtual ~TlsIdentity() = default;
};

struct TlsClientPolicy {
    enum class Verify {
        none,    // opportunistic: encrypt, take any certificate (RFC 7435)
        webpki,  // chain to the system's roots (or ca_file) and the name must match (RFC 9525)
        dane,    // one of the TLSA records matches (RFC 7672 §3)
    };
    Verify verify = Verify::none;
    std::string server_name;             // SNI, and the name to match; A-labels
    std::string ca_file;                 // PEM; "" means the system's
    std::string certificate_sha256_pin;  // lower-case hex; when set, nothing else is asked
    // For dane: the records of a secure answer, and further names a DANE-TA certificate may carry
    // (RFC 7672 §3.2.2). Usages 0 and 1, and what else is unusable, are left out; when nothing
    // remains the peer is not authenticated and TlsFacts::verified says so (§2.2).
    std::vector<dns::Tlsa> tlsa;
    std::vector<std::string> further_names;
};

// Says in words what went wrong beside the code; for logs and config checks.
struct Explained {
    ErrorCode code;
    std::string detail;
};
template <class T>
using ExplainedResult = boost::system::result<T, Explained>;

class Network {
  public:
    virtual ~Network() = default;
    virtual Task<Result<std::unique_ptr<Stream>>> connect(ConnectTarget target) = 0;
    // "systemd:NAME" takes the socket of that name from LISTEN_FDS. reuse_port lets every shard
    // bind.
    virtual Result<std::unique_ptr<Listener>> listen(std::string const& address,
                                                     bool reuse_port) = 0;
    // The addresses of this host's interfaces, loopback left out, as text; none if unknown.
    virtual std::vector<std::string> local_addresses() { return {}; }
    virtual ExplainedResult<std::shared_ptr<TlsIdentity const>> load_identity(
        std::string const& certificate_file, std::string const& key_file) = 0;
    // Handshakes; what the plain stream had already read is never seen by the TLS one. The deadline
    // of the plain stream holds. On failure the plain stream is closed and destroyed.
    virtual Task<ExplainedResult<std::unique_ptr<Stream>>> tls_accept(
        std::unique_ptr<Stream> plain, std::shared_ptr<TlsIdentity const> identity) = 0;
    virtual Task<ExplainedResult<std::unique_ptr<Stream>>> tls_connect(
        std::unique_ptr<Stream> plain, TlsClientPolicy policy) = 0;
};

}  // namespace dawk::rt

// Explained is an error of boost::system::result; value() of a failed result throws system_error.
namespace dawk::rt {
[[noreturn]] void throw_exception_from_error(Explained const& error, boost::source_location const&);
}
