// The stand-in for TLS: it encrypts nothing, but has the states and failures of the real one. A
// handshake is one record each way (client: asked name; server: its certificate); data travels in
// records "T" length(4) octets, so octets that were sent in the clear never pass for data, and data
// of one side never reads as SMTP on the other.
#pragma once

#include <memory>
#include <string>

#include "dawk/rt/network.hpp"

namespace dawk::sim {

class SimIdentity final : public rt::TlsIdentity {
  public:
    explicit SimIdentity(std::string name) : certificate_name(std::move(name)) {}
    std::string certificate_name;  // "!name": not trusted by anybody
};

Task<rt::ExplainedResult<std::unique_ptr<rt::Stream>>> accept_sim_tls(
    std::unique_ptr<rt::Stream> plain, std::shared_ptr<rt::TlsIdentity const> identity);
Task<rt::ExplainedResult<std::unique_ptr<rt::Stream>>> connect_sim_tls(
    std::unique_ptr<rt::Stream> plain, rt::TlsClientPolicy policy);

}  // namespace dawk::sim
