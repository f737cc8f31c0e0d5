// Internet: all simulated hosts and the links between them. Host: one machine with addresses; it
// gives the Env of the code that runs on it.
//
// Fault model: a link delays every write by a latency within [latency_min, latency_max] and keeps
// order; a read returns at most read_max octets; with probability `reset` a write kills the
// connection at a random octet of it; a host that is down refuses connections and resets those it
// had; a silent host swallows everything. TLS is a stand-in with the states and failures of the
// real one (tls.hpp).
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "dawk/rt/env.hpp"
#include "dawk/sim/files.hpp"
#include "dawk/sim/pipe.hpp"
#include "dawk/sim/zone.hpp"

namespace dawk::sim {

struct LinkFaults {
    Duration latency_min = std::chrono::microseconds(200);
    Duration latency_max = std::chrono::milliseconds(5);
    std::size_t read_max = 64U << 10U;
    double reset = 0.0;            // probability for each write
    double connect_refused = 0.0;  // probability for each connect
    double connect_lost = 0.0;     // the connect hangs until its deadline
};

class Host;
class SimListener;

class Internet {
  public:
    explicit Internet(World& world) : world_(world) {}
    World& world() noexcept { return world_; }
    LinkFaults& faults() noexcept { return faults_; }
    Zone& zone() noexcept { return zone_; }
    // While cut, connects hang, and connections that were open are half-open for ever: both ends
    // wait until their time is over.
    void partition(std::string const& address_a, std::string const& address_b, bool cut);
    void heal_partitions() { cuts_.clear(); }

  private:
    friend class Host;
    friend class SimListener;
    bool is_cut(std::string const& a, std::string const& b) const;

    World& world_;
    LinkFaults faults_;
    Zone zone_;
    std::map<std::string, Host*> by_address_;
    std::set<std::pair<std::string, std::string>> cuts_;
};

class Host final : public rt::Network {
  public:
    Host(Internet& internet, std::string name, std::vector<std::string> addresses);
    ~Host() override;

    rt::Env env();
    std::string const& name() const noexcept { return name_; }
    std::vector<std::string> const& addresses() const noexcept { return addresses_; }
    MemoryFiles& files() noexcept { return files_; }

    // Down: connections are refused, open ones reset. Silent: connects hang, nothing arrives.
    void set_down(bool down);
    void set_silent(bool silent) { silent_ = silent; }
    void reset_connections();
    // Connects from elsewhere that met it down or silent.
    std::uint64_t refused_connects() const noexcept { return refused_connects_; }
    // The power is cut: what is on its way still arrives, nothing more is sent or received, and the
    // code that ran here finds every connection broken. Peers are reset, or (silently) hear nothing
    // any more. The host stays dead: the machine that comes back is a new Host.
    void power_off(bool silently);

    Task<Result<std::unique_ptr<rt::Stream>>> connect(rt::ConnectTarget target) override;
    Result<std::unique_ptr<rt::Listener>> listen(std::string const& address,
                                                 bool reuse_port) override;
    std::vector<std::string> local_addresses() override { return addresses_; }
    // certificate_file names the host the certificate is for ("mx.dawk.test", or "*.dawk.test"); a
    // name that starts with "!" is a certificate nobody trusts. key_file is not looked at.
    rt::ExplainedResult<std::shared_ptr<rt::TlsIdentity const>> load_identity(
        std::string const& certificate_file, std::string const& key_file) override;
    Task<rt::ExplainedResult<std::unique_ptr<rt::Stream>>> tls_accept(
        std::unique_ptr<rt::Stream> plain,
        std::shared_ptr<rt::TlsIdentity const> identity) override;
    Task<rt::ExplainedResult<std::unique_ptr<rt::Stream>>> tls_connect(
        std::unique_ptr<rt::Stream> plain, rt::TlsClientPolicy policy) override;

  private:
    friend class SimListener;
    struct Known {
        std::weak_ptr<Pipe> pipe;
        bool inbound = false;
        std::string peer;  // its address
    };
    friend class Internet;
    SimListener* listener_at(rt::Endpoint const& where, std::uint16_t from_port);
    void forget(rt::Endpoint const& where, SimListener const* listener);
    void remember(std::shared_ptr<Pipe> const& pipe, bool inbound, std::string const& peer);
    void sever(std::string const& peer);

    Internet& internet_;
    World& world_;
    std::string name_;
    std::vector<std::string> addresses_;
    MemoryFiles files_;
    ZoneResolver resolver_;
    std::map<rt::Endpoint, std::vector<SimListener*>> listeners_;  // more than one: reuse_port
    std::vector<Known> pipes_;
    std::size_t pipes_kept_ = 64;  // when so many are known, the dead ones are forgotten
    std::uint16_t next_port_ = 40'000;
    bool down_ = false;
    bool silent_ = false;
    bool dead_ = false;
    std::uint64_t refused_connects_ = 0;
};

}  // namespace dawk::sim
