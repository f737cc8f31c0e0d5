// What the tests of power cuts share: a spool on a Disk, a workload that keeps a ledger of what was
// begun and what was acknowledged, and the comparison of a spool with that ledger.
//
//     Life life(seed);
//     life.work(60);                                      // records
//     auto problems = life.problems_after(image, cut);    // empty: nothing lost, nothing half
//     there
//
// All through the Spool port: how things lie on disk is none of its business.
#pragma once

#include <optional>

#include "dawk/spool/samples.hpp"
#include "dawk/spool_rocks/large_files.hpp"
#include "dawk/spool_rocks/power_cut.hpp"
#include "dawk/spool_rocks/rocks_spool.hpp"
#include "dawk/spool_rocks/tools.hpp"

namespace dawk::spool_rocks::test {

using spool::contract::octets_of;
using spool::contract::run;

// Messages from here on are five days younger than those before: their history is kept when the
// history of the others goes.
inline constexpr unsigned young = 432'000'000;
inline constexpr unsigned fresh = 900'000'000;  // made after a cut

// One process with its spool on a disk.
class Process {
  public:
    explicit Process(Disk& disk) : disk_(disk), files_(disk) {
        options_.folder = "/spool";
        options_.large_content_bytes = 64U << 10U;
        options_.memtable_bytes = 512U << 10U;  // flushes and compactions are cut as well
        options_.wal_bytes_max = 512U << 10U;
        options_.history_age = std::chrono::hours(48);
        options_.disk_free_min_bytes = 0;
        options_.disk_free = [] { return 1ULL << 40U; };
        options_.recovery_interval = std::chrono::milliseconds(1);
        options_.env = env_.get();
        options_.report = [this](std::string_view words) { on_report(words); };
    }
    ~Process() { spool_.reset(); }
    Process(Process const&) = delete;
    Process& operator=(Process const&) = delete;

    // Why not; empty: open.
    std::string open() {
        auto opened = RocksSpool::open(pool_, clock_, files_, options_);
        if (!opened) return opened.error().detail;
        spool_ = std::move(*opened);
        return {};
    }
    void close() { spool_.reset(); }
    spool::Spool& spool() { return *spool_; }
    StillClock& clock() { return clock_; }
    RocksOptions& options() { return options_; }
    ToolWorld tools() { return {pool_, clock_, files_}; }
    std::size_t files_of_large_contents() {
        auto const names = LargeFiles(pool_, files_, options_).names();
        return names ? names->size() : 0;
    }
    void wait_for_recovery() {
        std::unique_lock lock(mutex_);
        reported_.wait(lock, [this] { return !spool_->is_in_trouble(); });
    }
    std::string reports() {
        std::lock_guard const lock(mutex_);
        return reports_;
    }

  private:
    void on_report(std::string_view words) {
        std::lock_guard const lock(mutex_);
        reports_ += std::string(words) + "\n";
        reported_.notify_all();
    }
    Disk& disk_;
    PowerCutFiles files_;
    std::unique_ptr<rocksdb::Env> env_ =
        rocksdb::NewCompositeEnv(std::make_shared<PowerCutFileSystem>(disk_));
    StillClock clock_;
    ThreadPool pool_;
    RocksOptions options_;
    std::mutex mutex_;
    std::condition_variable reported_;
    std::string reports_;
    std::unique_ptr<RocksSpool> spool_;
};

// One change of a message, and where in the record of the disk's steps it began and ended.
struct Change {
    static constexpr std::size_t never = SIZE_MAX;
    std::size_t begun = never, ended = never, settled = never;
    bool done = false;      // acknowledged
    unsigned attempts = 0;  // of an update: what it sets

    bool is_certain(std::size_t cut) const { return done && ended <= cut; }
    bool is_possible(std::size_t cut) const {
        // What failed is gone for good once the spool has said that it can write again.
        return begun < cut && (done || ended == never || settled > cut);
    }
};

struct Message {
    std::size_t size = 0;
    std::string octets;
    Change insert, remove;
    std::vector<Change> updates;
    unsigned attempts = 0;  // acknowledged last
    bool is_live() const { return insert.done && remove.begun == Change::never; }
};

inline WallTime due_at(envelope::Envelope const& e, unsigned attempts) {
    return e.arrived + std::chrono::seconds(attempts);
}

inline envelope::Envelope envelope_of(unsigned n, Message const& m, unsigned attempts) {
    auto e = spool::contract::sample(n);
    e.content_size = m.size;
    e.recipients[0].attempts = attempts;
    e.recipients[0].next_attempt = due_at(e, attempts);
    return e;
}

// Compares. Each problem is a sentence.
class Comparison {
  public:
    Comparison(Process& process, std::map<unsigned, Message> const& messages, std::size_t cut,
               bool history_was_swept)
        : spool_(process.spool()), messages_(messages), cut_(cut), swept_(history_was_swept) {}

    std::vector<std::string> run_all() {
        auto const due = run(spool_.due("example.com", {}, 1'000'000));
        if (!due) return {"the schedule cannot be read: " + due.error().message()};
        for (auto const& entry : *due) due_.emplace(entry.id, entry.due);
        for (auto const& [n, message] : messages_) one(n, message);
        totals();
        return std::move(problems_);
    }

  private:
    void say(unsigned n, std::string const& what) {
        problems_.push_back("message " + std::to_string(n) + " " + what);
    }
    void one(unsigned n, Message const& m) {
        auto const id = spool::contract::id_of(n);
        auto const e = run(spool_.load(id));
        if (!e) {
            if (e.error() != Errc::not_found) say(n, "cannot be read: " + e.error().message());
            if (m.insert.is_certain(cut_) && !m.remove.is_possible(cut_)) say(n, "is lost");
            if (due_.contains(id)) say(n, "is gone but in the schedule");
            return;
        }
        ++present_;
        bytes_ += m.size;
        if (!m.insert.is_possible(cut_)) say(n, "is there and should not be");
        if (m.remove.is_certain(cut_)) say(n, "came back after its removal");
        content(n, m, *e);
        auto const attempts = (*e)->recipients.at(0).attempts;
        if (!is_allowed(m, attempts)) say(n, "has attempts " + std::to_string(attempts));
        auto const [from, to] = due_.equal_range(id);
        if (std::distance(from, to) != 1 || from->second != due_at(**e, attempts)) {
            say(n, "is not where it should be in the schedule");
        }
        events(n, m, attempts);
    }
    void content(unsigned n, Message const& m, spool::EnvelopePtr const& e) {
        auto const opened = run(spool_.open_content(e));
        if (!opened) return say(n, "has no content: " + opened.error().message());
        auto const octets = run(spool::read_all(*opened, 1U << 20U));
        if (!octets) return say(n, "has an unreadable content: " + octets.error().message());
        if (*octets != m.octets) say(n, "has another content");
    }
    // The last certain one, or a possible one after it.
    bool is_allowed(Message const& m, unsigned attempts) const {
        bool allowed = attempts == 0;
        for (auto const& update : m.updates) {
            if (update.is_certain(cut_)) {
                allowed = update.attempts == attempts;
            } else if (update.is_possible(cut_) && update.attempts == attempts) {
                return true;
            }
        }
        return allowed;
    }
    void events(unsigned n, Message const& m, unsigned attempts) {
        auto const found = run(spool_.history(spool::contract::id_of(n)));
        if (!found) return say(n, "has an unreadable history: " + found.error().message());
        std::size_t wanted = 1;
        for (auto const& update : m.updates) {
            // One that failed left no event, whatever its number.
            if (update.attempts <= attempts && (update.done || update.attempts == attempts)) {
                ++wanted;
            }
        }
        bool const fits = swept_ && n < young ? found->size() <= wanted : found->size() == wanted;
        if (!fits) {
            say(n, "has " + std::to_string(found->size()) + " events, wanted " +
                       std::to_string(wanted));
        }
    }
    void totals() {
        auto const listed = run(spool_.list({}, 1'000'000));
        if (!listed || listed->size() != present_) {
            problems_.push_back("the list is not what can be loaded");
        }
        if (due_.size() != present_) problems_.push_back("the schedule is longer than the list");
        auto const usage = run(spool_.usage());
        if (!usage || usage->messages != present_ || usage->content_bytes != bytes_) {
            problems_.push_back("the counters say " + std::to_string(usage->messages) +
                                " messages, " + std::to_string(usage->content_bytes) +
                                " octets; there are " + std::to_string(present_) + ", " +
                                std::to_string(bytes_));
        }
    }

    spool::Spool& spool_;
    std::map<unsigned, Message> const& messages_;
    std::size_t cut_;
    bool swept_;
    std::multimap<MessageId, WallTime> due_;
    std::uint64_t present_ = 0, bytes_ = 0;
    std::vector<std::string> problems_;
};

// A scripted life: sessions of rounds, each of some changes at once; clean ends and deaths.
class Life {
  public:
    explicit Life(std::uint64_t seed) : chance_(seed), disk_(std::make_unique<Disk>()) {}
    Disk& disk() { return *disk_; }
    std::map<unsigned, Message> const& messages() const { return messages_; }
    std::string const& trouble() const { return trouble_; }

    void work(unsigned rounds) {
        session(1, rounds, true);
        session(1001, rounds, false);
        session(young, rounds, false);
        session(young + 1000, rounds / 4 + 1, true);
    }

    // One process: opens, works, ends.
    void session(unsigned first, unsigned rounds, bool is_clean) {
        Process process(*disk_);
        if (first >= young) {
            process.clock().advance(Millis(young));
            swept_from_ = std::min(swept_from_, disk_->steps());
        }
        std::string why = process.open();
        // A disk that fails for a while: the service manager starts it again.
        for (int turn = 0; !why.empty() && turn < 1000; ++turn) why = process.open();
        if (!why.empty()) {
            trouble_ = "does not start: " + why;
            return;
        }
        next_ = first;
        for (unsigned i = 0; i < rounds; ++i) round(process);
        if (is_clean) return;
        disk_->stop();
        process.close();
        disk_->go_on();
    }

    std::vector<std::string> problems_of(Process& process, std::size_t cut) const {
        return Comparison(process, messages_, cut, cut > swept_from_).run_all();
    }

    // Opens what a cut left, compares, and goes on working.
    std::vector<std::string> problems_after(DiskImage image, std::size_t cut,
                                            bool with_check = false) const {
        Disk disk(std::move(image));
        Process process(disk);
        return problems_on(process, cut, with_check);
    }
    std::vector<std::string> problems_on(Process& process, std::size_t cut, bool with_check) const {
        if (auto const why = process.open(); !why.empty()) return {"does not start: " + why};
        auto problems = problems_of(process, cut);
        auto const added =
            run(spool::contract::insert(process.spool(), fresh, octets_of(100'000, fresh)));
        if (!added) problems.push_back("takes no new mail: " + added.error().message());
        process.close();
        if (!with_check) return problems;
        auto const report = check_spool(process.tools(), process.options());
        if (!report) {
            problems.push_back("check fails: " + report.error().detail);
        } else if (!report->is_sound() || report->notes.count() > 0) {
            problems.push_back("check says: " + report->text());
        }
        return problems;
    }

  private:
    void round(Process& process) {
        boost::asio::io_context io(1);
        std::set<unsigned> busy;
        auto const start = [&](Task<void> task) {
            boost::asio::co_spawn(io, std::move(task), [](std::exception_ptr error) {
                if (error) std::rethrow_exception(error);
            });
        };
        for (auto count = 1 + chance_.below(4); count > 0; --count) {
            auto const live = pick(busy);
            auto const what = live ? chance_.below(10) : 0;
            if (what < 6) {
                bool const is_twin = chance_.below(6) == 0;
                start(insert(process.spool(), next_, size(), is_twin));
                next_ += is_twin ? 2 : 1;
            } else if (what < 8) {
                start(update(process.spool(), *live));
            } else {
                start(remove(process.spool(), *live));
            }
        }
        io.run();
        if (process.spool().is_in_trouble()) process.wait_for_recovery();
        for (auto* const change : std::exchange(failed_, {})) change->settled = disk_->steps();
    }
    std::size_t size() {
        switch (chance_.below(8)) {
            case 0:
                return 60'000 + chance_.below(120'000);  // about the threshold and beyond it
            case 1:
                return chance_.below(3);
            case 2:
                return 20'000 + chance_.below(20'000);
            default:
                return 100 + chance_.below(4000);
        }
    }
    std::optional<unsigned> pick(std::set<unsigned>& busy) {
        std::vector<unsigned> live;
        for (auto const& [n, m] : messages_) {
            if (m.is_live() && !busy.contains(n)) live.push_back(n);
        }
        if (live.empty()) return std::nullopt;
        unsigned const chosen = live[chance_.below(live.size())];
        busy.insert(chosen);
        return chosen;
    }

    void begin(Change& change) { change.begun = disk_->steps(); }
    void end(Change& change, bool done) {
        change.ended = disk_->steps();
        change.done = done;
        if (!done) failed_.push_back(&change);
    }

    // With a twin: two messages, one content, one commit.
    Task<void> insert(spool::Spool& spool, unsigned n, std::size_t size, bool is_twin) {
        std::vector<unsigned> numbers{n};
        if (is_twin) numbers.push_back(n + 1);
        for (auto const i : numbers) {
            messages_[i].size = size;
            messages_[i].octets = octets_of(size, n);
            begin(messages_[i].insert);
        }
        auto const id = spool::contract::id_of(n);
        auto content =
            co_await spool::contract::write_content(spool, id, octets_of(size, n), 9'000, 0);
        spool::Batch batch;
        bool done = content.has_value();
        if (done) {
            for (auto const i : numbers) add_insert(batch, i, *content);
            auto committed = co_await spool.commit(std::move(batch));
            done = committed.has_value();
        }
        for (auto const i : numbers) end(messages_[i].insert, done);
    }
    void add_insert(spool::Batch& batch, unsigned n, spool::ContentPtr const& content) {
        auto e = envelope_of(n, messages_[n], 0);
        batch.events.push_back(event(e, envelope::Event::Kind::received, n));
        batch.due_add.push_back({"example.com", due_at(e, 0), e.id});
        batch.inserts.push_back({spool::contract::shared(std::move(e)), content});
    }
    static envelope::Event event(envelope::Envelope const& e, envelope::Event::Kind kind,
                                 unsigned at) {
        return spool::contract::event_of(e, kind, static_cast<int>(at));
    }
    Task<void> update(spool::Spool& spool, unsigned n) {
        auto& m = messages_[n];
        auto const index = m.updates.size();
        auto const attempts = static_cast<unsigned>(index + 1);
        m.updates.emplace_back().attempts = attempts;
        auto e = envelope_of(n, m, attempts);
        spool::Batch batch;
        batch.due_remove.push_back({"example.com", due_at(e, m.attempts), e.id});
        batch.due_add.push_back({"example.com", due_at(e, attempts), e.id});
        batch.events.push_back(event(e, envelope::Event::Kind::deferred, n));
        batch.updates.push_back(spool::contract::shared(std::move(e)));
        begin(m.updates[index]);
        auto done = co_await spool.commit(std::move(batch));
        end(m.updates[index], done.has_value());
        if (done) m.attempts = attempts;
    }
    Task<void> remove(spool::Spool& spool, unsigned n) {
        auto& m = messages_[n];
        auto e = envelope_of(n, m, m.attempts);
        spool::Batch batch;
        batch.due_remove.push_back({"example.com", due_at(e, m.attempts), e.id});
        batch.events.push_back(event(e, envelope::Event::Kind::relayed, n));
        batch.removes.push_back(spool::contract::shared(std::move(e)));
        begin(m.remove);
        auto done = co_await spool.commit(std::move(batch));
        end(m.remove, done.has_value());
    }

    Chance chance_;
    std::unique_ptr<Disk> disk_;
    std::map<unsigned, Message> messages_;
    std::vector<Change*> failed_;
    unsigned next_ = 1;
    std::size_t swept_from_ = SIZE_MAX;
    std::string trouble_;
};

}  // namespace dawk::spool_rocks::test
