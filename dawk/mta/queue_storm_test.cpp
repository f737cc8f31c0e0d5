// Everything at once, many times over: hosts that come and go, a spool that fails, operators,
// reloads, restarts and crashes, in an order that a seed decides. When all has healed, every
// recipient must have ended exactly once, nothing may be left on disk, and nothing in memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dawk/mta/queue_admin.hpp"
#include "dawk/mta/queue_test.hpp"

namespace dawk::mta {
namespace {

using namespace test;
using namespace std::chrono_literals;

class Storm : public testing::TestWithParam<std::uint64_t> {
  protected:
    struct Fate {
        int delivered = 0, failed = 0, ended = 0;
    };

    Storm() : f_(GetParam(), GetParam() % 3 == 0 ? 3 : 1) {
        f_.settings.queue.jitter = 0.1;
        f_.settings.queue.connections_all = 12;
        f_.settings.queue.connections_per_destination = 5;
        f_.settings.queue.ready_all = 40;
        f_.settings.queue.ready_per_destination = 10;
        f_.settings.queue.recipients_per_transaction = 2;
        f_.settings.queue.hot_content_bytes = 2000;
        if (GetParam() % 2 == 0) {
            f_.spool_options.clock = &f_.world;
            f_.spool_options.commit_latency = 3ms;
        }
        f_.shut_down();
        f_.boot();
        f_.deliverer->batch = 1 + GetParam() % 3;
        f_.deliverer->job_time = 20ms;
        f_.deliverer->connect_time = 30ms;
        f_.deliverer->answer = [this](Job const& job, Recipient const& recipient) {
            return answer(job, recipient);
        };
    }

    std::uint64_t below(std::uint64_t bound) { return f_.world.rng().below(bound); }

    Outcome answer(Job const& job, Recipient const& recipient) {
        if (job.envelope->reverse_path.is_null()) return accepted_outcome();
        auto const name = job.envelope->id.text() + recipient.address.text();
        auto const dice = calm_ ? 99 : below(100);
        if (dice < 25) return deferred_outcome();
        if (dice < 30) {
            ++fates_[name].failed;
            return failed_outcome();
        }
        ++fates_[name].delivered;
        return accepted_outcome();
    }

    void send() {
        std::vector<std::string> recipients;
        auto const count = 1 + below(6);
        for (std::uint64_t i = 0; i < count; ++i)
            recipients.push_back("r" + std::to_string(i) + "@d" + std::to_string(below(6)) +
                                 ".test");
        auto envelope = f_.make("sender@out.test", recipients);
        bool const announced = below(20) != 0;
        f_.put(envelope, "Subject: x\r\n\r\nhello\r\n", announced);
        if (!f_.disk->envelopes.contains(envelope->id) && !announced) return;  // refused
        for (auto const& recipient : envelope->recipients)
            if (f_.disk->envelopes.contains(envelope->id) || !f_.spool->is_in_trouble())
                fates_[envelope->id.text() + recipient.address.text()];
        if (!announced) f_.queue->accepted(envelope, f_.disk->contents[envelope->id]);
    }

    void operate() {
        static constexpr char const* verbs[] = {"retry", "hold", "release", "retry"};
        QueueAdmin admin(*f_.queue);
        rt::HttpRequest request;
        request.method = "POST";
        request.target = std::string("/v1/queue/") + verbs[below(4)] + "?domain=d" +
                         std::to_string(below(6)) + ".test";
        (void)f_.ask(admin.handle(request));
    }

    void reload() {
        f_.settings.routing.routes.clear();
        if (below(2) == 0) {
            routing::RouteConfig route;
            route.to = "d" + std::to_string(below(6)) + ".test";
            route.via = "smtp:relay" + std::to_string(below(2)) + ".test";
            f_.settings.routing.routes.push_back(route);
        }
        f_.queue->reload(std::make_shared<Settings>(f_.settings));
    }

    void step() {
        auto const dice = below(100);
        if (dice < 40) {
            send();
        } else if (dice < 50) {
            auto const key = "mx:d" + std::to_string(below(6)) + ".test";
            if (f_.deliverer->down.erase(key) == 0) f_.deliverer->down.insert(key);
        } else if (dice < 55) {
            f_.spool->set_trouble(Errc::io_error);
            f_.world.run_for(std::chrono::milliseconds(below(3000)));
            f_.spool->set_trouble({});
        } else if (dice < 63) {
            operate();
        } else if (dice < 67) {
            reload();
        } else if (dice < 69) {
            f_.shut_down(std::chrono::milliseconds(below(100)));
            f_.boot();
        } else if (dice < 71 && crashes_allowed_) {
            ++crashes_;
            f_.crash();
            f_.boot();
        } else {
            f_.world.run_for(std::chrono::milliseconds(below(below(2) == 0 ? 100 : 100'000)));
        }
    }

    void heal() {
        calm_ = true;
        f_.deliverer->down.clear();
        QueueAdmin admin(*f_.queue);
        rt::HttpRequest request;
        request.method = "POST";
        request.target = "/v1/queue/release?all=true";
        (void)f_.ask(admin.handle(request));
        f_.world.run_for(24h);
    }

    void judge() {
        EXPECT_TRUE(f_.disk->envelopes.empty()) << f_.disk->envelopes.size();
        EXPECT_TRUE(f_.disk->contents.empty());
        EXPECT_TRUE(f_.disk->due.empty()) << f_.disk->due.size();
        auto const stats = f_.queue->stats();
        EXPECT_EQ(stats.messages, 0U);
        EXPECT_EQ(stats.ready, 0U);
        EXPECT_EQ(stats.flying, 0U);
        EXPECT_EQ(stats.carriers, 0U);
        EXPECT_EQ(stats.hot_content_bytes, 0U);
        EXPECT_EQ(stats.backed_off, 0U);
        EXPECT_EQ(stats.destinations, 0U);
        for (auto const& [name, fate] : fates_) {
            if (crashes_ == 0)
                EXPECT_EQ(fate.delivered + fate.failed, 1) << name;
            else
                EXPECT_GE(fate.delivered + fate.failed, 1) << name;
        }
        EXPECT_LE(f_.deliverer->most_running, 12U);
        EXPECT_GE(fates_.size(), 50U);  // it was a storm
    }

    QueueFixture f_;
    std::map<std::string, Fate> fates_;
    bool calm_ = false;
    bool crashes_allowed_ = GetParam() % 5 == 0;
    int crashes_ = 0;
};

TEST_P(Storm, EveryRecipientEndsExactlyOnce) {
    for (int i = 0; i < 400; ++i) step();
    heal();
    judge();
}

INSTANTIATE_TEST_SUITE_P(Seeds, Storm, testing::Range<std::uint64_t>(1, 61));

}  // namespace
}  // namespace dawk::mta
