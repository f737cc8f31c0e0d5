// submit(): hands one message to one server, now, and tells what it said: what `dawk send` does.
//
//     auto result = co_await submit(env, std::move(submission), &watcher);
//     if (result.failure) ...                       // no server, no TLS, no login
//     for (auto const& r : result.recipients) ...   // parallel to the envelope's recipients
//
// Nothing is retried and nothing is kept. Standards: RFC 5321; RFC 6409; RFC 8314 §3, §5.
#pragma once

#include "dawk/mta/client_connection.hpp"
#include "dawk/spool/spool.hpp"

namespace dawk::mta {

struct Submission {
    enum class Tls {
        none,       // never
        automatic,  // from the first octet on port 465, else STARTTLS if offered
        starttls,   // required
        implicit,   // from the first octet
    };
    std::string host;  // name, address, or "unix:/path"
    std::uint16_t port = 587;
    Tls tls = Tls::automatic;
    bool insecure = false;  // any certificate will do
    std::string ca_file;    // PEM, "" for the system's
    std::string user, password;
    std::string client_name;  // for EHLO
    smtp::ClientTimeouts timeouts;
    spool::EnvelopePtr envelope;
    spool::ContentPtr content;
};

struct SubmitResult {
    std::optional<smtp::ClientFailure> failure;
    std::vector<smtp::RecipientResult> recipients;  // empty when the server was not reached
    std::string remote;                             // "192.0.2.1:587"
    std::string tls;                                // "TLSv1.3 CIPHER", "" without
};

Task<SubmitResult> submit(rt::Env& env, Submission what,
                          ClientConnection::Watcher* watcher = nullptr);

}  // namespace dawk::mta
