// What a stream costs: one line there and one back, on one thread, both ends through dawk/net; a
// plain loop of send and recv on the same socket pair for comparison; and what idle connections
// hold.
#include <filesystem>

#include <benchmark/benchmark.h>
#include <boost/asio/io_context.hpp>
#include <malloc.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "dawk/net/network.hpp"
#include "dawk/net/tls.hpp"
#include "dawk/rt/task_group.hpp"

namespace dawk::net {
namespace {

using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;

std::shared_ptr<rt::TlsIdentity const> make_identity(rt::Network& network) {
    std::string folder = "/tmp/dawk-bench-XXXXXX";
    if (::mkdtemp(folder.data()) == nullptr) std::abort();
    Key const key(EVP_EC_gen("P-256"));
    Certificate const made(X509_new());
    X509_set_version(made.get(), 2);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), 0);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), 3600);
    X509_set_pubkey(made.get(), key.get());
    X509_sign(made.get(), key.get(), EVP_sha256());
    FILE* out = std::fopen((folder + "/c").c_str(), "w");
    PEM_write_X509(out, made.get());
    PEM_write_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(out);
    auto identity = network.load_identity(folder + "/c", folder + "/c");
    std::filesystem::remove_all(folder);
    return *identity;
}

struct Rig {
    boost::asio::io_context io{1};
    Network network{io, make_network_shared()};
    rt::TaskGroup tasks{io.get_executor()};
    std::unique_ptr<rt::Listener> listener = std::move(*network.listen("127.0.0.1:0", false));
    std::unique_ptr<rt::Stream> server, client;

    SteadyTime soon() const { return std::chrono::steady_clock::now() + std::chrono::minutes(5); }
    void run() {
        io.restart();
        while (tasks.size() > 0) io.run_one();
    }
    Task<void> accept(std::shared_ptr<rt::TlsIdentity const> identity) {
        auto plain = co_await listener->accept();
        if (!identity) {
            server = std::move(*plain);
            co_return;
        }
        auto tls = co_await network.tls_accept(std::move(*plain), identity);
        server = std::move(*tls);
    }
    Task<void> connect(bool encrypted) {
        rt::ConnectTarget const target{listener->local(), "", soon()};
        auto plain = co_await network.connect(target);
        client = std::move(*plain);
        if (!encrypted) co_return;
        rt::TlsClientPolicy const policy;
        auto tls = co_await network.tls_connect(std::move(client), policy);
        client = std::move(*tls);
    }
    void pair(std::shared_ptr<rt::TlsIdentity const> identity = {}) {
        tasks.spawn(accept(identity));
        tasks.spawn(connect(identity != nullptr));
        run();
    }
    Task<void> echo(std::int64_t rounds) {
        std::string buffer(4096, '\0');
        std::vector<std::string_view> const reply{"250-2.1.0 ok\r\n", "250-2.1.5 ok\r\n",
                                                  "354 go\r\n"};
        for (std::int64_t i = 0; i < rounds; ++i) {
            server->expires_at(soon());
            auto const n = co_await server->read_some(buffer);
            benchmark::DoNotOptimize(n);
            auto const sent = co_await server->write_all(reply);
            benchmark::DoNotOptimize(sent);
        }
    }
    Task<void> ask(std::int64_t rounds) {
        std::string buffer(4096, '\0');
        std::string_view const commands =
            "MAIL FROM:<somebody@sender.example> SIZE=4000\r\nRCPT "
            "TO:<other@here.example>\r\nDATA\r\n";
        for (std::int64_t i = 0; i < rounds; ++i) {
            client->expires_at(soon());
            auto const sent = co_await client->write_all(commands);
            benchmark::DoNotOptimize(sent);
            auto const n = co_await client->read_some(buffer);
            benchmark::DoNotOptimize(n);
        }
    }
    void exchange(std::int64_t rounds) {
        tasks.spawn(echo(rounds));
        tasks.spawn(ask(rounds));
        run();
    }
};

constexpr std::int64_t batch = 1000;

void BM_Exchange(benchmark::State& state) {
    Rig rig;
    rig.pair(state.range(0) == 0 ? nullptr : make_identity(rig.network));
    for (auto _ : state) rig.exchange(batch);
    state.SetItemsProcessed(state.iterations() * batch);
    state.SetLabel(state.range(0) == 0 ? "plain" : "TLS");
}
BENCHMARK(BM_Exchange)->Arg(0)->Arg(1);

void BM_ExchangeBySystemCallsAlone(benchmark::State& state) {
    int ends[2];
    Rig rig;
    rig.pair();
    // The same path through the kernel, on a TCP pair of the same kind.
    int const listening = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_storage address{};
    socklen_t size = sizeof(address);
    auto* const raw = reinterpret_cast<sockaddr*>(&address);
    raw->sa_family = AF_INET;
    if (::bind(listening, raw, 16) != 0 || ::listen(listening, 1) != 0) std::abort();
    ::getsockname(listening, raw, &size);
    ends[0] = ::socket(AF_INET, SOCK_STREAM, 0);
    if (::connect(ends[0], raw, size) != 0) std::abort();
    ends[1] = ::accept(listening, nullptr, nullptr);
    std::string const commands(86, 'x');
    std::string const reply(36, 'y');
    std::string buffer(4096, '\0');
    for (auto _ : state) {
        for (std::int64_t i = 0; i < batch; ++i) {
            benchmark::DoNotOptimize(::send(ends[0], commands.data(), commands.size(), 0));
            benchmark::DoNotOptimize(::recv(ends[1], buffer.data(), buffer.size(), 0));
            benchmark::DoNotOptimize(::send(ends[1], reply.data(), reply.size(), 0));
            benchmark::DoNotOptimize(::recv(ends[0], buffer.data(), buffer.size(), 0));
        }
    }
    state.SetItemsProcessed(state.iterations() * batch);
    for (int fd : {listening, ends[0], ends[1]}) ::close(fd);
}
BENCHMARK(BM_ExchangeBySystemCallsAlone);

void BM_Bulk(benchmark::State& state) {
    Rig rig;
    rig.pair(state.range(0) == 0 ? nullptr : make_identity(rig.network));
    std::string const block(256 * 1024, 'x');
    struct Flow {
        static Task<void> write(rt::Stream& s, std::string const& b, int n) {
            for (int i = 0; i < n; ++i) (void)co_await s.write_all(b);
        }
        static Task<void> read(rt::Stream& s, std::size_t wanted) {
            std::string buffer(64 * 1024, '\0');
            while (wanted > 0) {
                auto const n = co_await s.read_some(buffer);
                wanted -= *n;
            }
        }
    };
    for (auto _ : state) {
        rig.tasks.spawn(Flow::write(*rig.client, block, 16));
        rig.tasks.spawn(Flow::read(*rig.server, 16 * block.size()));
        rig.run();
    }
    state.SetBytesProcessed(state.iterations() * 16 * static_cast<std::int64_t>(block.size()));
    state.SetLabel(state.range(0) == 0 ? "plain" : "TLS");
}
BENCHMARK(BM_Bulk)->Arg(0)->Arg(1);

void BM_ConnectAndHandshake(benchmark::State& state) {
    Rig rig;
    auto const identity = state.range(0) == 0 ? nullptr : make_identity(rig.network);
    for (auto _ : state) {
        rig.pair(identity);
        rig.exchange(1);
    }
    state.SetLabel(state.range(0) == 0 ? "plain" : "TLS");
}
BENCHMARK(BM_ConnectAndHandshake)->Arg(0)->Arg(1);

// Heap octets of an idle connection after an exchange, of the accepting and of the connecting end.
void BM_IdleConnections(benchmark::State& state) {
    Rig rig;
    auto const identity = state.range(0) == 0 ? nullptr : make_identity(rig.network);
    rig.pair(identity);
    std::vector<std::unique_ptr<rt::Stream>> servers;
    std::vector<std::unique_ptr<rt::Stream>> clients;
    for (auto _ : state) {
        auto const before = mallinfo2().uordblks;
        for (int i = 0; i < 500; ++i) {
            rig.pair(identity);
            rig.exchange(1);
            servers.push_back(std::move(rig.server));
            clients.push_back(std::move(rig.client));
        }
        auto const both = mallinfo2().uordblks;
        clients.clear();
        auto const accepting = mallinfo2().uordblks;
        state.counters["accepted_end"] = static_cast<double>(accepting - before) / 500;
        state.counters["connected_end"] = static_cast<double>(both - accepting) / 500;
        servers.clear();
    }
    state.SetLabel(state.range(0) == 0 ? "plain" : "TLS");
}
BENCHMARK(BM_IdleConnections)->Arg(0)->Arg(1)->Iterations(1);

}  // namespace
}  // namespace dawk::net
