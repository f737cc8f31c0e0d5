// For the tests of the queue: a world with a spool in memory and a deliverer that does as it is
// told.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <set>

#include "dawk/base/check.hpp"
#include "dawk/directory/mem_directory.hpp"
#include "dawk/mta/queue_core.hpp"
#include "dawk/mta/queue_runner.hpp"
#include "dawk/sim/network.hpp"
#include "dawk/spool/mem_spool.hpp"

namespace dawk::mta::test {

using envelope::Envelope;
using envelope::Event;
using envelope::Outcome;
using envelope::Recipient;
using envelope::State;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

inline Outcome outcome_of(Outcome::Kind kind, std::uint16_t code, std::string status,
                          std::string stage, std::string text) {
    Outcome outcome;
    outcome.kind = kind;
    outcome.code = code;
    outcome.status = std::move(status);
    outcome.stage = std::move(stage);
    outcome.text = std::move(text);
    return outcome;
}
inline Outcome accepted_outcome() {
    return outcome_of(Outcome::Kind::delivered, 250, "2.0.0", "content", "ok");
}
inline Outcome deferred_outcome() {
    return outcome_of(Outcome::Kind::deferred, 452, "4.2.2", "rcpt", "mailbox full");
}
inline Outcome failed_outcome() {
    return outcome_of(Outcome::Kind::failed, 550, "5.1.1", "rcpt", "no such user");
}

struct Tried {
    WallTime at;
    MessageId id;
    std::string destination, recipient;
};

class FakeDeliverer final : public Deliverer {
  public:
    explicit FakeDeliverer(rt::Clock& clock) : clock_(clock) {}

    std::set<std::string> down;                          // destinations whose host does not answer
    std::map<std::string, std::size_t> connections_max;  // more are refused
    std::function<Outcome(Job const&, Recipient const&)> answer = [](Job const&, Recipient const&) {
        return accepted_outcome();
    };
    Duration connect_time = milliseconds(1), job_time = milliseconds(1), idle = seconds(2);
    std::size_t batch = 1;
    bool ends_at_once = false, forgets_jobs = false, keeps_tries = true;

    std::vector<Tried> tries;  // one a recipient
    std::uint64_t delivered = 0, connects = 0, jobs = 0;
    std::size_t running = 0, most_running = 0;
    std::map<std::string, std::size_t> running_of, most_of, connected_of;

    Task<void> carry(std::shared_ptr<JobFeed> feed) override {
        Count const count(*this, feed->route().key);
        auto const key = feed->route().key;
        Held held(*feed);
        if (ends_at_once) co_return;
        bool connected = false;
        while (true) {
            for (auto& job : feed->take(batch)) held.jobs.push_back(std::move(job));
            if (held.jobs.empty()) {
                bool const more = co_await feed->wait(clock_.steady() + idle);
                if (!more) break;
                continue;
            }
            if (!connected) {
                ++connects;
                co_await clock_.sleep_until(clock_.steady() + connect_time);
                auto const most = connections_max.find(key);
                if (down.contains(key) ||
                    (most != connections_max.end() && connected_of[key] >= most->second)) {
                    auto refused = outcome_of(Outcome::Kind::deferred, 0, "4.4.1", "connect",
                                              "connection refused");
                    refused.whole_host = true;
                    for (auto const& job : held.jobs) note(job);
                    held.refuse(refused);
                    break;
                }
                connected = true;
                count.connect();
                feed->host_ready();
            }
            co_await clock_.sleep_until(clock_.steady() + job_time);
            if (forgets_jobs) {
                held.jobs.clear();
                break;
            }
            auto job = std::move(held.jobs.front());
            held.jobs.pop_front();
            note(job);
            finish(*feed, std::move(job));
        }
    }

  private:
    struct Count {
        FakeDeliverer& self;
        std::string key;
        mutable bool connected = false;
        Count(FakeDeliverer& s, std::string k) : self(s), key(std::move(k)) {
            self.most_running = std::max(self.most_running, ++self.running);
            self.most_of[key] = std::max(self.most_of[key], ++self.running_of[key]);
        }
        void connect() const {
            connected = true;
            ++self.connected_of[key];
        }
        ~Count() {
            --self.running;
            --self.running_of[key];
            if (connected) --self.connected_of[key];
        }
    };
    struct Held {
        JobFeed& feed;
        std::deque<Job> jobs;
        explicit Held(JobFeed& f) : feed(f) {}
        void refuse(Outcome const& outcome) {
            feed.host_failed(outcome);
            give_up(outcome);
        }
        void give_up(Outcome const& outcome) {
            for (auto& job : jobs) {
                std::vector<Outcome> outcomes(job.recipients.size(), outcome);
                feed.done(std::move(job), std::move(outcomes));
            }
            jobs.clear();
        }
        ~Held() { give_up(outcome_of(Outcome::Kind::deferred, 0, "4.4.2", "data", "interrupted")); }
    };
    void note(Job const& job) {
        if (!keeps_tries) return;
        for (auto const index : job.recipients) {
            auto const& recipient = job.envelope->recipients[index];
            tries.push_back(
                {clock_.wall(), job.envelope->id, recipient.destination, recipient.address.text()});
        }
    }
    void finish(JobFeed& feed, Job job) {
        ++jobs;
        std::vector<Outcome> outcomes;
        for (auto const index : job.recipients) {
            outcomes.push_back(answer(job, job.envelope->recipients[index]));
            outcomes.back().at = clock_.wall();
            if (outcomes.back().kind == Outcome::Kind::delivered) ++delivered;
        }
        feed.done(std::move(job), std::move(outcomes));
    }

    rt::Clock& clock_;
};

struct EventLog final : envelope::EventSink {
    std::vector<Event> events;
    std::uint64_t count = 0;
    bool keeps = true;
    void on_event(Event const& event) override {
        ++count;
        if (keeps) events.push_back(event);
    }
    std::size_t of(Event::Kind kind) const {
        std::size_t n = 0;
        for (auto const& event : events) n += event.kind == kind ? 1U : 0U;
        return n;
    }
};

class QueueFixture {
  public:
    explicit QueueFixture(std::uint64_t seed = 1, std::size_t shards = 1)
        : world(seed),
          internet(world),
          host(internet, "mail.dawk.test", {"192.0.2.1"}),
          disk(std::make_shared<spool::MemDisk>()),
          shards_(shards) {
        settings.hostname = "mail.dawk.test";
        settings.postmaster = "postmaster@dawk.test";
        settings.queue.jitter = 0;
        settings.routing.domains = {{"dawk.test", "maildir:mail/{local}"}};
        deliverer = std::make_unique<FakeDeliverer>(world);
        setup(directory.add_domain("dawk.test"));
        setup(directory.add_user({"postmaster", "dawk.test"}, "secret"));
        setup(directory.add_user({"alice", "dawk.test"}, "secret"));
        boot();
        world.run_for(seconds(0));
    }
    ~QueueFixture() {
        if (queue) shut_down();
    }

    void boot() {
        spool = std::make_unique<spool::MemSpool>(disk, spool_options);
        QueueDeps deps{*spool, events, directory, {}};
        for (std::size_t i = 0; i < shards_; ++i) deps.shards.push_back({host.env(), *deliverer});
        queue =
            std::make_unique<QueueRunner>(std::move(deps), std::make_shared<Settings>(settings));
        queue->start();
    }
    void shut_down(Duration grace = seconds(5)) {
        run(queue->stop(world.steady() + grace), grace + seconds(60));
        queue.reset();
        spool.reset();
    }
    // The power goes: what is under way never finishes as far as the disk is concerned.
    void crash() {
        auto old_disk = std::make_shared<spool::MemDisk>();
        old_disk->envelopes = disk->envelopes;
        old_disk->contents = disk->contents;
        old_disk->due = disk->due;
        old_disk->events = disk->events;
        old_disk->next_sequence = disk->next_sequence;
        old_disk->content_bytes = disk->content_bytes;
        disk->powered = false;
        shut_down(seconds(0));
        disk = old_disk;
    }

    template <class T>
    T ask(Task<T> task) {
        std::optional<T> result;
        rt::TaskGroup group(world.context().get_executor());
        group.spawn(keep(std::move(task), result));
        world.run_until_true([&] { return result.has_value(); }, hours(1));
        world.run_for(seconds(0));
        return std::move(result.value());
    }
    void run(Task<void> task, Duration at_most = hours(1)) {
        bool finished = false;
        rt::TaskGroup group(world.context().get_executor());
        group.spawn(mark(std::move(task), finished));
        world.run_until_true([&] { return finished; }, at_most);
        world.run_for(seconds(0));
    }

    std::shared_ptr<Envelope> make(std::string sender, std::vector<std::string> recipients) {
        auto envelope = std::make_shared<Envelope>();
        envelope->id = MessageId::make(world.wall(), world.rng().next(), world.rng().next());
        if (!sender.empty()) envelope->reverse_path = *mail::parse_mailbox(sender);
        envelope->origin.listener = "test";
        envelope->arrived = world.wall();
        envelope->expires = queue::expiry(sender.empty(), settings.queue, envelope->arrived);
        envelope->trace = "Received: by mail.dawk.test\r\n";
        routing::Router const router(settings.routing);
        for (auto const& text : recipients) {
            Recipient recipient;
            recipient.address = *mail::parse_mailbox(text);
            recipient.original = recipient.address;
            recipient.next_attempt = envelope->arrived;
            auto const& domain = recipient.address.domain;
            recipient.destination = router.key_of(domain, router.has_domain(domain));
            envelope->recipients.push_back(std::move(recipient));
        }
        return envelope;
    }
    // Commits as the Receiver does; announced: and tells the queue.
    void put(std::shared_ptr<Envelope> envelope, std::string octets = "Subject: x\r\n\r\nhello\r\n",
             bool announced = true) {
        envelope->content_size = octets.size();
        auto writer = spool->create_content(envelope->id, octets.size());
        (void)ask(writer->write(octets));
        auto content = *ask(writer->finish());
        spool::Batch batch;
        batch.inserts.push_back({envelope, content});
        batch.due_add = due_entries(*envelope);
        auto const r = ask(spool->commit(std::move(batch)));
        if (r && announced) queue->accepted(envelope, content);
    }
    MessageId send(std::string sender, std::vector<std::string> recipients) {
        auto envelope = make(std::move(sender), std::move(recipients));
        put(envelope);
        return envelope->id;
    }
    // Straight onto the disk, in bulk.
    void store(std::shared_ptr<Envelope> envelope,
               std::string octets = "Subject: x\r\n\r\nhi\r\n") {
        envelope->content_size = octets.size();
        auto content = std::make_shared<spool::MemoryContent>(std::move(octets), false);
        disk->contents[envelope->id] = content;
        disk->content_bytes += content->size();
        for (auto const& due : due_entries(*envelope)) disk->due.insert(due);
        disk->envelopes[envelope->id] = envelope;
    }

    sim::World world;
    sim::Internet internet;
    sim::Host host;
    std::shared_ptr<spool::MemDisk> disk;
    spool::MemSpoolOptions spool_options;
    std::unique_ptr<spool::MemSpool> spool;
    directory::MemDirectory directory;
    EventLog events;
    Settings settings;
    std::unique_ptr<FakeDeliverer> deliverer;
    std::unique_ptr<QueueRunner> queue;

  private:
    template <class T>
    static Task<void> keep(Task<T> task, std::optional<T>& result) {
        result = co_await std::move(task);
    }
    static Task<void> mark(Task<void> task, bool& finished) {
        co_await std::move(task);
        finished = true;
    }
    template <class T>
    void setup(Task<T> task) {
        auto const result = ask(std::move(task));
        DAWK_CHECK(result.has_value());
    }
    std::size_t shards_;
};

}  // namespace dawk::mta::test
