// dawk-sink: an SMTP or LMTP server that takes everything and keeps nothing, to relay into. Prints
// "listening ADDRESS" at start and one line of JSON with its counts at the end (SIGTERM, SIGINT, or
// after --messages N); SIGUSR1 prints a line in between.
// Standards: RFC 5321 §4.1, RFC 2920, RFC 1870 §3 (SIZE), RFC 6152, RFC 3030 §2 (BDAT), RFC 2033
// §4.2.
#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <deque>
#include <memory>
#include <unordered_map>
#include <vector>

#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "bench/options.hpp"
#include "bench/report.hpp"
#include "bench/sockets.hpp"

namespace dawk::bench {
namespace {

constexpr OptionHelp known[] = {
    {"listen", "ADDRESS", "127.0.0.1:0 chooses a port; unix:/path (127.0.0.1:0)"},
    {"lmtp", "", "LMTP instead of SMTP"},
    {"messages", "N", "end after so many messages"},
    {"no-pipelining", "", "do not offer PIPELINING"},
    {"chunking", "", "offer CHUNKING"},
    {"enhanced", "", "offer ENHANCEDSTATUSCODES"},
    {"dsn", "", "offer DSN"},
    {"smtputf8", "", "offer SMTPUTF8"},
    {"size", "N", "offer SIZE N (100000000)"},
    {"reject-every", "N", "refuse the n-th of what --reject-at names"},
    {"reject-at", "STAGE", "mail, rcpt, data or dot (dot)"},
    {"reject-code", "CODE", "(451)"},
    {"delay", "MS", "before the reply to the end of data (0)"},
};

struct Settings {
    bool lmtp = false, pipelining = true, chunking = false, enhanced = false, dsn = false,
         smtputf8 = false;
    std::uint64_t size = 100'000'000, messages = 0, reject_every = 0;
    std::string reject_at = "dot", reject_code = "451";
    double delay = 0;
};

struct Counts {
    std::uint64_t connections = 0, open = 0, most_open = 0, messages = 0, recipients = 0, bytes = 0,
                  refused = 0, staged = 0;
    double first = 0, last = 0;

    std::string json() const {
        auto const number = [](char const* name, std::uint64_t value) {
            return "\"" + std::string(name) + "\": " + std::to_string(value) + ", ";
        };
        char times[160];
        std::snprintf(times, sizeof times,
                      "\"first\": %.6f, \"last\": %.6f, \"cpu_seconds\": %.4f}", first, last,
                      own_cpu_seconds());
        return "{" + number("connections", connections) + number("most_open", most_open) +
               number("messages", messages) + number("recipients", recipients) +
               number("bytes", bytes) + number("refused", refused) + times;
    }
};

struct World {
    Settings settings;
    Counts counts;
    int epoll = -1;
    bool done = false;

    // Whether the n-th of its stage is to be refused.
    bool refuse(std::string_view stage) {
        if (settings.reject_every == 0 || stage != settings.reject_at) return false;
        if (++counts.staged % settings.reject_every != 0) return false;
        ++counts.refused;
        return true;
    }
};

class Client {
  public:
    Client(World& world, int fd) : world_(world), fd_(fd) { out_ = "220 sink.invalid ready\r\n"; }
    ~Client() { close(fd_); }
    Client(Client const&) = delete;
    Client& operator=(Client const&) = delete;

    int fd() const { return fd_; }
    bool ended() const { return ended_; }
    bool wants_write() const { return !out_.empty(); }
    double due() const { return due_; }

    void on_readable() {
        static std::array<char, 262144> buffer;
        auto const got = recv(fd_, buffer.data(), buffer.size(), 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (got <= 0) {
            ended_ = true;
            return;
        }
        consume({buffer.data(), static_cast<std::size_t>(got)});
        flush();
    }

    void on_due() {
        due_ = 0;
        out_ += late_;
        late_.clear();
        flush();
    }

    void flush() {
        if (due_ != 0 || ended_) return;
        while (!out_.empty()) {
            auto const sent = send(fd_, out_.data(), out_.size(), MSG_NOSIGNAL);
            if (sent < 0) {
                if (errno != EAGAIN && errno != EINTR) ended_ = true;
                return;
            }
            out_.erase(0, static_cast<std::size_t>(sent));
        }
        if (quit_) ended_ = true;
    }

  private:
    enum class Mode { command, data, chunk };

    void consume(std::string_view data) {
        while (!data.empty() && !ended_) {
            if (mode_ == Mode::command)
                data = consume_command(data);
            else if (mode_ == Mode::data)
                data = consume_data(data);
            else
                data = consume_chunk(data);
        }
    }

    std::string_view consume_command(std::string_view data) {
        auto const end = data.find('\n');
        if (end == std::string_view::npos) {
            line_.append(data);
            if (line_.size() > 65536) ended_ = true;
            return {};
        }
        if (line_.empty()) {
            command(data.substr(0, end));
        } else {
            line_.append(data.substr(0, end));
            command(line_);
            line_.clear();
        }
        return data.substr(end + 1);
    }

    // state_ counts how much of CRLF.CRLF has been seen; data begins after a CRLF.
    std::string_view consume_data(std::string_view data) {
        static constexpr std::string_view end = "\r\n.\r\n";
        std::size_t at = 0;
        while (at < data.size()) {
            if (state_ == 0) {
                auto const next = data.find('\r', at);
                at = next == std::string_view::npos ? data.size() : next + 1;
                if (next != std::string_view::npos) state_ = 1;
                continue;
            }
            char const c = data[at++];
            if (c == end[state_]) {
                if (++state_ == end.size()) {
                    bytes_ += at;
                    bytes_ -= std::min<std::uint64_t>(bytes_, 3);  // the final dot and its line end
                    end_of_message();
                    return data.substr(at);
                }
            } else {
                state_ = c == '\r' ? 1 : 0;
            }
        }
        bytes_ += at;
        return {};
    }

    std::string_view consume_chunk(std::string_view data) {
        auto const take = std::min<std::uint64_t>(chunk_left_, data.size());
        chunk_left_ -= take;
        bytes_ += take;
        if (chunk_left_ == 0) end_of_chunk();
        return data.substr(static_cast<std::size_t>(take));
    }

    void end_of_chunk() {
        mode_ = Mode::command;
        if (last_chunk_)
            end_of_message();
        else
            reply("250 ", "2.0.0 ", "more");
    }

    void end_of_message() {
        mode_ = Mode::command;
        auto& counts = world_.counts;
        auto const replies = world_.settings.lmtp ? recipients_ : 1;
        for (std::uint64_t i = 0; i < replies; ++i) {
            if (world_.refuse("dot"))
                refuse();
            else
                reply("250 ", "2.0.0 ", "taken");
        }
        if (world_.settings.delay > 0) {
            due_ = monotonic_seconds() + world_.settings.delay;
        }
        ++counts.messages;
        counts.recipients += recipients_;
        counts.bytes += bytes_;
        counts.last = monotonic_seconds();
        if (counts.messages == 1) counts.first = counts.last;
        bytes_ = recipients_ = 0;
        mail_ = false;
        if (world_.settings.messages != 0 && counts.messages >= world_.settings.messages)
            world_.done = true;
    }

    void reply(std::string_view code, std::string_view enhanced, std::string_view text) {
        auto& to = due_ != 0 ? late_ : out_;
        to += code;
        if (world_.settings.enhanced) to += enhanced;
        to += text;
        to += "\r\n";
    }

    void refuse() {
        auto const& code = world_.settings.reject_code;
        reply(code + " ", code.substr(0, 1) + ".0.0 ", "refused by request");
    }

    void command(std::string_view line) {
        if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
        auto const verb = line.substr(0, 4);
        auto const is = [&](char const* name) { return strncasecmp(verb.data(), name, 4) == 0; };
        if (verb.size() < 4) return reply("500 ", "5.5.1 ", "what?");
        if (is("MAIL")) return mail();
        if (is("RCPT")) return rcpt();
        if (is("DATA")) return data();
        if (is("BDAT")) return bdat(line.substr(4));
        if (is("EHLO") || is("LHLO")) return hello();
        if (is("RSET") || is("NOOP") || is("HELO")) {
            recipients_ = bytes_ = 0;
            return reply("250 ", "2.0.0 ", "ok");
        }
        if (is("QUIT")) {
            quit_ = true;
            return reply("221 ", "2.0.0 ", "bye");
        }
        reply("500 ", "5.5.1 ", "what?");
    }

    void mail() {
        recipients_ = bytes_ = 0;
        mail_ = false;
        if (world_.refuse("mail")) return refuse();
        mail_ = true;
        reply("250 ", "2.1.0 ", "ok");
    }

    void rcpt() {
        if (!mail_) return reply("503 ", "5.5.1 ", "no sender");
        if (world_.refuse("rcpt")) return refuse();
        ++recipients_;
        reply("250 ", "2.1.5 ", "ok");
    }

    void data() {
        if (recipients_ == 0) return reply("503 ", "5.5.1 ", "no recipients");
        if (world_.refuse("data")) return refuse();
        mode_ = Mode::data;
        state_ = 2;
        reply("354 ", "", "go ahead");
    }

    void bdat(std::string_view arguments) {
        while (arguments.starts_with(' ')) arguments.remove_prefix(1);
        auto const [end, error] =
            std::from_chars(arguments.data(), arguments.data() + arguments.size(), chunk_left_);
        if (error != std::errc{} || !world_.settings.chunking)
            return reply("501 ", "5.5.4 ", "bad chunk");
        last_chunk_ = end != arguments.data() + arguments.size();
        mode_ = Mode::chunk;
        if (chunk_left_ == 0) end_of_chunk();
    }

    void hello() {
        auto const& settings = world_.settings;
        out_ += "250-sink.invalid\r\n";
        if (settings.pipelining) out_ += "250-PIPELINING\r\n";
        if (settings.chunking) out_ += "250-CHUNKING\r\n";
        if (settings.enhanced) out_ += "250-ENHANCEDSTATUSCODES\r\n";
        if (settings.dsn) out_ += "250-DSN\r\n";
        if (settings.smtputf8) out_ += "250-SMTPUTF8\r\n";
        out_ += "250-SIZE " + std::to_string(settings.size) + "\r\n250 8BITMIME\r\n";
    }

    World& world_;
    int fd_;
    Mode mode_ = Mode::command;
    bool ended_ = false, quit_ = false, mail_ = false, last_chunk_ = false;
    std::size_t state_ = 0;
    std::uint64_t chunk_left_ = 0, recipients_ = 0, bytes_ = 0;
    double due_ = 0;
    std::string line_, out_, late_;
};

class Sink {
  public:
    Sink(World& world, Endpoint const& where) : world_(world) {
        world_.epoll = epoll_create1(EPOLL_CLOEXEC);
        listener_ = listen_on(where);
        sigset_t signals;
        sigemptyset(&signals);
        for (int const s : {SIGTERM, SIGINT, SIGUSR1}) sigaddset(&signals, s);
        sigprocmask(SIG_BLOCK, &signals, nullptr);
        signals_ = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
        watch(EPOLL_CTL_ADD, listener_, EPOLLIN);
        watch(EPOLL_CTL_ADD, signals_, EPOLLIN);
        std::printf("listening %s\n", local_name(listener_).c_str());
        std::fflush(stdout);
    }
    ~Sink() {
        close(listener_);
        close(signals_);
        close(world_.epoll);
    }
    Sink(Sink const&) = delete;
    Sink& operator=(Sink const&) = delete;

    void run() {
        while (!world_.done) {
            epoll_event events[256];
            int const count = epoll_wait(world_.epoll, events, 256, delayed_.empty() ? -1 : 1);
            if (count < 0 && errno != EINTR) die("epoll_wait");
            for (int n = 0; n < count; ++n) on_event(events[n]);
            wake_delayed();
        }
        std::printf("%s\n", world_.counts.json().c_str());
    }

  private:
    void watch(int operation, int fd, std::uint32_t wanted) const {
        epoll_event event{};
        event.events = wanted;
        event.data.fd = fd;
        if (epoll_ctl(world_.epoll, operation, fd, &event) != 0) die("epoll_ctl");
    }

    void on_event(epoll_event const& event) {
        int const fd = event.data.fd;
        if (fd == listener_) return accept_all();
        if (fd == signals_) return on_signal();
        auto const found = clients_.find(fd);
        if (found == clients_.end()) return;
        auto& client = *found->second;
        bool const wanted_write = client.wants_write();
        if ((event.events & EPOLLOUT) != 0) client.flush();
        if ((event.events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) client.on_readable();
        settle(client, wanted_write);
    }

    void settle(Client& client, bool wanted_write) {
        if (client.ended()) {
            --world_.counts.open;
            clients_.erase(client.fd());
            return;
        }
        if (client.due() != 0) {
            delayed_.push_back({client.due(), client.fd()});
            return;
        }
        bool const write = client.wants_write();
        if (write == wanted_write) return;
        watch(EPOLL_CTL_MOD, client.fd(), write ? (EPOLLIN | EPOLLOUT) : std::uint32_t{EPOLLIN});
    }

    void wake_delayed() {
        double const now = delayed_.empty() ? 0 : monotonic_seconds();
        while (!delayed_.empty() && delayed_.front().first <= now) {
            auto const found = clients_.find(delayed_.front().second);
            delayed_.pop_front();
            if (found == clients_.end() || found->second->due() == 0) continue;
            found->second->on_due();
            settle(*found->second, false);
        }
    }

    void accept_all() {
        auto& counts = world_.counts;
        for (;;) {
            int const fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (fd < 0) return;
            ++counts.connections;
            counts.most_open = std::max(counts.most_open, ++counts.open);
            auto client = std::make_unique<Client>(world_, fd);
            watch(EPOLL_CTL_ADD, fd, EPOLLIN);
            client->flush();
            clients_[fd] = std::move(client);
        }
    }

    void on_signal() {
        signalfd_siginfo info{};
        while (read(signals_, &info, sizeof info) == sizeof info) {
            if (info.ssi_signo != SIGUSR1) {
                world_.done = true;
                continue;
            }
            std::printf("%s\n", world_.counts.json().c_str());
            std::fflush(stdout);
        }
    }

    World& world_;
    int listener_ = -1, signals_ = -1;
    std::unordered_map<int, std::unique_ptr<Client>> clients_;
    std::deque<std::pair<double, int>> delayed_;
};

Settings make_settings(Options const& options) {
    Settings settings;
    settings.lmtp = options.has("lmtp");
    settings.pipelining = !options.has("no-pipelining");
    settings.chunking = options.has("chunking");
    settings.enhanced = options.has("enhanced");
    settings.dsn = options.has("dsn");
    settings.smtputf8 = options.has("smtputf8");
    settings.size = options.number("size", settings.size);
    settings.messages = options.number("messages", 0);
    settings.reject_every = options.number("reject-every", 0);
    settings.reject_at = options.text("reject-at", "dot");
    settings.reject_code = options.text("reject-code", "451");
    settings.delay = static_cast<double>(options.number("delay", 0)) / 1000.0;
    return settings;
}

}  // namespace
}  // namespace dawk::bench

int main(int argc, char** argv) {
    using namespace dawk::bench;
    Options const options(argc, argv, "dawk-sink: an SMTP and LMTP server that keeps nothing",
                          known);
    raise_descriptor_limit();
    World world;
    world.settings = make_settings(options);
    Sink sink(world, parse_endpoint(options.text("listen", "127.0.0.1:0")));
    sink.run();
    return 0;
}
