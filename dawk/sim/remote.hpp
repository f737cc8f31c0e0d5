// Remote: a scripted mail server of the simulated Internet, with a temper. It speaks SMTP or LMTP,
// refuses, delays, lies, drops and stalls as its temper says, and tells the oracle what it took.
// A calm one is a plain good server.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "dawk/rt/task_group.hpp"
#include "dawk/sim/lines.hpp"
#include "dawk/sim/network.hpp"
#include "dawk/sim/oracle.hpp"

namespace dawk::sim {

enum class RemoteTls { none, good, untrusted, fails, vanishes };

struct Temper {
    RemoteTls tls = RemoteTls::good;
    bool pipelining = true, chunking = true, dsn = true;
    Duration banner_delay{};
    Duration reply_delay{};
    double banner_421 = 0, banner_554 = 0;
    double transient = 0;          // 4yz to each command of a transaction
    double drop = 0;               // the connection, before each reply
    double drop_after_data = 0;    // in the middle of the content
    double drop_before_reply = 0;  // taken, but the reply is never sent
    double refuse_content = 0;     // 5yz or 4yz to the final dot, by halves
    double wrong = 0;              // a reply that is none, or of the wrong kind
    double huge = 0;               // thousands of lines
    bool refuses_half = false;     // 550 to every second address
    bool greylists = false;
    bool wants_login = false;       // takes mail from those alone who have logged in
    double refuses_login = 0;       // 535 or 454, by halves
    std::uint32_t per_minute = 0;   // messages; 0: no limit
    std::uint32_t connections = 0;  // at a time; 0: no limit
};

struct RemoteCounts {
    std::uint64_t connections = 0, open = 0, most_open = 0, taken = 0, transactions = 0;
};

class Remote {
  public:
    Remote(Internet& internet, Oracle& oracle, std::string name, std::string address,
           std::uint64_t seed, bool is_lmtp = false);
    ~Remote();

    Host& host() noexcept { return host_; }
    Temper& temper() noexcept { return temper_; }
    RemoteCounts const& counts() const noexcept { return counts_; }
    void calm();
    void stop();  // let the world run on for a moment afterwards
    bool is_idle() const noexcept { return group_.size() == 0; }
    bool reports = true;  // to the oracle
    // What a login must say: "\0user\0password", in base64.
    static std::string const& secret();

  private:
    struct Session {
        explicit Session(Lines l) : lines(std::move(l)) {}
        Lines lines;
        std::string sender;
        std::vector<std::string> recipients;
        std::string content;
        bool has_mail = false;
        bool is_known = false;  // has logged in
        bool is_over = false;
    };
    Task<void> accept();
    Task<void> serve(std::unique_ptr<rt::Stream> stream);
    Task<void> dialogue(Session& session);
    Task<void> greet(Session& session);
    Task<void> command(Session& session, std::string line);
    Task<void> hello(Session& session);
    Task<void> start_tls(Session& session);
    Task<void> login(Session& session, std::string line);
    Task<void> recipient(Session& session, std::string address);
    Task<void> data(Session& session);
    Task<void> chunk(Session& session, std::string line);
    Task<void> end_of_content(Session& session);
    Task<void> reply(Session& session, std::string text);
    std::string verdict_on(Session const& session, std::string const& address);
    bool is_over_rate();
    bool happens(double probability, Happening what);
    void take(Session const& session, std::string const& recipient);
    static void forget(Session& session);

    World& world_;
    Oracle& oracle_;
    Host host_;
    SeededRng rng_;
    Temper temper_;
    RemoteCounts counts_;
    bool is_lmtp_;
    std::unique_ptr<rt::Listener> listener_;
    std::map<std::string, SteadyTime> grey_;
    std::int64_t minute_ = 0;
    std::uint32_t this_minute_ = 0;
    rt::TaskGroup group_;
};

}  // namespace dawk::sim
