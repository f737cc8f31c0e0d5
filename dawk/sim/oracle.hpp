// Oracle: knows what was promised, what every machine has on its disk, what every machine handed
// over and read a 250 for, what every remote took and every report said; and finds what breaks the
// invariants of docs/design/architecture.md, as it happens and at the end.
//
// It believes nobody: what a machine records is held against what it read (tap.hpp), what it
// acknowledges against what was committed, what it calls delivered against the durable files.
//
// What it allows: a message comes twice when a reply was lost on its way, when the power went
// between the reply and its record (and then only within the window of one group commit), or when
// the folder of a mailbox could not be synced. Each is counted.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "dawk/envelope/envelope.hpp"
#include "dawk/sim/files.hpp"
#include "dawk/sim/tap.hpp"
#include "dawk/sim/trace.hpp"
#include "dawk/spool/spool.hpp"

namespace dawk::sim {

enum class Invariant {
    synced_before_reply = 1,
    ends_exactly_once,
    no_duplicates,
    clean_lines,
    tls_where_required,
    bounded_memory,
    no_spreading_harm,
    readable_records,
    retries_wait,
    progress,
};
std::string_view to_string(Invariant invariant) noexcept;

struct Violation {
    Invariant invariant{};
    std::string text;
    std::string at;  // virtual time
    std::uint64_t event = 0;
};

struct Promise {
    struct Recipient {
        std::string address;  // lower case; after aliases
        bool never = false;   // NOTIFY=NEVER
        std::string given;    // as in RCPT, if an alias led here: reports speak of that
    };
    std::string token;
    std::vector<Recipient> recipients;
    std::string body;
    std::string node;
};

struct OracleCounts {
    std::uint64_t letters = 0, acknowledged = 0, delivered = 0, relayed = 0, failed = 0,
                  expired = 0, deferred = 0, reports = 0, double_reports = 0, lost_replies = 0,
                  crash_windows = 0, folder_windows = 0, duplicates = 0, crashes = 0, commits = 0;
};

class Oracle {
  public:
    Oracle(World& world, Trace& trace) : world_(world), trace_(trace) {}

    // From here on, letters that were acknowledged must arrive although their time would allow to
    // give them up.
    void healed(Duration patience);
    void require_tls(std::string domain) { tls_domains_.push_back(std::move(domain)); }
    // The longest time between a reply that was read and its record on a healthy disk.
    void set_window(Duration window) { window_ = window; }

    // Clients.
    void sent(Promise promise);
    void acknowledged(std::string const& token);

    // A machine under test.
    void committed(std::string const& node, spool::Batch const& batch, MemoryFiles const& files);
    void handed_over(std::string const& node, TappedTransaction const& what,
                     std::string const& recipient);
    void reply_lost(std::string const& node, TappedTransaction const& what,
                    std::string const& recipient);
    void in_the_clear(std::string const& node, std::string const& recipient);
    void stray_newline(std::string const& node);
    void clock_stepped(std::string const& node);
    void retried_by_hand(std::string const& node);
    void spool_trouble(std::string const& node, bool begins);
    void went_down(std::string const& node, bool crashed);
    void came_up(std::string const& node, MemoryFiles const& files);

    // A remote took it (its 250 may yet be lost).
    void accepted(std::string const& remote, std::string const& recipient,
                  std::string const& content);

    // At the end: mailboxes as they are on disk, then everything.
    void finished(std::string const& node, MemoryFiles const& files);
    void judge();
    void violated(Invariant invariant, std::string text);

    std::optional<Violation> const& violation() const noexcept { return violation_; }
    OracleCounts const& counts() const noexcept { return counts_; }
    bool is_pending(std::string const& node) const;  // it has letters on its disk

  private:
    using Key = std::pair<std::string, std::string>;  // token, recipient
    // One letter and recipient on one machine.
    struct Hop {
        std::uint32_t inserted = 0, handed = 0, recorded = 0, windows = 0, lost_replies = 0;
        SteadyTime last_handed{};
    };
    struct Letter {
        struct Fate {
            std::string address;
            bool is_final = false;
            bool wants_report = false;
            bool is_held = false;
            WallTime next_attempt{};
        };
        std::string token;
        std::string sender;
        WallTime expires{};
        std::vector<Fate> fates;
        std::vector<Key> tells_of;  // a report: of whom it says that they failed
    };
    struct NodeBook {
        std::map<MessageId, Letter> letters;
        std::map<Key, Hop> hops;
        bool clock_stepped = false, retried_by_hand = false;
        std::uint32_t troubles = 0;  // of its spool, now
        bool went_down_in_trouble = false;
        SteadyTime last_trouble = SteadyTime::min();  // its end
        SteadyTime went_down{};
    };
    struct Known {
        Promise promise;
        bool is_acknowledged = false, is_durable = false;
    };
    struct Arrival {
        std::uint32_t times = 0;
        std::uint32_t reported_failed = 0;
    };

    void inserted(NodeBook& book, spool::Batch::Insert const& insert);
    void event(std::string const& node, NodeBook& book, envelope::Event const& event,
               spool::Batch const& batch, MemoryFiles const& files);
    void ended(std::string const& node, Letter const& letter, Letter::Fate& fate,
               envelope::Event const& event, spool::Batch const& batch);
    void check_evidence(std::string const& node, NodeBook& book, Letter const& letter,
                        envelope::Event const& event, MemoryFiles const& files);
    void removed_by_hand(Letter const& letter, std::string const& address);
    void check_held(std::string const& node, Letter::Fate const& fate);
    void check_report(std::string const& node, Letter const& letter, envelope::Event const& event,
                      spool::Batch const& batch);
    void check_retry(std::string const& node, NodeBook const& book, Letter::Fate const& fate,
                     envelope::Event const& event);
    void removed(std::string const& node, NodeBook& book, MessageId id);
    void arrived(std::string const& where, std::string const& recipient,
                 std::string const& content);
    void read_mailboxes(MemoryFiles const& files,
                        std::vector<std::pair<std::string, std::string>>& out) const;
    std::uint32_t allowed(Key const& key) const;
    void judge_promise(Known const& known);

    World& world_;
    Trace& trace_;
    std::map<std::string, NodeBook> books_;
    std::map<std::string, Known> known_;
    std::map<Key, Arrival> arrivals_;
    std::set<Key> removed_;  // by an operator: the letter, or the report about it
    std::vector<std::string> tls_domains_;
    Duration window_ = std::chrono::seconds(1);
    std::optional<WallTime> must_arrive_before_;
    std::optional<Violation> violation_;
    OracleCounts counts_;
};

}  // namespace dawk::sim
