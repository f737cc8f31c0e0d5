// Clients: who brings mail in. Polite ones, ones that pipeline, drop the connection at any octet,
// say nothing, crawl, or try to smuggle a second message past a lone line feed.
#pragma once

#include <string>
#include <vector>

#include "dawk/rt/task_group.hpp"
#include "dawk/sim/lines.hpp"
#include "dawk/sim/network.hpp"
#include "dawk/sim/oracle.hpp"

namespace dawk::sim {

enum class Manner { polite, pipelining, drops, half_open, slow, smuggler };

struct Errand {
    struct Recipient {
        std::string address;
        bool never = false;                // NOTIFY=NEVER
        std::vector<std::string> becomes;  // after aliases; empty: itself
    };
    Manner manner = Manner::polite;
    std::string node, node_address;
    std::uint16_t port = 25;  // 587: STARTTLS and AUTH first
    std::string user;         // for 587
    std::string token, sender;
    std::vector<Recipient> recipients;
    std::size_t size = 500;
    std::size_t drop_after = 0;  // octets written, for drops
    bool must_succeed = false;   // all is well: to be refused is a violation
};

class Clients {
  public:
    Clients(Internet& internet, Oracle& oracle);
    void send(Errand errand);
    void stop() { group_.cancel(); }
    bool is_idle() const noexcept { return group_.size() == 0; }
    Host& host() noexcept { return host_; }
    bool watches = true;  // tells the oracle
    std::uint64_t acknowledged = 0, refused = 0, lost = 0;

  private:
    struct Talk {
        Talk(Errand e, Lines l) : errand(std::move(e)), lines(std::move(l)) {}
        Errand errand;
        Lines lines;
        std::size_t written = 0;
        std::string code;    // of the last reply
        std::string reason;  // whole last line of it
        Promise promise;
        std::string letter;
    };
    Task<void> run(Errand errand);
    Task<bool> open(Talk& talk);
    Task<bool> secure(Talk& talk);
    Task<bool> transaction(Talk& talk);
    Task<bool> envelope(Talk& talk);
    Task<bool> content(Talk& talk);
    Task<bool> put(Talk& talk, std::string text);
    Task<bool> answer(Talk& talk);
    Task<bool> ask(Talk& talk, std::string command);
    void note_recipient(Talk& talk, std::size_t index);

    World& world_;
    Oracle& oracle_;
    Host host_;
    rt::TaskGroup group_;
};

}  // namespace dawk::sim
