// Receiver: takes mail in on the listeners of one shard. It accepts connections, holds their number
// in bounds, and runs a Reception for each.
//
//     Receiver receiver(env, spool, directory, events, sink);
//     receiver.configure(settings, identity);            // again after a reload: for new sessions
//     auto opened = receiver.open(true);                  // binds what the settings name
//     co_await receiver.stop();                           // finishes what is under way, within the
//     grace
//
// One for each shard, on its thread; what is counted for limits is counted for all of them
// together. Sessions keep the settings they began with. All references outlive it; it must be
// stopped before it dies. Standards: RFC 5321 §3.8 (421), §4.5.4.2.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "dawk/mta/connection_counts.hpp"
#include "dawk/mta/intake.hpp"
#include "dawk/mta/settings.hpp"
#include "dawk/rt/task_group.hpp"

namespace dawk::mta {

class Reception;
struct ListenerContext;

struct ReceiverCounts {
    std::uint64_t connections = 0;  // accepted since the start
    std::uint64_t turned_away = 0;  // of them, by a limit
    std::uint32_t open = 0;         // now
};

class Receiver {
  public:
    Receiver(rt::Env& env, spool::Spool& spool, directory::Directory& directory,
             envelope::EventSink& events, AcceptedSink& accepted,
             std::shared_ptr<ConnectionCounts> counts = nullptr,  // null: one of its own
             VerdictSink* verdicts = nullptr);
    ~Receiver();
    Receiver(Receiver const&) = delete;
    Receiver& operator=(Receiver const&) = delete;

    // What sessions that begin from now on work with. identity: null without a certificate.
    // bad_syntax: a network of a listener's `allow`, or of [auth], is none.
    Result<void> configure(SettingsPtr settings, std::shared_ptr<rt::TlsIdentity const> identity);
    // Binds the listeners that are in the settings and not yet open, and closes those that are
    // gone. The address that could not be bound stands in failed_address.
    Result<void> open(bool reuse_port, std::string* failed_address = nullptr);
    // Where it listens, in the order of the settings; with the real port where 0 was asked for.
    std::vector<rt::Endpoint> endpoints() const;

    // Stops accepting; sessions without a transaction get 421 now, the others when theirs is done
    // or the grace is over. What was acknowledged before it was on disk is then brought there,
    // unless the disk refuses for some seconds more.
    Task<void> stop();

    ReceiverCounts const& counts() const noexcept { return counts_; }

  private:
    using ContextPtr = std::shared_ptr<ListenerContext const>;
    struct Slot;

    Task<void> accept_from(std::shared_ptr<rt::Listener> listener, std::string address);
    Task<void> serve(std::string address, std::unique_ptr<rt::Stream> stream);
    Task<void> end_grace(Duration grace);
    Task<void> finish_commits();
    Task<void> cut_commits(SteadyTime at);
    bool counts_address(ListenerContext const& context, rt::Endpoint const& remote) const;
    Result<ContextPtr> make_context(ListenerSettings const& listener,
                                    std::shared_ptr<rt::TlsIdentity const> identity) const;
    void session_failed(std::exception_ptr error);

    rt::Env& env_;
    envelope::EventSink& events_;
    std::shared_ptr<ConnectionCounts> all_;
    rt::TaskGroup sessions_, listening_, timers_, commits_, lookups_;
    dkim::KeyCache keys_;
    ReceiverPorts ports_;
    SettingsPtr settings_;
    std::shared_ptr<routing::Router const> router_;
    std::map<std::string, ContextPtr> contexts_;                      // by listener address
    std::map<std::string, std::shared_ptr<rt::Listener>> listeners_;  // by listener address
    std::vector<Reception*> open_;
    ReceiverCounts counts_;
    bool stopping_ = false;
};

}  // namespace dawk::mta
