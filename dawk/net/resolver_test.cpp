#include "dawk/net/resolver.hpp"

#include <atomic>
#include <set>
#include <thread>

#include <poll.h>
#include <sys/socket.h>

#include "dawk/net/blocking_resolver.hpp"
#include "dawk/net/fd.hpp"
#include "dawk/net/net_test.hpp"
#include "dawk/net/resolver_engine.hpp"
#include "dawk/net/world.hpp"

namespace dawk::net::test {
namespace {

using namespace std::string_literals;
using dns::Status;
using dns::Type;

std::string wire(std::string const& name) {
    std::string out;
    std::size_t start = 0;
    while (start < name.size()) {
        auto const dot = std::min(name.find('.', start), name.size());
        out += static_cast<char>(dot - start);
        out += name.substr(start, dot - start);
        start = dot + 1;
    }
    return out + '\0';
}

// A name server on a local port, answering from a table; what is not in it does not exist. Names
// that begin with "silent" are never answered, with "broken" answered with SERVFAIL.
class Server {
  public:
    struct Record {
        std::string name;
        Type type;
        std::string data;
        unsigned ttl = 60;
    };
    std::vector<Record> records;
    std::atomic<int> asked{0};

    explicit Server(std::vector<Record> table) : records(std::move(table)) {
        sockaddr_in any{};
        any.sin_family = AF_INET;
        any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof(any);
        auto* const address = reinterpret_cast<sockaddr*>(&any);
        EXPECT_EQ(::bind(fd_.get(), address, size), 0);
        EXPECT_EQ(::getsockname(fd_.get(), address, &size), 0);
        port_ = ntohs(any.sin_port);
        thread_ = std::thread([this] { serve(); });
    }
    ~Server() {
        stop_ = true;
        thread_.join();
    }
    std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  private:
    void serve() {
        while (!stop_) {
            pollfd wait{fd_.get(), POLLIN, 0};
            if (::poll(&wait, 1, 5) <= 0) continue;
            char buffer[1500];
            sockaddr_storage peer{};
            socklen_t size = sizeof(peer);
            auto* const address = reinterpret_cast<sockaddr*>(&peer);
            auto const n = ::recvfrom(fd_.get(), buffer, sizeof(buffer), 0, address, &size);
            if (n < 12) continue;
            auto const reply = answer({buffer, static_cast<std::size_t>(n)});
            if (!reply.empty()) ::sendto(fd_.get(), reply.data(), reply.size(), 0, address, size);
        }
    }
    std::string answer(std::string const& query) {
        std::size_t at = 12;
        std::string name;
        while (query[at] != 0) {
            auto const size = static_cast<std::size_t>(query[at]);
            if (!name.empty()) name += '.';
            name += query.substr(at + 1, size);
            at += size + 1;
        }
        auto const type = static_cast<Type>(static_cast<unsigned char>(query[at + 2]));
        std::string const question = query.substr(12, at + 5 - 12);
        if (name.starts_with("silent")) return {};
        if (type != Type::ns && !name.empty()) ++asked;
        std::string body;
        unsigned char count = 0;
        bool exists = false;
        for (auto const& r : records) {
            if (r.name != name) continue;
            exists = true;
            if (r.type != type && r.type != Type::cname) continue;
            ++count;
            body += wire(r.name) + std::string{0, static_cast<char>(r.type), 0, 1};
            body += std::string{0, 0, static_cast<char>(r.ttl >> 8), static_cast<char>(r.ttl)};
            body += std::string{static_cast<char>(r.data.size() >> 8),
                                static_cast<char>(r.data.size())};
            body += r.data;
            if (r.type == Type::cname) name = "canonical.test";
        }
        char rcode = exists ? 0 : 3;
        if (name.starts_with("broken")) rcode = 2;
        return query.substr(0, 2) + "\x81"s + static_cast<char>(0x80 | rcode) + "\0\1\0"s +
               static_cast<char>(count) + "\0\0\0\0"s + question + body;
    }

    Fd fd_{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    std::uint16_t port_ = 0;
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

std::vector<Server::Record> table() {
    return {{"mx.test", Type::a, "\xc0\0\2\1"s},
            {"mx.test", Type::a, "\xc0\0\2\2"s},
            {"mail.test", Type::mx, "\0\12"s + wire("MX.test")},
            {"mail.test", Type::mx, "\0\24"s + wire("b.mx.test")},
            {"null.test", Type::mx, "\0\0\0"s},
            {"spf.test", Type::txt, "\6v=spf1\5 -all"s},
            {"1.0.0.127.in-addr.arpa", Type::ptr, wire("localhost.test")},
            {"1.2.3.10.in-addr.arpa", Type::ptr, wire("lan.test")},
            {"_25._tcp.mx.test", Type::tlsa, "\3\1\1digest"s},
            {"alias.test", Type::cname, wire("canonical.test")},
            {"canonical.test", Type::a, "\xc0\0\2\3"s},
            {"short.test", Type::a, "\xc0\0\2\4"s, 0},
            {"bad.test", Type::mx, "\0\12\5"s}};
}

ResolverSettings settings(Server const& server) {
    ResolverSettings s;
    s.forwarders = {server.address()};
    s.trust_anchor_file.clear();
    return s;
}

struct DnsKit : Kit {
    Server server{table()};
    UnboundResolver resolver{io, make_resolver_engine(settings(server))};

    static Task<void> go(DnsKit& kit, dns::Question question, Duration limit, dns::Answer& out) {
        auto const deadline = kit.in(limit);
        out = co_await kit.resolver.query(question, deadline);
    }
    dns::Answer ask(std::string name, Type type, Duration limit = 10s) {
        dns::Answer out;
        run(go(*this, {std::move(name), type}, limit, out));
        return out;
    }
};

TEST(Resolver, AnswersEveryTypeThatMailNeeds) {
    DnsKit kit;
    auto const a = kit.ask("mx.test", Type::a);
    EXPECT_EQ(a.status, Status::ok) << a.error_detail;
    EXPECT_EQ(a.canonical_name, "mx.test");
    EXPECT_EQ(std::set<std::string>(a.addresses.begin(), a.addresses.end()),
              (std::set<std::string>{"192.0.2.1", "192.0.2.2"}));
    EXPECT_FALSE(a.secure);
    EXPECT_GT(a.ttl_seconds, 0U);
    EXPECT_LE(a.ttl_seconds, 60U);
    auto const mx = kit.ask("mail.test", Type::mx);
    ASSERT_EQ(mx.mx.size(), 2U);
    EXPECT_EQ(std::min(mx.mx[0], mx.mx[1]), (dns::Mx{10, "mx.test"}));
    auto const null = kit.ask("null.test", Type::mx);
    ASSERT_EQ(null.mx.size(), 1U);
    EXPECT_EQ(null.mx[0], (dns::Mx{0, ""}));
    EXPECT_EQ(kit.ask("spf.test", Type::txt).texts.at(0), "v=spf1 -all");
    EXPECT_EQ(kit.ask("_25._tcp.mx.test", Type::tlsa).tlsa.at(0).data, "digest");
}

TEST(Resolver, AsksTheForwarderForPrivateReverseNamesToo) {
    DnsKit kit;
    EXPECT_EQ(kit.ask("1.0.0.127.in-addr.arpa", Type::ptr).names.at(0), "localhost.test");
    EXPECT_EQ(kit.ask("1.2.3.10.in-addr.arpa", Type::ptr).names.at(0), "lan.test");
}

TEST(Resolver, FollowsAliasesAndSaysWhereTheyEnd) {
    DnsKit kit;
    auto const a = kit.ask("alias.test", Type::a);
    EXPECT_EQ(a.status, Status::ok);
    EXPECT_EQ(a.canonical_name, "canonical.test");
    EXPECT_EQ(a.addresses.at(0), "192.0.2.3");
}

TEST(Resolver, TellsAbsenceFromFailure) {  // RFC 2308
    DnsKit kit;
    EXPECT_EQ(kit.ask("nothing.test", Type::a).status, Status::nxdomain);
    EXPECT_EQ(kit.ask("mx.test", Type::mx).status, Status::no_data);
    auto const broken = kit.ask("broken.test", Type::a);
    EXPECT_EQ(broken.status, Status::servfail);
    EXPECT_FALSE(broken.error_detail.empty());
    EXPECT_TRUE(kit.ask("bad.test", Type::mx).temporary());
}

TEST(Resolver, TellsTheSecurityOfAnAnswer) {  // RFC 4035 §4.3
    char address[] = {'\xc0', 0, 2, 1};
    char* data[] = {address, nullptr};
    int length[] = {4, 0};
    char canonical[] = "MX.test.";
    char why[] = "signature\nexpired";
    ub_result result{};
    result.data = data;
    result.len = length;
    result.canonname = canonical;
    result.havedata = 1;
    result.secure = 1;
    result.ttl = 30;
    dns::Question const question{"alias.test", Type::a};
    auto const secure = to_answer(question, result);
    EXPECT_EQ(secure.status, Status::ok);
    EXPECT_TRUE(secure.secure);
    EXPECT_EQ(secure.canonical_name, "mx.test");
    EXPECT_EQ(secure.ttl_seconds, 30U);
    result.bogus = 1;
    result.why_bogus = why;
    auto const bogus = to_answer(question, result);
    EXPECT_EQ(bogus.status, Status::bogus);
    EXPECT_FALSE(bogus.secure);
    EXPECT_TRUE(bogus.addresses.empty());
    EXPECT_EQ(bogus.error_detail, "signature\\x0aexpired");
    result = {};
    result.nxdomain = 1;
    result.rcode = 3;
    result.secure = 1;
    EXPECT_EQ(to_answer(question, result).status, Status::nxdomain);
    EXPECT_TRUE(to_answer(question, result).secure);
}

TEST(Resolver, NeverOutlastsItsDeadline) {
    DnsKit kit;
    auto const answer = kit.ask("silent.test", Type::a, 20ms);
    EXPECT_EQ(answer.status, Status::timeout);
    EXPECT_EQ(kit.resolver.counts().timeouts, 1U);
}

TEST(Resolver, WhatIsNoNameDoesNotExist) {
    DnsKit kit;
    for (std::string const& name :
         {std::string(64, 'a') + ".test", std::string("a..test"), std::string(".test"),
          std::string("a\0b.test", 8), std::string("test.")}) {
        EXPECT_EQ(kit.ask(name, Type::a).status, Status::nxdomain) << name;
    }
    EXPECT_EQ(kit.server.asked, 0);
}

TEST(Resolver, RemembersForTheTimeToLive) {
    DnsKit kit;
    (void)kit.ask("mx.test", Type::a);
    auto const again = kit.ask("mx.test", Type::a);
    EXPECT_EQ(again.addresses.size(), 2U);
    EXPECT_EQ(kit.resolver.counts().asked, 1U);
    EXPECT_EQ(kit.resolver.counts().cached, 1U);
    (void)kit.ask("short.test", Type::a);
    (void)kit.ask("short.test", Type::a);
    EXPECT_EQ(kit.resolver.counts().asked, 3U);  // its time to live is nothing
}

TEST(Resolver, AsksOnceWhatManyAskAtOnce) {
    DnsKit kit;
    std::vector<dns::Answer> answers(50);
    for (auto& answer : answers) {
        kit.tasks.spawn(DnsKit::go(kit, {"mx.test", Type::a}, 10s, answer));
    }
    kit.run();
    for (auto const& answer : answers) EXPECT_EQ(answer.addresses.size(), 2U);
    EXPECT_EQ(kit.resolver.counts().asked, 1U);
    EXPECT_EQ(kit.resolver.counts().shared, 49U);
}

TEST(Resolver, CanceledQuestionsUnwindAndMayEndWithTheirShard) {
    dns::Answer answer;
    DnsKit kit;
    kit.tasks.spawn(DnsKit::go(kit, {"silent.test", Type::a}, 1h, answer));
    kit.io.poll();
    EXPECT_EQ(kit.tasks.size(), 1U);
    kit.tasks.cancel();
    kit.run();
    EXPECT_EQ(answer.status, Status::servfail);  // as it was: never assigned
}

TEST(Resolver, BadSettingsAreToldAndNeverLookLikeAbsence) {
    ResolverSettings bad;
    bad.forwarders = {"dns.example"};
    auto const engine = make_resolver_engine(bad);
    EXPECT_NE(resolver_trouble(*engine).find("dns.example"), std::string::npos);
    Server server{table()};
    EXPECT_EQ(resolver_trouble(*make_resolver_engine(settings(server))), "");
    for (auto const* good :
         {"192.0.2.53", "2001:db8::53", "[2001:db8::53]", "[2001:db8::53]:5353"}) {
        ResolverSettings s;
        s.forwarders = {good};
        EXPECT_EQ(resolver_trouble(*make_resolver_engine(s)), "") << good;
    }
    World world({1, 1, "test", bad});
    rt::TaskGroup tasks(world.env(0).executor);
    struct Ask {
        static Task<void> go(rt::Env env) {
            dns::Question const question{"mx.test", Type::a};
            auto const deadline = env.clock.steady() + 10s;
            auto const answer = co_await env.resolver.query(question, deadline);
            EXPECT_EQ(answer.status, Status::servfail);
            EXPECT_NE(answer.error_detail.find("dns.example"), std::string::npos);
        }
    };
    tasks.spawn(Ask::go(world.env(0)));
    world.run_here();
    EXPECT_EQ(tasks.size(), 0U);
}

// Two shards, real threads: each finds itself on its own, and they hand values to each other.
struct Meeting {
    explicit Meeting(rt::Env world) : env(world) {}
    rt::Env env;
    std::thread::id here;
    rt::TaskGroup tasks{env.executor};
    dns::Answer answer;
    bool worked = false;

    Task<void> go() {
        here = std::this_thread::get_id();
        dns::Question const question{"mx.test", Type::a};
        auto const deadline = env.clock.steady() + 10s;
        answer = co_await env.resolver.query(question, deadline);
        EXPECT_EQ(std::this_thread::get_id(), here);
        auto job = [this] { return std::this_thread::get_id() != here; };
        worked = co_await rt::offload(env.pool, job);
        EXPECT_EQ(std::this_thread::get_id(), here);
        auto const soon = env.clock.steady() + 1ms;
        co_await env.clock.sleep_until(soon);
    }
};

TEST(World, RunsShardsOnTheirOwnThreadsToTheirEnd) {
    Server server{table()};
    WorldSettings s;
    s.shards = 2;
    s.resolver = settings(server);
    World world(s);
    ASSERT_EQ(world.size(), 2U);
    Meeting a{world.env(0)};
    Meeting b{world.env(1)};
    a.tasks.spawn(a.go());
    b.tasks.spawn(b.go());
    world.start();
    world.join();
    EXPECT_EQ(a.tasks.size() + b.tasks.size(), 0U);
    EXPECT_NE(a.here, b.here);
    EXPECT_NE(a.here, std::this_thread::get_id());
    for (auto const* m : {&a, &b}) {
        EXPECT_EQ(m->answer.addresses.size(), 2U);
        EXPECT_TRUE(m->worked);
    }
    EXPECT_NE(a.env.rng.next(), b.env.rng.next());
    EXPECT_GT(to_millis(a.env.clock.wall()), 1700000000000);
}

TEST(BlockingResolver, AsksAndWaits) {
    Server server{table()};
    BlockingResolver resolver(settings(server), 10s);
    EXPECT_EQ(resolver.query({"spf.test", Type::txt}).texts.at(0), "v=spf1 -all");
    EXPECT_EQ(resolver.query({"nothing.test", Type::a}).status, Status::nxdomain);
    EXPECT_EQ(resolver.query({"mx.test", Type::a}).addresses.size(), 2U);
}

}  // namespace
}  // namespace dawk::net::test
