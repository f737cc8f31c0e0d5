// Carriers against a sink in another thread and against a real folder. Counters: messages a second,
// and CPU microseconds of the carriers' own thread for each message (for Maildir that of all
// threads).
#include <atomic>
#include <deque>
#include <filesystem>
#include <thread>

#include <arpa/inet.h>
#include <benchmark/benchmark.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dawk/mta/deliverer.hpp"
#include "dawk/net/clock.hpp"
#include "dawk/net/files.hpp"
#include "dawk/net/network.hpp"
#include "dawk/net/rng.hpp"
#include "dawk/net/work_pool.hpp"
#include "dawk/rt/task_group.hpp"
#include "dawk/spool/content.hpp"

namespace dawk::mta {
namespace {

// Says yes to everything, one thread for each connection.
class Sink {
  public:
    explicit Sink(std::string ehlo) : ehlo_(std::move(ehlo)) {
        listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in where{};
        where.sin_family = AF_INET;
        where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof where;
        if (::bind(listener_, reinterpret_cast<sockaddr*>(&where), size) != 0) std::abort();
        if (::listen(listener_, 64) != 0) std::abort();
        if (::getsockname(listener_, reinterpret_cast<sockaddr*>(&where), &size) != 0) std::abort();
        port = ntohs(where.sin_port);
        acceptor_ = std::thread([this] { accept(); });
    }
    ~Sink() {
        ::shutdown(listener_, SHUT_RDWR);
        acceptor_.join();
        for (auto& thread : threads_) thread.join();
        ::close(listener_);
    }
    std::uint16_t port = 0;
    std::atomic<std::uint64_t> messages{0};

  private:
    void accept() {
        for (;;) {
            int const fd = ::accept(listener_, nullptr, nullptr);
            if (fd < 0) return;
            threads_.emplace_back([this, fd] { serve(fd); });
        }
    }
    void serve(int fd) {
        int const on = 1;
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        std::string in, out = "220 sink\r\n";
        bool data = false;
        char buffer[65536];
        for (;;) {
            if (!out.empty() && ::send(fd, out.data(), out.size(), MSG_NOSIGNAL) < 0) break;
            out.clear();
            auto const n = ::recv(fd, buffer, sizeof buffer, 0);
            if (n <= 0) break;
            in.append(buffer, static_cast<std::size_t>(n));
            while (step(in, data, out)) {
            }
        }
        ::close(fd);
    }
    bool step(std::string& in, bool& data, std::string& out) {
        if (data) {
            auto const end = in.find("\r\n.\r\n");
            if (end == in.npos) return false;
            in.erase(0, end + 5);
            data = false;
            ++messages;
            out += "250 2.0.0 taken\r\n";
            return true;
        }
        auto const end = in.find("\r\n");
        if (end == in.npos) return false;
        if (in.starts_with("BDAT ")) {
            auto const size = std::stoul(in.substr(5));
            if (in.size() < end + 2 + size) return false;
            in.erase(0, end + 2 + size);
            ++messages;
            out += "250 2.0.0 taken\r\n";
            return true;
        }
        if (in.starts_with("EHLO")) {
            out += ehlo_;
        } else if (in.starts_with("DATA")) {
            data = true;
            out += "354 go\r\n";
        } else {
            out += "250 2.1.0 fine\r\n";
        }
        in.erase(0, end + 2);
        return true;
    }

    int listener_ = -1;
    std::string ehlo_;
    std::thread acceptor_;
    std::vector<std::thread> threads_;
};

class NoDns final : public rt::Resolver {
  public:
    Task<dns::Answer> query(dns::Question, SteadyTime) override { co_return dns::Answer{}; }
};

class ListFeed final : public JobFeed {
  public:
    routing::Route const& route() const override { return the_route; }
    SettingsPtr const& settings() const override { return the_settings; }
    std::vector<Job> take(std::size_t max) override {
        std::vector<Job> out;
        while (next < jobs.size() && out.size() < max) out.push_back(jobs[next++]);
        return out;
    }
    Task<bool> wait(SteadyTime) override { co_return next < jobs.size(); }
    void done(Job, std::vector<envelope::Outcome> outcomes) override {
        for (auto const& o : outcomes) {
            if (o.kind == envelope::Outcome::Kind::delivered) ++delivered;
        }
    }
    void host_failed(envelope::Outcome const& o) override {
        std::fprintf(stderr, "%s\n", o.text.c_str());
    }
    void host_ready() override {}

    routing::Route the_route;
    SettingsPtr the_settings;
    std::vector<Job> jobs;
    std::size_t next = 0, delivered = 0;
};

struct Bench {
    boost::asio::io_context io{1};
    net::RealClock clock{io};
    net::RealRng rng;
    net::Network network{io, net::make_network_shared()};
    NoDns resolver;
    net::PosixFiles files;
    net::ThreadPool pool{"bench", 4};
    rt::Env env{io.get_executor(), clock, rng, network, resolver, files, pool};
    RouteDeliverer deliverer{env};
    rt::TaskGroup group{io.get_executor()};
    std::shared_ptr<ListFeed> feed = std::make_shared<ListFeed>();

    void add_jobs(std::size_t count, std::size_t size, std::size_t mailboxes) {
        std::string content = "Subject: bench\r\n\r\n";
        while (content.size() < size)
            content += "A line of ordinary length, as most of them have it.\r\n";
        auto const shared = std::make_shared<spool::MemoryContent>(std::move(content));
        for (std::size_t i = 0; i < count; ++i) {
            auto e = std::make_shared<envelope::Envelope>();
            e->reverse_path = {"from", "example.org"};
            e->trace =
                "Received: from a.example by b.example with ESMTP id abcdefg;\r\n\tSun, 22 Nov "
                "2026 07:00:00 +0000\r\n";
            envelope::Recipient r;
            r.address = r.original = {"user" + std::to_string(i % mailboxes), "example.net"};
            e->recipients.push_back(std::move(r));
            Job job;
            job.envelope = std::move(e);
            job.content = shared;
            job.recipients = {0};
            feed->jobs.push_back(std::move(job));
        }
    }
    void run(std::size_t carriers) {
        for (std::size_t i = 0; i < carriers; ++i) group.spawn(deliverer.carry(feed));
        io.run();
    }
};

double cpu_seconds(int who) {
    rusage usage{};
    ::getrusage(who, &usage);
    auto const seconds = [](timeval const& t) {
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void measure(benchmark::State& state, Bench& bench, std::size_t carriers, int who) {
    auto const count = bench.feed->jobs.size();
    auto const cpu = cpu_seconds(who);
    auto const start = std::chrono::steady_clock::now();
    bench.run(carriers);
    std::chrono::duration<double> const took = std::chrono::steady_clock::now() - start;
    if (bench.feed->delivered != count) state.SkipWithError("not all were delivered");
    state.counters["msg/s"] = static_cast<double>(count) / took.count();
    state.counters["cpu_us/msg"] = (cpu_seconds(who) - cpu) * 1e6 / static_cast<double>(count);
}

void relay(benchmark::State& state, char const* ehlo) {
    for (auto _ : state) {
        Sink sink(ehlo);
        Bench bench;
        bench.feed->the_route.kind = routing::Route::Kind::smtp;
        bench.feed->the_route.host = "127.0.0.1";
        bench.feed->the_route.port = sink.port;
        bench.feed->the_route.tls = routing::TlsMode::none;
        Settings settings;
        settings.hostname = "bench.example";
        bench.feed->the_settings = std::make_shared<Settings const>(settings);
        bench.add_jobs(20'000, static_cast<std::size_t>(state.range(1)), 100);
        measure(state, bench, static_cast<std::size_t>(state.range(0)), RUSAGE_THREAD);
    }
}
void relay_pipelining(benchmark::State& state) {
    relay(state, "250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE\r\n");
}
void relay_chunking(benchmark::State& state) {
    relay(state, "250-sink\r\n250-PIPELINING\r\n250-CHUNKING\r\n250-8BITMIME\r\n250 SIZE\r\n");
}
void relay_one_by_one(benchmark::State& state) {
    relay(state, "250 sink\r\n");
}
BENCHMARK(relay_pipelining)->Args({1, 2048})->Args({20, 2048})->Args({20, 102'400})->Iterations(1);
BENCHMARK(relay_chunking)->Args({1, 2048})->Args({20, 2048})->Args({20, 102'400})->Iterations(1);
BENCHMARK(relay_one_by_one)->Args({20, 2048})->Iterations(1);

void maildir(benchmark::State& state) {
    for (auto _ : state) {
        std::string folder = std::filesystem::temp_directory_path() / "dawk-bench-XXXXXX";
        if (::mkdtemp(folder.data()) == nullptr) std::abort();
        {
            Bench bench;
            bench.feed->the_route.kind = routing::Route::Kind::maildir;
            bench.feed->the_route.maildir = folder + "/mail/{domain}/{local}";
            Settings settings;
            settings.hostname = "bench.example";
            settings.state_dir = folder;
            bench.feed->the_settings = std::make_shared<Settings const>(settings);
            bench.add_jobs(5000, 2048, static_cast<std::size_t>(state.range(1)));
            measure(state, bench, static_cast<std::size_t>(state.range(0)), RUSAGE_SELF);
        }
        std::filesystem::remove_all(folder);
    }
}
BENCHMARK(maildir)->Args({1, 1})->Args({4, 1})->Args({20, 1})->Args({4, 100})->Iterations(1);

}  // namespace
}  // namespace dawk::mta
