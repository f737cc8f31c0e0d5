#include <gtest/gtest.h>

#include "dawk/http/request_reader.hpp"
#include "dawk/http/server.hpp"
#include "dawk/sim/network.hpp"

namespace dawk::http {
namespace {

using namespace std::chrono_literals;

TEST(RequestReader, AnyCutGivesTheSameRequests) {
    std::string const wire =
        "POST /v1/x?a=b HTTP/1.1\r\nHost: d\r\nContent-Length: 5\r\n\r\nhelloGET / "
        "HTTP/1.1\r\nHost: d\r\n\r\n";
    for (std::size_t cut = 0; cut <= wire.size(); ++cut) {
        RequestReader reader{Limits()};
        std::vector<rt::HttpRequest> got;
        for (auto const& piece : {wire.substr(0, cut), wire.substr(cut)}) {
            ASSERT_TRUE(reader.feed(piece)) << cut;
            while (reader.has_request()) {
                got.push_back(reader.take());
                ASSERT_TRUE(reader.feed(""));
            }
        }
        ASSERT_EQ(got.size(), 2U) << cut;
        EXPECT_EQ(got[0].method, "POST");
        EXPECT_EQ(got[0].target, "/v1/x?a=b");
        EXPECT_EQ(got[0].body, "hello");
        EXPECT_EQ(got[1].target, "/");
    }
}

TEST(RequestReader, RefusesTooMuchAndNonsense) {
    Limits limits;
    limits.header_bytes = 200;
    limits.body_bytes = 10;
    RequestReader nonsense(limits);
    EXPECT_FALSE(nonsense.feed("EHLO there\r\n\r\n"));
    EXPECT_EQ(nonsense.status(), 400U);
    RequestReader header(limits);
    EXPECT_FALSE(header.feed("GET / HTTP/1.1\r\nX: " + std::string(500, 'x')));
    EXPECT_EQ(header.status(), 431U);
    RequestReader body(limits);
    EXPECT_FALSE(body.feed("POST / HTTP/1.1\r\nHost: d\r\nContent-Length: 11\r\n\r\nhello world"));
    EXPECT_EQ(body.status(), 413U);
}

TEST(WriteResponse, NoHeaderCanBeSmuggledIn) {
    rt::HttpResponse response;
    response.headers = {{"X", "a\r\nSet-Cookie: b"}};
    EXPECT_EQ(write_response(response, true, false).find("\r\nSet-Cookie"), std::string::npos);
}

struct Fixture : ::testing::Test {
    sim::World world{3};
    sim::Internet internet{world};
    sim::Host host{internet, "a.test", {"192.0.2.1"}};
    rt::Env env = host.env();
    std::string answer;

    static Task<rt::HttpResponse> echo(rt::HttpRequest request) {
        rt::HttpResponse response;
        response.body = request.method + " " + request.target;
        co_return response;
    }
    Task<void> ask(std::string wire) {
        rt::ConnectTarget target;
        target.to = rt::Endpoint{"127.0.0.1", 80};
        target.deadline = world.steady() + 5s;
        auto stream = co_await host.connect(std::move(target));
        if (!stream) co_return;
        auto const sent = co_await (*stream)->write_all(wire);
        EXPECT_TRUE(sent);
        char buffer[512];
        for (;;) {
            auto const n = co_await (*stream)->read_some(buffer);
            if (!n) co_return;
            answer.append(buffer, *n);
        }
    }
};

TEST_F(Fixture, AnswersPipelinedRequestsAndStops) {
    Server server(env, echo, {});
    ASSERT_TRUE(server.listen("127.0.0.1:80"));
    rt::TaskGroup tasks(env.executor);
    tasks.spawn(
        ask("GET /one HTTP/1.1\r\nHost: d\r\n\r\nHEAD /two HTTP/1.1\r\nHost: d\r\n\r\nGET /three "
            "HTTP/1.1\r\nConnection: close\r\nHost: d\r\n\r\n"));
    world.run_for(10s);
    EXPECT_NE(answer.find("GET /one"), answer.npos);
    EXPECT_EQ(answer.find("HEAD /two"), answer.npos);
    EXPECT_TRUE(answer.ends_with("GET /three")) << answer;
    EXPECT_EQ(tasks.size(), 0U) << "closed as asked";
    tasks.spawn(ask("no http\r\n\r\n"));
    tasks.spawn(server.stop());
    world.run_for(10s);
    EXPECT_EQ(tasks.size(), 0U);
}

TEST_F(Fixture, AnIdleConnectionEnds) {
    Server server(env, echo, {});
    ASSERT_TRUE(server.listen("127.0.0.1:80"));
    rt::TaskGroup tasks(env.executor);
    tasks.spawn(ask("GET / HT"));
    world.run_for(1min);
    EXPECT_EQ(tasks.size(), 0U);
    tasks.spawn(server.stop());
    world.run_for(1s);
}

}  // namespace
}  // namespace dawk::http
