// One client connection of dawk-load, driven by readiness events: sends groups of commands, matches
// the replies in order, counts. A new connection is opened when the old one has ended and there is
// work. Standards: RFC 5321 §3, RFC 2920 §3.1 (groups end with DATA; the final dot opens the next
// group), RFC 2033 §4.2 (one reply a recipient after the dot).
#pragma once

#include <array>
#include <cstdio>
#include <deque>
#include <optional>
#include <string>

#include <sys/uio.h>

#include "bench/message.hpp"
#include "bench/report.hpp"
#include "bench/sockets.hpp"

namespace dawk::bench {

struct Plan {
    Endpoint to;
    std::uint64_t per_connection = 0;  // 0: any number
    bool pipeline = false;
    bool lhlo = false;
    std::string helo, from, rcpt;
    std::uint64_t rcpt_modulo = 0;  // %d of rcpt counts up to this; 0: for ever
    std::uint64_t recipients = 1;   // of each message
    std::uint64_t messages = 0;     // in all; 0: until the deadline
    double deadline = 0;            // CLOCK_MONOTONIC; 0: none
    bool hold_idle = false;         // after EHLO wait for release()
};

// What the sessions share.
struct Run {
    Plan plan;
    MessageMaker maker;
    Report report;
    std::FILE* acked = nullptr;  // numbers of acknowledged messages, one a line
    std::uint64_t next = 0;
    std::uint64_t next_recipient = 0;
    bool stop = false;

    std::optional<std::uint64_t> take_number();
    bool has_work() const;
};

class Session {
  public:
    explicit Session(Run& run) : run_(run) {}
    ~Session();
    Session(Session const&) = delete;
    Session& operator=(Session const&) = delete;

    // False: the attempt failed at once; try again a little later.
    bool open();
    void on_event(bool readable, bool writable);
    void release();  // a held idle session says QUIT
    void give_up();  // closes now

    int fd() const { return fd_; }
    bool closed() const { return fd_ < 0; }
    bool wants_write() const { return !out_.empty() || connecting_; }
    bool idle() const { return held_; }
    int connect_failures() const { return connect_failures_; }
    // A listener that is killed just so leaves a connection without a peer, which nothing ends.
    // True when this is one: it is closed now.
    bool end_if_unheard(double now);

  private:
    enum class Expect { greeting, helo, mail, rcpt, data, dot, rset, quit };
    struct Mail {
        std::uint64_t number = 0;
        double mail_sent = 0, dot_sent = 0;
        std::uint64_t accepted = 0, answered = 0;
        bool failed = false;
    };

    void read_replies();
    void on_line(std::string_view line);
    void on_reply(int code);
    void on_content_reply(bool ok);
    void after_go_ahead();
    void next_step();
    bool begin_message();
    void send_commands(std::string text);
    void send_mail_group();
    void continue_mail();
    std::string rcpt_command();
    void flush();
    void finish_mail();
    void count_refusal(Expect stage, int code);
    void lose(std::string const& why);

    struct Chunk {
        std::string own;        // either own octets
        std::string_view view;  // or the shared body
        std::string_view data() const { return own.empty() ? view : std::string_view(own); }
    };

    Run& run_;
    int fd_ = -1;
    bool connecting_ = false, greeted_ = false, held_ = false, quitting_ = false;
    int connect_failures_ = 0;
    double opened_ = 0;
    std::uint64_t sent_here_ = 0, sent_recipients_ = 0;
    std::deque<Expect> expect_;
    std::deque<Mail> mails_;  // at most two: the one being answered and the one behind it
    std::deque<Chunk> out_;
    std::size_t out_offset_ = 0;
    std::string partial_;
};

}  // namespace dawk::bench
