// What the tests of the receiving side share: a Receiver in a simulated internet, with a directory,
// a spool in memory, and clients that say what they are told.
#pragma once

#include <algorithm>
#include <functional>

#include <gtest/gtest.h>

#include "dawk/directory/mem_directory.hpp"
#include "dawk/mta/receiver.hpp"
#include "dawk/sim/network.hpp"
#include "dawk/smtp/reply.hpp"
#include "dawk/spool/mem_spool.hpp"

namespace dawk::mta::receiver_testing {

using namespace std::chrono_literals;

inline mail::Address addr(std::string_view text) {
    return mail::parse_mailbox(text, {.utf8 = true}).value();
}

struct EventLog : envelope::EventSink {
    std::vector<envelope::Event> events;
    void on_event(envelope::Event const& event) override { events.push_back(event); }
    std::size_t count(envelope::Event::Kind kind) const {
        return static_cast<std::size_t>(std::count_if(
            events.begin(), events.end(), [&](auto const& e) { return e.kind == kind; }));
    }
};

struct Sink : AcceptedSink {
    std::vector<spool::EnvelopePtr> envelopes;
    std::vector<std::string> contents;
    void accepted(spool::EnvelopePtr envelope, spool::ContentPtr content) override {
        envelopes.push_back(std::move(envelope));
        contents.emplace_back(content->in_memory().value_or("LARGE"));
    }
};

// What a client sends at once, and how many replies it waits for then.
struct Step {
    std::string send;
    int replies = 1;
    bool tls_before = false;
    Duration pause_before{};
    std::function<std::string()> answer{};  // instead of send, made when it is time
};

struct Transcript {
    std::string codes;  // "220 250 ...", with status: "250/2.1.0"
    std::string last;   // text of the last reply
    std::string ended;  // how the connection ended, if it did while waiting
    bool done = false;
};

struct ReceiverTest : ::testing::Test {
    sim::World world{11};
    sim::Internet internet{world};
    sim::Host mx{internet, "mx.dawk.test", {"192.0.2.1"}};
    sim::Host client{internet, "client.test", {"192.0.2.9", "192.0.2.10"}};
    rt::Env env = mx.env();
    spool::MemSpool spool;
    directory::MemDirectory directory{addr("root@dawk.test")};
    EventLog log;
    Sink sink;
    Settings settings;
    std::unique_ptr<Receiver> receiver;
    rt::TaskGroup group{world.context().get_executor()};

    ReceiverTest() {
        settings.hostname = "mx.dawk.test";
        settings.postmaster = "root@dawk.test";
        settings.routing.default_deliver = "maildir:mail/{domain}/{local}";
        settings.listeners = {{.address = "192.0.2.1:25"},
                              {.address = "192.0.2.1:587", .service = Service::submission},
                              {.address = "192.0.2.1:465",
                               .service = Service::submission,
                               .tls = ListenerTls::implicit},
                              {.address = "192.0.2.1:2525",
                               .service = Service::relay,
                               .tls = ListenerTls::none,
                               .allow = {"192.0.2.9/32"}}};
        group.spawn(fill_directory());
        world.run_for(1s);
    }
    ~ReceiverTest() override {
        if (receiver) stop();
        group.cancel();
        world.run_for(1s);
    }

    Task<void> fill_directory() {
        auto added = co_await directory.add_domain("dawk.test");
        EXPECT_TRUE(added);
        for (std::string const name : {"root", "alice", "bob", "off"}) {
            auto address = addr(name + "@dawk.test");
            auto user = co_await directory.add_user(address, "secret");
            EXPECT_TRUE(user);
        }
        auto off = addr("off@dawk.test");
        auto disabled = co_await directory.set_disabled(off, true);
        EXPECT_TRUE(disabled);
        directory::Alias both{addr("team@dawk.test"),
                              {addr("alice@dawk.test"), addr("bob@dawk.test"), addr("x@far.test")}};
        auto team = co_await directory.add_alias(both);
        EXPECT_TRUE(team);
        directory::Alias one{addr("sales@dawk.test"), {addr("alice@dawk.test")}};
        auto sales = co_await directory.add_alias(one);
        EXPECT_TRUE(sales);
    }

    void start() {
        auto identity = mx.load_identity("mx.dawk.test", "").value();
        receiver = std::make_unique<Receiver>(env, spool, directory, log, sink);
        ASSERT_TRUE(receiver->configure(std::make_shared<Settings const>(settings), identity));
        ASSERT_TRUE(receiver->open(false));
    }
    Task<void> stopping() { co_await receiver->stop(); }
    void stop() {
        group.spawn(stopping());
        world.run_for(2min);
        receiver.reset();
    }

    Task<void> talk(std::uint16_t port, std::vector<Step> steps, std::shared_ptr<Transcript> out,
                    std::string source) {
        rt::ConnectTarget target{rt::Endpoint{"192.0.2.1", port}, source, world.steady() + 30s};
        auto connected = co_await client.connect(std::move(target));
        if (!connected) {
            out->ended = connected.error().message();
            co_return;
        }
        std::unique_ptr<rt::Stream> stream = std::move(*connected);
        for (Step& step : steps) {
            if (step.pause_before > Duration{}) {
                SteadyTime const until = world.steady() + step.pause_before;
                co_await world.sleep_until(until);
            }
            stream->expires_at(world.steady() + 2h);
            if (step.tls_before) {
                rt::TlsClientPolicy policy;
                policy.server_name = "mx.dawk.test";
                auto secured = co_await client.tls_connect(std::move(stream), std::move(policy));
                if (!secured) {
                    out->ended = "tls: " + secured.error().detail;
                    co_return;
                }
                stream = std::move(*secured);
            }
            if (step.answer) step.send = step.answer();
            auto const sent = co_await stream->write_all(step.send);
            if (!sent) out->ended = sent.error().message();
            for (int i = 0; i < step.replies; ++i) {
                bool const more = co_await read_reply(*stream, *out);
                if (!more) co_return;
            }
        }
        co_await stream->shutdown();
        out->done = true;
    }
    std::map<rt::Stream*, std::string> unread;
    Task<bool> read_reply(rt::Stream& stream, Transcript& out) {
        smtp::ReplyParser parser;
        std::string& input = unread[&stream];
        while (parser.state() == smtp::ReplyParser::State::more) {
            if (input.empty()) {
                char buffer[512];
                auto const n = co_await stream.read_some(buffer);
                if (!n) {
                    out.ended = n.error().message();
                    unread.erase(&stream);
                    co_return false;
                }
                input.assign(buffer, *n);
            }
            input.erase(0, parser.feed(input));
        }
        smtp::Reply const reply = parser.take();
        if (!out.codes.empty()) out.codes += ' ';
        out.codes += std::to_string(reply.code);
        if (!reply.status.empty()) out.codes += '/' + reply.status;
        out.last = reply.text;
        co_return true;
    }
    std::shared_ptr<Transcript> begin(std::uint16_t port, std::vector<Step> steps,
                                      std::string source = "192.0.2.9") {
        steps.insert(steps.begin(), Step{""});
        auto out = std::make_shared<Transcript>();
        group.spawn(talk(port, std::move(steps), out, std::move(source)));
        return out;
    }
    Transcript run(std::uint16_t port, std::vector<Step> steps, std::string source = "192.0.2.9") {
        auto const out = begin(port, std::move(steps), std::move(source));
        world.run_for(3h);
        return *out;
    }
    std::string codes(std::uint16_t port, std::vector<Step> steps) {
        return run(port, std::move(steps)).codes;
    }
};

}  // namespace dawk::mta::receiver_testing
