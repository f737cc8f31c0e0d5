#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dawk/net/fd.hpp"
#include "dawk/net/net_test.hpp"

namespace dawk::net::test {
namespace {

Task<void> talk(Kit& kit, rt::Listener& listener) {
    auto pair = co_await kit.connect_pair(listener);
    auto const wrote = co_await pair.server->write_all("220 hello\r\n");
    EXPECT_TRUE(wrote) << wrote.error().message();
    auto const greeting = co_await read_exactly(*pair.client, 11);
    EXPECT_EQ(*greeting, "220 hello\r\n");
    std::vector<std::string_view> const pieces{"MAIL", "", " FROM:", "<>", "\r\n"};
    auto const gathered = co_await pair.client->write_all(pieces);
    EXPECT_TRUE(gathered);
    auto const line = co_await read_exactly(*pair.server, 14);
    EXPECT_EQ(*line, "MAIL FROM:<>\r\n");
    EXPECT_EQ(pair.server->tls(), nullptr);
    co_await pair.client->shutdown();
    char byte = 0;
    auto const end = co_await pair.server->read_some({&byte, 1});
    EXPECT_EQ(end.error(), Errc::closed);
}

Task<void> know_ends(Kit& kit, rt::Listener& listener, std::string address) {
    auto pair = co_await kit.connect_pair(listener);
    EXPECT_EQ(pair.server->remote().address, address);
    EXPECT_EQ(pair.server->remote().port, pair.client->local().port);
    EXPECT_EQ(pair.client->remote(), listener.local());
    EXPECT_EQ(pair.server->local(), listener.local());
    EXPECT_FALSE(pair.server->peer_uid());
}

TEST(Socket, CarriesOctetsOverTcp) {
    Kit kit;
    for (auto const* address : {"127.0.0.1:0", "[::1]:0"}) {
        auto const listener = kit.listen(address);
        kit.run(talk(kit, *listener));
    }
}

TEST(Socket, KnowsWhetherThereIsInputWithoutTakingIt) {
    Kit kit;
    auto const listener = kit.listen();
    auto const talk = [](Kit& k, rt::Listener& at) -> Task<void> {
        auto pair = co_await k.connect_pair(at);
        EXPECT_FALSE(pair.server->has_input());
        auto const sent = co_await pair.client->write_all("x");
        EXPECT_TRUE(sent);
        while (!pair.server->has_input()) co_await k.turn();
        pair.server->expires_at(k.in(10s));
        auto const got = co_await read_exactly(*pair.server, 1);
        EXPECT_EQ(got.value(), "x");
        EXPECT_FALSE(pair.server->has_input());
        pair.server->close();
        EXPECT_FALSE(pair.server->has_input());
    };
    kit.run(talk(kit, *listener));
}

TEST(Socket, InterfacesHaveAddressesButLoopback) {
    Kit kit;
    for (auto const& address : kit.network.local_addresses()) {
        EXPECT_TRUE(rt::parse_endpoint(rt::Endpoint{address, 25}.text())) << address;
        EXPECT_NE(address, "127.0.0.1");
        EXPECT_NE(address, "::1");
    }
}

TEST(Socket, KnowsBothEnds) {
    Kit kit;
    auto const v4 = kit.listen("127.0.0.1:0");
    kit.run(know_ends(kit, *v4, "127.0.0.1"));
    auto const v6 = kit.listen("[::1]:0");
    kit.run(know_ends(kit, *v6, "::1"));
}

Task<void> know_user(Kit& kit, rt::Listener& listener) {
    auto pair = co_await kit.connect_pair(listener);
    EXPECT_TRUE(pair.server->remote().is_unix());
    EXPECT_EQ(pair.server->peer_uid(), ::getuid());
    EXPECT_EQ(pair.server->local(), listener.local());
}

TEST(Socket, CarriesOctetsOverUnixSocketsAndKnowsTheUser) {
    Kit kit;
    TemporaryFolder const folder;
    auto const path = folder.path + "/s";
    auto const listener = kit.listen("unix:" + path);
    ASSERT_TRUE(listener);
    EXPECT_EQ(listener->local().text(), "unix:" + path);
    kit.run(talk(kit, *listener));
    kit.run(know_user(kit, *listener));
    EXPECT_TRUE(std::filesystem::exists(path));
    listener->close();
    EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(Socket, UnixSocketOfACrashIsReplacedButNothingElse) {
    Kit kit;
    TemporaryFolder const folder;
    auto const path = folder.path + "/s";
    {
        Fd const dead(::socket(AF_UNIX, SOCK_STREAM, 0));
        sockaddr_un address{AF_UNIX, {}};
        path.copy(address.sun_path, sizeof(address.sun_path) - 1);
        ASSERT_EQ(::bind(dead.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
        ASSERT_EQ(::listen(dead.get(), 1), 0);
    }
    ASSERT_TRUE(std::filesystem::exists(path));
    auto const listener = kit.listen("unix:" + path);
    ASSERT_TRUE(listener);
    kit.run(talk(kit, *listener));
    // One that is alive keeps its place ...
    EXPECT_EQ(kit.network.listen("unix:" + path, false).error(), Errc::exists);
    EXPECT_TRUE(std::filesystem::is_socket(path));
    // ... and so does what is no socket.
    auto const file = folder.path + "/file";
    Fd const plain(::open(file.c_str(), O_CREAT | O_WRONLY, 0600));
    EXPECT_EQ(kit.network.listen("unix:" + file, false).error(), Errc::exists);
    EXPECT_TRUE(std::filesystem::is_regular_file(file));
}

TEST(Socket, ShardsShareOneUnixSocket) {
    auto const shared = make_network_shared();
    Kit kit;
    Network first(kit.io, shared);
    Network second(kit.io, shared);
    TemporaryFolder const folder;
    auto const address = "unix:" + folder.path + "/s";
    auto a = first.listen(address, true);
    auto b = second.listen(address, true);
    ASSERT_TRUE(a);
    ASSERT_TRUE(b);
    (*a)->close();
    kit.run(talk(kit, **b));
    (*b)->close();
    EXPECT_FALSE(std::filesystem::exists(folder.path + "/s"));
    auto again = first.listen(address, true);
    ASSERT_TRUE(again);
    kit.run(talk(kit, **again));
}

TEST(Socket, ReusedPortIsSharedOnlyWhenAskedFor) {
    Kit kit;
    auto first = kit.network.listen("127.0.0.1:0", true);
    ASSERT_TRUE(first);
    auto const address = (*first)->local().text();
    EXPECT_TRUE(kit.network.listen(address, true));
    EXPECT_EQ(kit.network.listen(address, false).error(), Errc::exists);
}

TEST(Socket, IPv6WildcardLeavesIPv4Alone) {
    Kit kit;
    auto const six = kit.listen("[::]:0");
    ASSERT_TRUE(six);
    auto const port = std::to_string(six->local().port);
    EXPECT_TRUE(kit.network.listen("0.0.0.0:" + port, false));
}

TEST(Socket, RefusesBadListenAddresses) {
    Kit kit;
    EXPECT_EQ(kit.network.listen("localhost:25", false).error(), Errc::bad_syntax);
    EXPECT_EQ(kit.network.listen("unix:relative", false).error(), Errc::bad_syntax);
    EXPECT_EQ(kit.network.listen("systemd:smtp", false).error(), Errc::not_found);
    EXPECT_FALSE(kit.network.listen("192.0.2.1:0", false));  // not ours
}

ErrorCode system_error(int error) {
    return {error, boost::system::system_category()};
}

Task<void> connect_fails(Kit& kit, rt::ConnectTarget target, ErrorCode expected) {
    auto const stream = co_await kit.network.connect(target);
    EXPECT_EQ(stream ? ErrorCode() : stream.error(), expected);
}

TEST(Connect, TellsWhyItFailed) {
    Kit kit;
    auto const listener = kit.listen();
    auto const gone = kit.to(*listener);
    listener->close();
    auto const refused = system_error(ECONNREFUSED);
    kit.run(connect_fails(kit, gone, refused));
    kit.run(connect_fails(kit, {{"not an address", 25}, "", kit.in(1s)}, Errc::bad_syntax));
    kit.run(connect_fails(kit, {{"unix:/nonexistent/s", 0}, "", kit.in(1s)}, system_error(ENOENT)));
    auto target = gone;
    target.source_address = "::1";
    kit.run(connect_fails(kit, target, Errc::unsupported));
    target.source_address = "192.0.2.1";
    kit.run(connect_fails(kit, target, system_error(EADDRNOTAVAIL)));
}

Task<void> connect_from(Kit& kit, rt::Listener& listener) {
    auto target = kit.to(listener);
    target.source_address = "127.0.0.77";
    auto client = co_await kit.network.connect(target);
    EXPECT_TRUE(client);
    auto server = co_await listener.accept();
    EXPECT_EQ((*server)->remote().address, "127.0.0.77");
}

TEST(Connect, ComesFromTheSourceAddress) {
    Kit kit;
    auto const listener = kit.listen();
    kit.run(connect_from(kit, *listener));
}

TEST(Connect, GivesUpAtTheDeadline) {
    // A backlog that is full never answers: Linux drops further SYNs.
    Kit kit;
    Fd const full(::socket(AF_INET, SOCK_STREAM, 0));
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(any);
    auto* const address = reinterpret_cast<sockaddr*>(&any);
    ASSERT_EQ(::bind(full.get(), address, size), 0);
    ASSERT_EQ(::listen(full.get(), 0), 0);
    ASSERT_EQ(::getsockname(full.get(), address, &size), 0);
    std::vector<Fd> fillers;
    for (int i = 0; i < 3; ++i) {
        fillers.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
        (void)::connect(fillers.back().get(), address, size);
    }
    kit.run(connect_fails(kit, {{"127.0.0.1", ntohs(any.sin_port)}, "", kit.in(50ms)},
                          Errc::timed_out));
}

Task<void> expire(Kit& kit, rt::Listener& listener) {
    auto pair = co_await kit.connect_pair(listener);
    char byte = 0;
    pair.server->expires_at(kit.in(20ms));
    auto const late = co_await pair.server->read_some({&byte, 1});
    EXPECT_EQ(late.error(), Errc::timed_out);
    auto const still = co_await pair.server->read_some({&byte, 1});
    EXPECT_EQ(still.error(), Errc::timed_out);
    auto const no_write = co_await pair.server->write_all("x");
    EXPECT_EQ(no_write.error(), Errc::timed_out);
    // Moved, the connection works again: the last reply can be said.
    pair.server->expires_at(kit.in(10s));
    auto const bye = co_await pair.server->write_all("421 bye\r\n");
    EXPECT_TRUE(bye);
    auto const heard = co_await read_exactly(*pair.client, 9);
    EXPECT_EQ(*heard, "421 bye\r\n");
    pair.server->expires_at(kit.in(-1s));
    auto const past = co_await pair.server->read_some({&byte, 1});
    EXPECT_EQ(past.error(), Errc::timed_out);
}

TEST(Deadline, EndsWaitsAndIsTakenBackByMovingIt) {
    Kit kit;
    auto const listener = kit.listen();
    kit.run(expire(kit, *listener));
}

Task<void> expect_timeout(rt::Stream& stream, int& order, int place) {
    char byte = 0;
    auto const r = co_await stream.read_some({&byte, 1});
    EXPECT_EQ(r.error(), Errc::timed_out);
    EXPECT_EQ(order++, place);
}

Task<void> many_deadlines(Kit& kit, rt::Listener& listener) {
    std::vector<Pair> pairs;
    for (int i = 0; i < 5; ++i) {
        auto pair = co_await kit.connect_pair(listener);
        pairs.push_back(std::move(pair));
    }
    int order = 0;
    rt::TaskGroup group(kit.io.get_executor());
    int const places[] = {3, 0, 4, 2, 1};
    for (std::size_t i = 0; i < 5; ++i) {
        pairs[i].server->expires_at(kit.in(1h));
        group.spawn(expect_timeout(*pairs[i].server, order, places[i]));
    }
    co_await kit.turn();
    // Nearer ones while they wait already need no new operation ... for those that start after.
    group.cancel();
    co_await group.join();
    for (std::size_t i = 0; i < 5; ++i) {
        pairs[i].server->expires_at(kit.in(10ms * (places[i] + 1)));
        group.spawn(expect_timeout(*pairs[i].server, order, places[i]));
    }
    co_await group.join();
    EXPECT_EQ(order, 5);
}

TEST(Deadline, ManyEndInTheirOrder) {
    Kit kit;
    auto const listener = kit.listen();
    kit.run(many_deadlines(kit, *listener));
}

Task<void> write_expecting(rt::Stream& stream, std::string const& bytes, bool& done) {
    auto const r = co_await stream.write_all(bytes);
    EXPECT_TRUE(r);
    done = true;
}

Task<void> slow_reader(Kit& kit, rt::Listener& listener) {
    auto pair = co_await kit.connect_pair(listener);
    std::string big(32 << 20, 'x');
    for (std::size_t i = 0; i < big.size(); i += 997) big[i] = static_cast<char>('a' + i % 26);
    bool done = false;
    rt::TaskGroup writer(kit.io.get_executor());
    writer.spawn(write_expecting(*pair.server, big, done));
    co_await kit.turn();
    EXPECT_FALSE(done);  // more than any socket buffer
    auto const all = co_await read_exactly(*pair.client, big.size());
    EXPECT_TRUE(*all == big);
    co_await writer.join();
    EXPECT_TRUE(done);
}

TEST(Socket, HugeWriteWaitsForASlowReader) {
    Kit kit;
    auto const listener = kit.listen();
    kit.run(slow_reader(kit, *listener));
}

Task<void> gather_many(Kit& kit, rt::Listener& listener) {
    auto pair = co_await kit.connect_pair(listener);
    std::vector<std::string> parts;
    std::string whole;
    for (int i = 0; i < 1000; ++i) {
        parts.push_back(
            std::string(static_cast<std::size_t>(i % 7) * 100, static_cast<char>('a' + i % 26)));
        whole += parts.back();
    }
    std::vector<std::string_view> const pieces(parts.begin(), parts.end());
    bool done = false;
    rt::TaskGroup writer(kit.io.get_executor());
    struct Write {
        static Task<void> go(rt::Stream& s, std::span<std::string_view const> p, bool& d) {
            auto const r = co_await s.write_all(p);
            EXPECT_TRUE(r);
            d = true;
        }
    };
    writer.spawn(Write::go(*pair.server, pieces, done));
    auto const all = co_await read_exactly(*pair.client, whole.size());
    EXPECT_TRUE(*all == whole);
    co_await writer.join();
}

TEST(Socket, GathersMorePiecesThanOneCallTakes) {
    Kit kit;
    auto const listener = kit.listen();
    kit.run(gather_many(kit, *listener));
}

Task<void> stuck_writer(Kit& kit, rt::Listener& listener) {
    auto pair = co_await kit.connect_pair(listener);
    std::string const big(32 << 20, 'x');
    pair.server->expires_at(kit.in(30ms));
    auto const r = co_await pair.server->write_all(big);
    EXPECT_EQ(r.error(), Errc::timed_out);
}

TEST(Deadline, EndsAWriteThatNobodyReads) {
    Kit kit;
    auto const listener = kit.listen();
    kit.run(stuck_writer(kit, *listener));
}

Task<void> read_expecting(rt::Stream& stream, ErrorCode expected, bool& done) {
    char byte = 0;
    auto const r = co_await stream.read_some({&byte, 1});
    EXPECT_EQ(r.error(), expected);
    done = true;
}

Task<void> close_while_reading(Kit& kit, rt::Listener& listener) {
    auto pair = co_await kit.connect_pair(listener);
    bool done = false;
    rt::TaskGroup reader(kit.io.get_executor());
    reader.spawn(read_expecting(*pair.server, Errc::closed, done));
    co_await kit.turn();
    pair.server->close();
    co_await reader.join();
    EXPECT_TRUE(done);
    auto const after = co_await pair.server->write_all("x");
    EXPECT_EQ(after.error(), Errc::closed);
}

TEST(Socket, CloseEndsAPendingRead) {
    Kit kit;
    auto const listener = kit.listen();
    kit.run(close_while_reading(kit, *listener));
}

Task<void> half_close(Kit& kit, rt::Listener& listener) {
    Fd const client(::socket(AF_INET, SOCK_STREAM, 0));
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons(listener.local().port);
    EXPECT_EQ(::connect(client.get(), reinterpret_cast<sockaddr*>(&to), sizeof(to)), 0);
    EXPECT_EQ(::send(client.get(), "QUIT\r\n", 6, 0), 6);
    ::shutdown(client.get(), SHUT_WR);
    auto server = co_await listener.accept();
    auto const line = co_await read_exactly(**server, 6);
    EXPECT_EQ(*line, "QUIT\r\n");
    char byte = 0;
    auto const end = co_await (*server)->read_some({&byte, 1});
    EXPECT_EQ(end.error(), Errc::closed);
    auto const reply = co_await (*server)->write_all("221 bye\r\n");
    EXPECT_TRUE(reply);
    co_await (*server)->shutdown();
    char heard[16] = {};
    EXPECT_EQ(::recv(client.get(), heard, sizeof(heard), 0), 9);
    EXPECT_EQ(::recv(client.get(), heard, sizeof(heard), 0), 0);
    (void)kit;
}

TEST(Socket, AnswersAPeerThatHasSaidItsLast) {
    Kit kit;
    auto const listener = kit.listen();
    kit.run(half_close(kit, *listener));
}

Task<void> last_reply(Kit& kit, rt::Listener& listener) {
    auto pair = co_await kit.connect_pair(listener);
    std::string const chatter(20000, 'x');
    auto const talked = co_await pair.client->write_all(chatter);
    EXPECT_TRUE(talked);
    auto const reply = co_await pair.server->write_all("554 go away\r\n");
    EXPECT_TRUE(reply);
    co_await pair.server->shutdown();
    auto const heard = co_await read_exactly(*pair.client, 13);
    EXPECT_TRUE(heard);
    char byte = 0;
    auto const end = co_await pair.client->read_some({&byte, 1});
    EXPECT_EQ(end.error(), Errc::closed);  // and not a reset
}

TEST(Socket, ShutdownDoesNotResetOverUnreadInput) {
    Kit kit;
    auto const listener = kit.listen();
    kit.run(last_reply(kit, *listener));
}

Task<void> read_forever(rt::Stream& stream, bool& returned) {
    char byte = 0;
    (void)co_await stream.read_some({&byte, 1});
    returned = true;
}

Task<void> accept_forever(rt::Listener& listener, bool& returned) {
    (void)co_await listener.accept();
    returned = true;
}

Task<void> cancel_tasks(Kit& kit, rt::Listener& listener) {
    auto pair = co_await kit.connect_pair(listener);
    bool returned = false;
    rt::TaskGroup group(kit.io.get_executor());
    group.spawn(read_forever(*pair.server, returned));
    group.spawn(accept_forever(listener, returned));
    co_await kit.turn();
    co_await kit.turn();
    EXPECT_EQ(group.size(), 2U);
    group.cancel();
    co_await group.join();
    EXPECT_FALSE(returned);  // they unwound
    EXPECT_EQ(group.failed(), 0U);
    // The stream itself is well.
    auto const wrote = co_await pair.client->write_all("x");
    EXPECT_TRUE(wrote);
    auto const got = co_await read_exactly(*pair.server, 1);
    EXPECT_EQ(*got, "x");
}

TEST(Socket, CanceledTasksUnwindAtTheirAwait) {
    Kit kit;
    auto const listener = kit.listen();
    kit.run(cancel_tasks(kit, *listener));
}

Task<void> accept_until_closed(rt::Listener& listener, int& accepted) {
    for (;;) {
        auto const stream = co_await listener.accept();
        if (!stream) {
            EXPECT_EQ(stream.error(), Errc::closed);
            co_return;
        }
        ++accepted;
    }
}

TEST(Listener, CloseEndsAccept) {
    Kit kit;
    auto const listener = kit.listen();
    int accepted = 0;
    kit.tasks.spawn(accept_until_closed(*listener, accepted));
    kit.io.poll();
    listener->close();
    kit.run();
}

// Takes all descriptors there are, and gives them back.
struct NoDescriptors {
    rlimit before{};
    std::vector<Fd> taken;
    NoDescriptors() {
        ::getrlimit(RLIMIT_NOFILE, &before);
        rlimit const few{std::min<rlim_t>(before.rlim_cur, 256), before.rlim_max};
        ::setrlimit(RLIMIT_NOFILE, &few);
        for (;;) {
            Fd fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
            if (!fd) break;
            taken.push_back(std::move(fd));
        }
    }
    ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before); }
};

Task<void> starve(Kit& kit, rt::Listener& listener, int& accepted) {
    auto const target = kit.to(listener);
    auto client = co_await kit.network.connect(target);
    EXPECT_TRUE(client);
    NoDescriptors starved;
    rt::TaskGroup group(kit.io.get_executor());
    group.spawn(accept_until_closed(listener, accepted));
    auto const refused = co_await kit.network.connect(target);
    EXPECT_EQ(refused.error(), Errc::unavailable);
    co_await kit.clock.sleep_until(kit.in(30ms));  // time to run into the limit more than once
    EXPECT_EQ(accepted, 0);
    starved.taken.clear();
    while (accepted == 0) co_await kit.clock.sleep_until(kit.in(1ms));
    EXPECT_EQ(accepted, 1);
    listener.close();
    co_await group.join();
}

TEST(Listener, WaitsWhileThereAreNoDescriptors) {
    Kit kit;
    auto const listener = kit.listen();
    int accepted = 0;
    kit.run(starve(kit, *listener, accepted));
}

}  // namespace
}  // namespace dawk::net::test
