// What the tests of carriers share: a feed with a list of jobs, and hosts with scripted servers in
// a simulated internet.
#pragma once

#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dawk/mta/deliverer.hpp"
#include "dawk/rt/task_group.hpp"
#include "dawk/sim/network.hpp"
#include "dawk/smtp/client_session_test.hpp"
#include "dawk/spool/content.hpp"

namespace dawk::mta::testing {

using std::chrono_literals::operator""h;
using std::chrono_literals::operator""min;
using std::chrono_literals::operator""s;
using envelope::Outcome;
using smtp::testing::FakeServer;

struct TestFeed final : JobFeed {
    explicit TestFeed(sim::World& w) : world(w), work(w) {}

    routing::Route const& route() const override { return the_route; }
    SettingsPtr const& settings() const override { return the_settings; }
    std::vector<Job> take(std::size_t max) override {
        std::vector<Job> out;
        while (!waiting.empty() && out.size() < max) {
            out.push_back(std::move(waiting.front()));
            waiting.pop_front();
            ++taken;
        }
        largest_take = std::max(largest_take, out.size());
        return out;
    }
    Task<bool> wait(SteadyTime deadline) override {
        if (waiting.empty() && world.steady() < deadline) co_await work.wait(deadline);
        co_return !waiting.empty();
    }
    void done(Job job, std::vector<Outcome> outcomes) override {
        ASSERT_EQ(job.recipients.size(), outcomes.size());
        for (auto const& o : outcomes) EXPECT_FALSE(o.status.empty());
        results[job.ticket].push_back(std::move(outcomes));
    }
    void host_failed(Outcome const& outcome) override { host_failures.push_back(outcome); }
    void host_ready() override { ++ready; }

    void add(Job job) {
        waiting.push_back(std::move(job));
        work.wake();
    }
    // The outcome of a job's only recipient, handed back exactly once.
    Outcome const& outcome(std::uint64_t ticket) {
        static Outcome const missing{};
        auto const found = results.find(ticket);
        if (found == results.end()) {
            ADD_FAILURE() << "job " << ticket << " was not handed back";
            return missing;
        }
        EXPECT_EQ(found->second.size(), 1U) << "handed back more than once";
        return found->second.front().front();
    }

    sim::World& world;
    sim::Signal work;
    routing::Route the_route;
    SettingsPtr the_settings;
    std::deque<Job> waiting;
    std::size_t taken = 0, largest_take = 0;
    int ready = 0;
    std::map<std::uint64_t, std::vector<std::vector<Outcome>>> results;
    std::vector<Outcome> host_failures;
};

// A host whose server follows the script that make() gives for each connection.
struct ScriptedHost {
    ScriptedHost(sim::Internet& internet, rt::TaskGroup& g, std::string name,
                 std::vector<std::string> addresses, std::string listen_at)
        : host(internet, std::move(name), std::move(addresses)),
          listener(host.listen(listen_at, false).value()),
          group(g),
          clock(internet.world()) {
        identity = host.load_identity(host.name(), "").value();
        group.spawn(accept());
    }

    Task<void> accept() {
        for (;;) {
            auto stream = co_await listener->accept();
            if (!stream) co_return;
            servers.push_back(std::make_unique<FakeServer>(make()));
            group.spawn(serve(std::move(*stream), *servers.back()));
        }
    }
    Task<void> serve(std::unique_ptr<rt::Stream> stream, FakeServer& server) {
        if (tls_from_start) {
            auto secured = co_await host.tls_accept(std::move(stream), identity);
            if (!secured) co_return;
            stream = std::move(*secured);
            server.tls = true;
        }
        std::string out = server.connect();
        char buffer[4096];
        for (;;) {
            if (!out.empty()) {
                auto const written = co_await stream->write_all(out);
                if (!written) co_return;
            }
            bool const refused = out.find("421 ") != out.npos;
            bool const wants_tls = server.commands.size() > 0 && !server.tls &&
                                   server.commands.back() == "STARTTLS" && out.starts_with("220");
            out.clear();
            if (server.quit || refused || closes_after(server)) {
                co_await stream->shutdown();
                co_return;
            }
            if (wants_tls) {
                auto secured = co_await host.tls_accept(std::move(stream), identity);
                if (!secured) co_return;
                stream = std::move(*secured);
                server.tls = true;
            }
            if (stalls(server)) {
                SteadyTime const later = clock.steady() + 3h;
                co_await clock.sleep_until(later);
            }
            stream->expires_at(clock.steady() + idle_limit);
            auto const n = co_await stream->read_some(buffer);
            if (!n) co_return;
            out = server.receive(std::string_view(buffer, *n));
        }
    }

    sim::Host host;
    std::unique_ptr<rt::Listener> listener;
    rt::TaskGroup& group;
    rt::Clock& clock;
    std::shared_ptr<rt::TlsIdentity const> identity;
    bool tls_from_start = false;
    Duration idle_limit = 1h;
    std::function<FakeServer()> make = [] { return FakeServer{}; };
    std::function<bool(FakeServer const&)> closes_after = [](FakeServer const&) { return false; };
    std::function<bool(FakeServer const&)> stalls = [](FakeServer const&) { return false; };
    std::deque<std::unique_ptr<FakeServer>> servers;  // one for each connection

    std::vector<std::string> contents() const {
        std::vector<std::string> all;
        for (auto const& server : servers) {
            all.insert(all.end(), server->contents.begin(), server->contents.end());
        }
        return all;
    }
};

struct CarrierTest : ::testing::Test {
    sim::World world{11};
    sim::Internet internet{world};
    sim::Host us{internet, "us.test", {"192.0.2.1", "2001:db8::1"}};
    rt::TaskGroup group{world.context().get_executor()};  // of the hosts
    rt::TaskGroup carriers{world.context().get_executor()};
    rt::Env env = us.env();
    RouteDeliverer deliverer{env};
    Settings settings;
    std::shared_ptr<TestFeed> feed = std::make_shared<TestFeed>(world);
    std::uint64_t tickets = 0;

    CarrierTest() {
        settings.hostname = "us.test";
        settings.state_dir = "/var/dawk";
    }
    ~CarrierTest() override { stop(); }
    // To be called before the hosts die.
    void stop() {
        carriers.cancel();
        world.run_for(1s);
        group.cancel();
        world.run_for(1s);
    }

    std::shared_ptr<envelope::Envelope> make_envelope(std::vector<std::string> locals,
                                                      std::string domain = "example.test") {
        auto e = std::make_shared<envelope::Envelope>(smtp::testing::make_envelope(0));
        for (auto& local : locals) {
            envelope::Recipient r;
            r.address = r.original = {std::move(local), domain};
            e->recipients.push_back(std::move(r));
        }
        return e;
    }
    Job make_job(spool::EnvelopePtr e, std::string content, bool large = false) {
        Job job;
        for (std::uint32_t i = 0; i < e->recipients.size(); ++i) job.recipients.push_back(i);
        job.envelope = std::move(e);
        job.content = std::make_shared<spool::MemoryContent>(std::move(content), large);
        job.ticket = ++tickets;
        return job;
    }
    std::uint64_t add_mail(std::string content = "Subject: x\r\n\r\n.hi\r\n", bool large = false) {
        feed->add(make_job(make_envelope({"to"}), std::move(content), large));
        return tickets;
    }
    void use_mx(std::string domain = "example.test") {
        feed->the_route.kind = routing::Route::Kind::mx;
        feed->the_route.domain = std::move(domain);
    }
    void use_smart_host(std::string host, routing::TlsMode tls = routing::TlsMode::none) {
        feed->the_route.kind = routing::Route::Kind::smtp;
        feed->the_route.host = std::move(host);
        feed->the_route.port = 587;
        feed->the_route.tls = tls;
    }
    void start() {
        feed->the_settings = std::make_shared<Settings const>(settings);
        carriers.spawn(deliverer.carry(feed));
    }
    // Runs one carrier to its end.
    void carry(Duration at_most = 30min) {
        start();
        bool const ended = world.run_until_true([&] { return carriers.size() == 0; }, at_most);
        EXPECT_TRUE(ended) << "the carrier did not end";
    }
};

}  // namespace dawk::mta::testing
