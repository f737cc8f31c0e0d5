// dawk-load: sends mail over many SMTP or LMTP connections as fast as the server takes it, and
// prints one line of JSON: rate, latencies, errors by stage and code.
//
//   dawk-load --to 127.0.0.1:2525 --sessions 50 --messages 20000 --size 2048 --pipeline
//   dawk-load --to 127.0.0.1:2525 --sessions 1000 --idle      (prints "ready", waits for end of
//   input)
#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "bench/options.hpp"
#include "bench/session.hpp"

namespace dawk::bench {
namespace {

std::string read_file(std::string const& path) {
    std::FILE* const file = std::fopen(path.c_str(), "rb");
    if (file == nullptr) die(path + ": " + std::strerror(errno));
    std::string out;
    char buffer[4096];
    for (std::size_t n = 0; (n = std::fread(buffer, 1, sizeof buffer, file)) > 0;)
        out.append(buffer, n);
    std::fclose(file);
    return out;
}

constexpr OptionHelp known[] = {
    {"to", "ADDRESS", "127.0.0.1:2525, [::1]:2525 or unix:/path"},
    {"sessions", "N", "connections at a time (50)"},
    {"messages", "N", "in all; without --seconds 1000"},
    {"seconds", "S", "for how long"},
    {"size", "OCTETS", "of a message (2048)"},
    {"message", "FILE", "send what is in the file, each time the same"},
    {"per-connection", "N", "messages on one connection, 0 for any number (0)"},
    {"pipeline", "", "commands in groups, RFC 2920"},
    {"lhlo", "", "LMTP, RFC 2033"},
    {"helo", "NAME", "(load.invalid)"},
    {"from", "ADDRESS", "(sender@load.invalid)"},
    {"rcpt", "ADDRESS", "%d in it counts (user%d@sink.invalid)"},
    {"rcpt-modulo", "N", "%d counts up to N, then again from 0"},
    {"recipients", "N", "of each message (1)"},
    {"first", "N", "number of the first message (0)"},
    {"acked", "FILE", "append the number of each acknowledged message"},
    {"max-connect-failures", "N", "in a row of one session, before it gives up (100)"},
    {"idle", "", "open all sessions, say EHLO, print \"ready\", hold until input ends"},
};

class Load {
  public:
    Load(Run& run, std::size_t sessions, int max_connect_failures)
        : run_(run), max_connect_failures_(max_connect_failures) {
        epoll_ = epoll_create1(EPOLL_CLOEXEC);
        if (epoll_ < 0) die("epoll_create1");
        for (std::size_t i = 0; i < sessions; ++i)
            slots_.push_back({std::make_unique<Session>(run), 0});
    }
    ~Load() { close(epoll_); }
    Load(Load const&) = delete;
    Load& operator=(Load const&) = delete;

    void run() {
        run_.report.started = monotonic_seconds();
        for (std::size_t i = 0; i < slots_.size(); ++i) start(i);
        while (alive_ != 0 || !retry_.empty()) turn();
        run_.report.finished = monotonic_seconds();
    }

    // All sessions say EHLO and wait; returns when the input ends and all are closed.
    void hold() {
        run_.report.started = monotonic_seconds();
        for (std::size_t i = 0; i < slots_.size(); ++i) start(i);
        while (idle_count() < slots_.size()) turn();
        std::printf("ready %zu\n", slots_.size());
        std::fflush(stdout);
        wait_for_end_of_input();
        run_.stop = true;
        for (auto& slot : slots_)
            if (!slot.session->closed()) slot.session->release();
        while (alive_ != 0) turn();
        run_.report.finished = monotonic_seconds();
    }

  private:
    struct Slot {
        std::unique_ptr<Session> session;
        std::uint32_t watched = 0;
    };

    std::size_t idle_count() const {
        std::size_t count = 0;
        for (auto const& slot : slots_) count += slot.session->idle() ? 1 : 0;
        return count;
    }

    static void wait_for_end_of_input() {
        char buffer[256];
        while (read(STDIN_FILENO, buffer, sizeof buffer) > 0) {
        }
    }

    void start(std::size_t i) {
        auto& session = *slots_[i].session;
        if (!session.open()) return later(i);
        ++alive_;
        slots_[i].watched = EPOLLIN | EPOLLOUT;
        epoll_event event{};
        event.events = slots_[i].watched;
        event.data.u64 = i;
        if (epoll_ctl(epoll_, EPOLL_CTL_ADD, session.fd(), &event) != 0) die("epoll_ctl");
    }

    void later(std::size_t i) {
        if (slots_[i].session->connect_failures() >= max_connect_failures_) {
            if (run_.plan.hold_idle) die("cannot connect");
            return;
        }
        retry_.push_back(i);
    }

    void turn() {
        epoll_event events[256];
        int const count = epoll_wait(epoll_, events, 256, retry_.empty() ? 1000 : 10);
        if (count < 0 && errno != EINTR) die("epoll_wait");
        for (int n = 0; n < count; ++n) {
            auto const& event = events[n];
            auto const i = static_cast<std::size_t>(event.data.u64);
            auto& session = *slots_[i].session;
            session.on_event((event.events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0,
                             (event.events & EPOLLOUT) != 0);
            after_event(i);
        }
        if (count == 0) end_unheard();
        if (count == 0 && !retry_.empty()) {
            auto const again = std::move(retry_);
            retry_.clear();
            for (auto const i : again)
                if (run_.has_work()) start(i);
        }
    }

    void end_unheard() {
        double const now = monotonic_seconds();
        for (std::size_t i = 0; i < slots_.size(); ++i)
            if (slots_[i].session->end_if_unheard(now)) after_event(i);
    }

    void after_event(std::size_t i) {
        auto& slot = slots_[i];
        if (slot.session->closed()) {
            --alive_;
            if (!run_.has_work()) return;
            if (slot.session->connect_failures() != 0) return later(i);
            return start(i);
        }
        std::uint32_t const wanted =
            slot.session->wants_write() ? (EPOLLIN | EPOLLOUT) : std::uint32_t{EPOLLIN};
        if (wanted == slot.watched) return;
        slot.watched = wanted;
        epoll_event event{};
        event.events = wanted;
        event.data.u64 = i;
        if (epoll_ctl(epoll_, EPOLL_CTL_MOD, slot.session->fd(), &event) != 0) die("epoll_ctl");
    }

    Run& run_;
    int max_connect_failures_;
    int epoll_ = -1;
    std::size_t alive_ = 0;
    std::vector<Slot> slots_;
    std::vector<std::size_t> retry_;
};

Plan make_plan(Options const& options) {
    Plan plan;
    plan.to = parse_endpoint(options.text("to", "127.0.0.1:2525"));
    plan.per_connection = options.number("per-connection", 0);
    plan.pipeline = options.has("pipeline");
    plan.lhlo = options.has("lhlo");
    plan.helo = options.text("helo", "load.invalid");
    plan.from = options.text("from", "sender@load.invalid");
    plan.rcpt = options.text("rcpt", "user%d@sink.invalid");
    plan.rcpt_modulo = options.number("rcpt-modulo", 0);
    plan.recipients = options.number("recipients", 1);
    plan.messages = options.number("messages", options.has("seconds") ? 0 : 1000);
    if (options.has("seconds")) plan.deadline = monotonic_seconds() + options.real("seconds", 0);
    plan.hold_idle = options.has("idle");
    if (plan.recipients == 0) die("--recipients must be at least 1");
    return plan;
}

}  // namespace
}  // namespace dawk::bench

int main(int argc, char** argv) {
    using namespace dawk::bench;
    Options const options(argc, argv, "dawk-load: an SMTP and LMTP load source", known);
    auto const plan = make_plan(options);
    raise_descriptor_limit();
    auto const file = options.text("message", "");
    Run run{plan,
            file.empty() ? MessageMaker(options.number("size", 2048), plan.from, plan.rcpt)
                         : MessageMaker::of(read_file(file)),
            {}};
    run.next = options.number("first", 0);
    if (plan.messages != 0) run.plan.messages += run.next;
    if (options.has("acked")) {
        run.acked = std::fopen(options.text("acked", "").c_str(), "a");
        if (run.acked == nullptr) die(std::string("--acked: ") + std::strerror(errno));
        std::setvbuf(run.acked, nullptr, _IOLBF, 4096);
    }
    Load load(run, options.number("sessions", 50),
              static_cast<int>(options.number("max-connect-failures", 100)));
    if (plan.hold_idle)
        load.hold();
    else
        load.run();
    if (run.acked != nullptr && std::fclose(run.acked) != 0) die("--acked: write failed");
    std::printf("%s\n", run.report.json().c_str());
    return run.report.failed == 0 && run.report.errors.empty() ? 0 : 1;
}
