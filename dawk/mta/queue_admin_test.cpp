#include "dawk/mta/queue_admin.hpp"

#include <boost/json/parse.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dawk/mta/queue_filter.hpp"
#include "dawk/mta/queue_test.hpp"
#include "dawk/mta/words.hpp"

namespace dawk::mta {
namespace {

using namespace test;
using namespace std::chrono_literals;
using testing::HasSubstr;

struct AdminFixture : QueueFixture {
    AdminFixture() {
        deliverer->answer = [this](Job const&, Recipient const&) { return answer_now; };
    }
    boost::json::object ask_for(std::string method, std::string target, unsigned status = 200) {
        QueueAdmin admin(*queue);
        rt::HttpRequest request;
        request.method = std::move(method);
        request.target = std::move(target);
        auto const response = ask(admin.handle(std::move(request)));
        EXPECT_EQ(response.status, status) << response.body;
        return boost::json::parse(response.body).as_object();
    }
    boost::json::object get(std::string target, unsigned status = 200) {
        return ask_for("GET", std::move(target), status);
    }
    boost::json::object post(std::string target, unsigned status = 200) {
        return ask_for("POST", std::move(target), status);
    }
    std::string story(std::string const& about) {
        std::string text;
        auto const object = get("/v1/explain/" + about);
        for (auto const& line : object.at("story").as_array()) {
            text += line.as_string();
            text += '\n';
        }
        return text;
    }
    Outcome answer_now = deferred_outcome();
};

TEST(QueueAdmin, ListsWithFilters) {
    AdminFixture f;
    auto const one = f.send("a@x.test", {"b@y.test", "c@z.test"});
    f.world.run_for(1h);
    auto const two = f.send("", {"d@z.test"});
    f.world.run_for(1min);
    struct Row {
        char const* query;
        std::vector<MessageId> expected;
    };
    for (auto const& row : std::vector<Row>{
             {"", {one, two}},
             {"?domain=z.test", {one, two}},
             {"?domain=%40Y.TEST", {one}},
             {"?recipient=d@z.test", {two}},
             {"?sender=a%40x.test", {one}},
             {"?sender=%3C%3E", {two}},
             {"?destination=mx:y.test", {one}},
             {"?state=waiting", {one, two}},
             {"?state=held", {}},
             {"?older_than=30m", {one}},
             {"?older_than=2h", {}},
             {"?domain=z.test&sender=a@x.test", {one}},
         }) {
        auto const object = f.get(std::string("/v1/queue") + row.query);
        std::vector<std::string> expected, found;
        for (auto const& id : row.expected) expected.push_back(id.text());
        for (auto const& message : object.at("messages").as_array())
            found.emplace_back(message.as_object().at("id").as_string());
        EXPECT_EQ(found, expected) << row.query;
        EXPECT_TRUE(object.at("next").is_null());
    }
}

TEST(QueueAdmin, PagesThroughAll) {
    AdminFixture f;
    std::set<std::string> all, found;
    for (int i = 0; i < 25; ++i) all.insert(f.send("a@x.test", {"b@y.test"}).text());
    f.world.run_for(1min);
    std::string after;
    for (int page = 0; page < 3; ++page) {
        auto const object = f.get("/v1/queue?limit=10" + (after.empty() ? "" : "&after=" + after));
        for (auto const& message : object.at("messages").as_array())
            found.emplace(message.as_object().at("id").as_string());
        if (object.at("next").is_null()) break;
        after = object.at("next").as_string().c_str();
    }
    EXPECT_EQ(found, all);
}

TEST(QueueAdmin, ShowsAMessageWithItsRecipients) {
    AdminFixture f;
    auto const id = f.send("a@x.test", {"b@y.test"});
    f.world.run_for(1min);
    auto const object = f.get("/v1/queue/" + id.text());
    EXPECT_EQ(object.at("sender").as_string(), "a@x.test");
    auto const& recipient = object.at("recipients").as_array().at(0).as_object();
    EXPECT_EQ(recipient.at("state").as_string(), "waiting");
    EXPECT_EQ(recipient.at("attempts").as_int64(), 1);
    EXPECT_EQ(recipient.at("last").as_object().at("text").as_string(), "mailbox full");
    f.get("/v1/queue/" + MessageId::make(f.world.wall(), 1, 1).text(), 404);
}

TEST(QueueAdmin, ContentIsShownWithItsTrace) {
    AdminFixture f;
    auto const id = f.send("a@x.test", {"b@y.test"});
    f.world.run_for(1min);
    QueueAdmin admin(*f.queue);
    rt::HttpRequest request;
    request.target = "/v1/queue/" + id.text() + "/content";
    auto const response = f.ask(admin.handle(request));
    EXPECT_EQ(response.content_type, "message/rfc822");
    EXPECT_EQ(response.body, "Received: by mail.dawk.test\r\nSubject: x\r\n\r\nhello\r\n");
    f.get("/v1/queue/" + id.text() + "/other", 404);
}

TEST(QueueAdmin, RetryTriesAtOnceAndForgivesTheHost) {
    AdminFixture f;
    f.answer_now = accepted_outcome();
    f.deliverer->down.insert("mx:y.test");
    auto const id = f.send("a@x.test", {"b@y.test"});
    f.world.run_for(10s);
    f.deliverer->down.clear();
    auto const done = f.post("/v1/queue/" + id.text() + "/retry");
    EXPECT_EQ(done.at("recipients").as_int64(), 1);
    f.world.run_for(1s);
    EXPECT_EQ(f.deliverer->delivered, 1U);
    EXPECT_TRUE(f.disk->due.empty());
    EXPECT_EQ(f.events.of(Event::Kind::retried), 1U);
}

TEST(QueueAdmin, HeldMailWaitsUntilItIsReleased) {
    AdminFixture f;
    auto const id = f.send("a@x.test", {"b@y.test", "c@z.test"});
    f.world.run_for(1min);
    auto const held = f.post("/v1/queue/" + id.text() + "/hold?domain=y.test&note=look%20at%20it");
    EXPECT_EQ(held.at("recipients").as_int64(), 1);
    EXPECT_EQ(f.disk->due.size(), 1U);
    f.answer_now = accepted_outcome();
    f.world.run_for(24h);
    EXPECT_EQ(f.deliverer->delivered, 1U);
    ASSERT_EQ(f.disk->envelopes.size(), 1U);
    EXPECT_EQ(f.disk->envelopes.begin()->second->recipients[0].state, State::held);
    EXPECT_THAT(f.story(id.text()), HasSubstr("look at it"));
    f.shut_down();
    f.boot();  // held survives
    f.world.run_for(24h);
    EXPECT_EQ(f.deliverer->delivered, 1U);
    EXPECT_EQ(f.post("/v1/queue/" + id.text() + "/release").at("recipients").as_int64(), 1);
    f.world.run_for(1s);
    EXPECT_EQ(f.deliverer->delivered, 2U);
    EXPECT_TRUE(f.disk->envelopes.empty());
}

TEST(QueueAdmin, RemovedMailIsGoneWithoutAReportAndRecorded) {
    AdminFixture f;
    auto const id = f.send("alice@dawk.test", {"b@y.test", "c@z.test"});
    f.world.run_for(1min);
    EXPECT_EQ(f.post("/v1/queue/" + id.text() + "/remove").at("recipients").as_int64(), 2);
    EXPECT_TRUE(f.disk->envelopes.empty());
    EXPECT_TRUE(f.disk->due.empty());
    EXPECT_EQ(f.events.of(Event::Kind::removed), 2U);
    EXPECT_EQ(f.events.of(Event::Kind::dsn_made), 0U);
    EXPECT_TRUE(f.post("/v1/queue/" + id.text() + "/remove").at("finished").as_bool());
    f.post("/v1/queue/" + MessageId::make(f.world.wall(), 1, 1).text() + "/remove", 404);
    EXPECT_THAT(f.story(id.text()), HasSubstr("Removed by an operator"));
}

TEST(QueueAdmin, WhatIsFinishedWithIsNotFound) {
    AdminFixture f;
    auto const id = f.send("alice@dawk.test", {"b@y.test", "c@z.test"});
    f.world.run_for(1min);
    EXPECT_EQ(f.get("/v1/queue?domain=y.test").at("messages").as_array().size(), 1U);
    EXPECT_EQ(
        f.post("/v1/queue/" + id.text() + "/remove?domain=y.test").at("recipients").as_int64(), 1);
    EXPECT_EQ(f.get("/v1/queue?domain=y.test").at("messages").as_array().size(), 0U);
    EXPECT_EQ(f.get("/v1/queue?domain=z.test").at("messages").as_array().size(), 1U);
    EXPECT_EQ(f.post("/v1/queue/retry?domain=y.test").at("messages").as_int64(), 0);
}

TEST(QueueAdmin, ActionsOnAFilterTakeAllThatMatch) {
    AdminFixture f;
    for (int i = 0; i < 600; ++i)
        f.send("a@x.test", {"b@" + std::string(i % 2 == 0 ? "y" : "z") + ".test"});
    f.world.run_for(1min);
    f.post("/v1/queue/remove", 400);  // not the whole queue by mistake
    auto const done = f.post("/v1/queue/remove?domain=y.test");
    EXPECT_EQ(done.at("messages").as_int64(), 300);
    EXPECT_TRUE(done.at("next").is_null());
    EXPECT_EQ(f.disk->envelopes.size(), 300U);
    EXPECT_EQ(f.post("/v1/queue/hold?all=true").at("messages").as_int64(), 300);
    EXPECT_TRUE(f.disk->due.empty());
    f.answer_now = accepted_outcome();
    EXPECT_EQ(f.post("/v1/queue/release?destination=mx:z.test").at("messages").as_int64(), 300);
    f.world.run_for(10s);
    EXPECT_EQ(f.deliverer->delivered, 300U);
    EXPECT_TRUE(f.disk->envelopes.empty());
    EXPECT_EQ(f.queue->stats().messages, 0U);
}

TEST(QueueAdmin, WhatACarrierHasIsLeftAlone) {
    AdminFixture f;
    f.answer_now = accepted_outcome();
    f.deliverer->job_time = 1min;
    auto const id = f.send("a@x.test", {"b@y.test"});
    f.world.run_for(1s);
    auto const done = f.post("/v1/queue/" + id.text() + "/remove");
    EXPECT_EQ(done.at("recipients").as_int64(), 0);
    EXPECT_EQ(done.at("in_flight").as_int64(), 1);
    f.world.run_for(2min);
    EXPECT_EQ(f.deliverer->delivered, 1U);
    EXPECT_TRUE(f.disk->envelopes.empty());
}

TEST(QueueAdmin, ReadyMailCanBeRemoved) {
    AdminFixture f;
    f.answer_now = accepted_outcome();
    f.settings.queue.connections_per_destination = 1;
    f.queue->reload(std::make_shared<Settings>(f.settings));
    f.deliverer->job_time = 1s;
    for (int i = 0; i < 20; ++i) f.send("a@x.test", {"b@y.test"});
    f.world.run_for(1500ms);
    auto const done = f.post("/v1/queue/remove?all=true");
    EXPECT_GE(done.at("recipients").as_int64(), 17);
    f.world.run_for(1min);
    EXPECT_LE(f.deliverer->delivered, 3U);
    EXPECT_TRUE(f.disk->envelopes.empty());
    EXPECT_EQ(f.queue->stats().ready, 0U);
    EXPECT_EQ(f.queue->stats().hot_content_bytes, 0U);
}

TEST(QueueAdmin, RefusesWhatItDoesNotUnderstand) {
    AdminFixture f;
    for (auto const* target : {"/v1/queue?state=odd", "/v1/queue?older_than=x", "/v1/queue?after=1",
                               "/v1/queue?limit=0", "/v1/queue?nonsense=1", "/v1/queue/%zz",
                               "nothing", "/v1/queue/not-an-id", "/v1/explain/%20", "/v1/explain"})
        f.get(target, 400);
    f.get("/v1/other", 404);
    f.get("/", 404);
    f.get("/v1/queue/a/b", 404);
    f.post("/v1/queue", 404);
    f.post("/v1/queue/burn?all=true", 404);
    f.post("/v1/explain/x", 404);
    f.ask_for("DELETE", "/v1/queue", 405);
    f.spool->fail_next(spool::MemSpool::Op::list, Errc::io_error);
    f.get("/v1/queue", 503);
}

TEST(QueueAdmin, DestinationsAndStats) {
    AdminFixture f;
    f.deliverer->down.insert("mx:dead.test");
    f.send("a@x.test", {"b@dead.test"});
    f.send("a@x.test", {"b@slow.test"});
    f.world.run_for(1s);
    auto const object = f.get("/v1/queue/destinations");
    auto const& array = object.at("destinations").as_array();
    ASSERT_EQ(array.size(), 2U);
    EXPECT_EQ(array[0].as_object().at("destination").as_string(), "mx:dead.test");
    EXPECT_TRUE(array[0].as_object().contains("backed_off_until"));
    EXPECT_FALSE(array[1].as_object().contains("backed_off_until"));
    EXPECT_TRUE(f.get("/v1/queue/stats").contains("commits"));
}

TEST(Explain, WaitingMessage) {
    AdminFixture f;
    auto const id = f.send("a@x.test", {"b@y.test"});
    f.world.run_for(1min);
    auto const text = f.story(id.text());
    EXPECT_THAT(text, HasSubstr("is in the queue"));
    EXPECT_THAT(text, HasSubstr("mail exchangers (MX) of y.test"));
    EXPECT_THAT(text, HasSubstr("452 4.2.2"));
    EXPECT_THAT(text, HasSubstr("The next attempt is at"));
    EXPECT_THAT(text, HasSubstr("in 4 minutes"));
    EXPECT_THAT(text, HasSubstr("given up at"));
}

TEST(Explain, MessageBehindADeadHost) {
    AdminFixture f;
    f.deliverer->down.insert("mx:dead.test");
    for (int i = 0; i < 5; ++i) f.send("a@x.test", {"b@dead.test"});
    auto const id = f.send("a@x.test", {"last@dead.test"});
    f.world.run_for(10s);
    auto const text = f.story(id.text());
    EXPECT_THAT(text, HasSubstr("waits for its destination"));
    EXPECT_THAT(text, HasSubstr("connection refused"));
    EXPECT_THAT(text, HasSubstr("is tried again, by one message"));
    EXPECT_THAT(text, HasSubstr("messages stand"));
}

TEST(Explain, FinishedMessageFromHistory) {
    AdminFixture f;
    f.answer_now = accepted_outcome();
    auto const id = f.send("a@x.test", {"b@y.test"});
    f.world.run_for(1min);
    auto const text = f.story(id.text());
    EXPECT_THAT(text, HasSubstr("is finished"));
    EXPECT_THAT(text, HasSubstr("Relayed for <b@y.test>"));
    f.get("/v1/explain/" + MessageId::make(f.world.wall(), 5, 5).text(), 404);
}

TEST(Explain, MessageBeingDelivered) {
    AdminFixture f;
    f.deliverer->job_time = 1min;
    auto const id = f.send("a@x.test", {"b@y.test"});
    f.world.run_for(1s);
    EXPECT_THAT(f.story(id.text()), HasSubstr("being delivered at this moment"));
}

TEST(Explain, Address) {
    AdminFixture f;
    f.send("a@x.test", {"b@y.test"});
    f.world.run_for(1min);
    auto const remote = f.story("b@y.test");
    EXPECT_THAT(remote, HasSubstr("goes now to the mail exchangers (MX) of y.test"));
    EXPECT_THAT(remote, HasSubstr("was deferred"));
    EXPECT_THAT(f.story("alice@dawk.test"), HasSubstr("into the Maildir mail/alice ("));
    EXPECT_THAT(f.story("nobody@dawk.test"), HasSubstr("550 5.1.1"));
    directory::Alias alias;
    alias.address = {"info", "dawk.test"};
    alias.targets = {{"alice", "dawk.test"}, {"away", "else.test"}};
    ASSERT_TRUE(f.ask(f.directory.add_alias(alias)));
    auto const info = f.story("info@dawk.test");
    EXPECT_THAT(info, HasSubstr("stands for <alice@dawk.test>"));
    EXPECT_THAT(info, HasSubstr("MX) of else.test"));
}

TEST(Explain, PeerTextCannotForgeLines) {
    AdminFixture f;
    f.answer_now.text = "go away\r\nMessage removed\x1b[2J";
    auto const id = f.send("a@x.test", {"b@y.test"});
    f.world.run_for(1min);
    auto const text = f.story(id.text());
    EXPECT_EQ(text.find('\r'), std::string::npos);
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
    EXPECT_EQ(text.find("\nMessage removed"), std::string::npos);
}

TEST(QueueFilter, Targets) {
    auto const target = parse_target("/v1/queue/a%2Fb?x=1+2&y=%26&z&x=3");
    ASSERT_TRUE(target);
    EXPECT_EQ(target->path, (std::vector<std::string>{"v1", "queue", "a/b"}));
    EXPECT_EQ(target->query.at("x"), "3");
    EXPECT_EQ(target->query.at("y"), "&");
    EXPECT_EQ(target->query.at("z"), "");
    for (auto const* bad : {"", "x", "/%", "/%4", "/%4g", "/a\nb", "/?%"})
        EXPECT_FALSE(parse_target(bad)) << bad;
    EXPECT_FALSE(parse_target('/' + std::string(9000, 'a')));
    std::string many = "/";
    for (int i = 0; i < 100; ++i) many += "a/";
    EXPECT_FALSE(parse_target(many));
}

TEST(QueueFilter, KnowsFromTheIdWhenAllThatFollowIsTooYoung) {
    auto const now = from_millis(1'800'000'000'000);
    auto const id = MessageId::make(now - 2h, 1, 2);
    QueueFilter filter;
    EXPECT_FALSE(filter.is_past(id, now));
    filter.older_than = 2h;
    EXPECT_FALSE(filter.is_past(id, now)) << "it may just be old enough";
    filter.older_than = 2h + 1ms;
    EXPECT_TRUE(filter.is_past(id, now));
}

TEST(QueueFilter, Ages) {
    EXPECT_EQ(parse_age("90"), Millis(90s));
    EXPECT_EQ(parse_age("90s"), Millis(90s));
    EXPECT_EQ(parse_age("15m"), Millis(15min));
    EXPECT_EQ(parse_age("4h"), Millis(4h));
    EXPECT_EQ(parse_age("2d"), Millis(48h));
    for (auto const* bad : {"", "m", "-1", "1w", "1.5h", "99999999999"})
        EXPECT_FALSE(parse_age(bad));
}

TEST(Words, Times) {
    EXPECT_EQ(utc(from_millis(0)), "1970-01-01T00:00:00Z");
    EXPECT_EQ(utc(from_millis(951'782'399'999)), "2000-02-28T23:59:59Z");
    EXPECT_EQ(say_duration(1s), "1 second");
    EXPECT_EQ(say_duration(119s), "119 seconds");
    EXPECT_EQ(say_duration(5min), "5 minutes");
    EXPECT_EQ(say_duration(3h), "3 hours");
    EXPECT_EQ(say_duration(120h), "5 days");
    EXPECT_THAT(say_when(from_millis(0), from_millis(120'000)), HasSubstr("(2 minutes ago)"));
    EXPECT_THAT(say_when(from_millis(120'000), from_millis(0)), HasSubstr("(in 2 minutes)"));
}

}  // namespace
}  // namespace dawk::mta
