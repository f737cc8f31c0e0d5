// What the tests of ClientSession share: a server that follows a script, and the loop of a driver.
#pragma once

#include <functional>
#include <map>

#include <gtest/gtest.h>

#include "dawk/smtp/client_session.hpp"

namespace dawk::smtp::testing {

// How many octets a Talk reads at once, if its test does not say so itself.
constexpr std::size_t piece_whole = 1U << 20U;
inline std::size_t piece_default = piece_whole;

// A test in which every reply comes whole, octet by octet, and cut at each of its positions; what
// it says holds each time. Groups of replies are shorter than pieces_max octets.
constexpr std::size_t pieces_max = 160;
#define DAWK_TEST_AT_EVERY_CUT(suite, name)                                          \
    static void suite##_##name();                                                    \
    TEST(suite, name) {                                                              \
        for (std::size_t piece = 0; piece <= pieces_max && !HasFailure(); ++piece) { \
            SCOPED_TRACE("replies in pieces of " + std::to_string(piece));           \
            piece_default = piece == 0 ? piece_whole : piece;                        \
            suite##_##name();                                                        \
        }                                                                            \
        piece_default = piece_whole;                                                 \
    }                                                                                \
    static void suite##_##name()

// A server that follows the commands it is sent and says what the test wants. It understands DATA,
// BDAT and AUTH continuations, so that pipelined input is cut where a real one would cut it.
struct FakeServer {
    bool lmtp = false;
    std::string banner = "220 mx.example ESMTP\r\n";
    std::string ehlo =
        "250-mx.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-DSN\r\n250 SIZE 1000000\r\n";
    std::string after_tls_ehlo = "250 mx.example\r\n";
    std::map<std::string, std::string> replies;  // command line prefix -> reply
    std::function<std::string(std::string const& line)> special;

    std::vector<std::string> commands;
    std::vector<std::string> contents;
    bool tls = false;
    bool quit = false;

    std::string connect() { return banner; }

    std::string receive(std::string_view bytes) {
        std::string out;
        in_ += bytes;
        while (step(out)) {
        }
        return out;
    }

  private:
    bool step(std::string& out) {
        if (chunk_left_ > 0) {
            auto const n = std::min<std::size_t>(chunk_left_, in_.size());
            content_ += in_.substr(0, n);
            in_.erase(0, n);
            chunk_left_ -= n;
            if (chunk_left_ > 0) return false;
            end_content(out);
            return true;
        }
        auto const end = in_.find("\r\n");
        if (end == in_.npos) return false;
        auto const line = in_.substr(0, end);
        in_.erase(0, end + 2);
        in_data_ ? data_line(line, out) : command(line, out);
        return true;
    }
    void data_line(std::string const& line, std::string& out) {
        if (line != ".") {
            content_ += (line.starts_with('.') ? line.substr(1) : line) + "\r\n";
            return;
        }
        in_data_ = false;
        end_content(out);
    }
    void end_content(std::string& out) {
        contents.push_back(std::move(content_));
        content_.clear();
        for (int i = 0; i < (lmtp ? std::max(accepted_, 1) : 1); ++i) {
            auto const key = lmtp ? "." + std::to_string(i) : std::string(".");
            out += replies.contains(key) ? replies[key] : "250 2.0.0 taken\r\n";
        }
        accepted_ = 0;
    }
    std::string chosen(std::string const& line, std::string normal) {
        for (auto const& [prefix, reply] : replies) {
            if (line.starts_with(prefix)) return reply;
        }
        return normal;
    }
    void command(std::string const& line, std::string& out) {
        commands.push_back(line);
        if (special) {
            auto const reply = special(line);
            if (!reply.empty()) {
                out += reply;
                return;
            }
        }
        std::string reply = chosen(line, "250 2.0.0 fine\r\n");
        if (line.starts_with("EHLO") || line.starts_with("LHLO")) {
            reply = chosen(line, tls ? after_tls_ehlo : ehlo);
        }
        if (line == "STARTTLS") reply = chosen(line, "220 go\r\n");
        if (line == "DATA") reply = chosen(line, "354 go\r\n");
        if (line == "QUIT") quit = true, reply = chosen(line, "221 bye\r\n");
        if (line.starts_with("AUTH PLAIN")) reply = chosen(line, "235 2.7.0 welcome\r\n");
        if (line.starts_with("RCPT") && reply.starts_with("25")) ++accepted_;
        if (line == "DATA" && reply.starts_with("354")) in_data_ = true;
        if (line.starts_with("BDAT ")) {
            chunk_left_ = std::stoull(line.substr(5));
            if (chunk_left_ == 0) end_content(out);
            return;
        }
        out += reply;
    }

    std::string in_;
    std::string content_;
    bool in_data_ = false;
    std::uint64_t chunk_left_ = 0;
    int accepted_ = 0;
};

inline envelope::Envelope make_envelope(std::size_t recipients) {
    envelope::Envelope e;
    e.reverse_path = {"from", "example.org"};
    for (std::size_t i = 0; i < recipients; ++i) {
        envelope::Recipient r;
        r.address = {"to" + std::to_string(i), "example.net"};
        e.recipients.push_back(r);
    }
    e.trace = "Received: by test\r\n";
    return e;
}

inline Transaction make_transaction(envelope::Envelope const& e, std::string_view content,
                                    std::uint64_t tag = 0) {
    Transaction t;
    t.envelope = &e;
    for (std::uint32_t i = 0; i < e.recipients.size(); ++i) t.recipients.push_back(i);
    t.head = e.trace;
    t.content = content;
    t.content_size = content.size();
    t.tag = tag;
    return t;
}

// Runs a whole connection; reply octets arrive in pieces of at most `piece`.
struct Talk {
    ClientSession session;
    FakeServer& server;
    std::deque<Transaction> waiting;
    std::size_t piece = piece_default;
    std::vector<std::string> stream;  // for Want::content
    bool verified = true;
    std::size_t lose_after_writes = 1U << 20U;

    std::vector<TransactionResult> results;
    std::vector<std::string> writes;
    bool secrets_were_marked = true;
    int reads = 0;
    std::string inbox;

    Talk(ClientConfig config, FakeServer& s) : session(std::move(config)), server(s) {}

    void run() {
        inbox = server.connect();
        for (int i = 0; i < 100'000; ++i) {
            while (auto r = session.take_result()) results.push_back(std::move(*r));
            while (!waiting.empty() && session.can_begin()) {
                session.begin(std::move(waiting.front()));
                waiting.pop_front();
            }
            auto const step = session.next();
            if (!act(step)) break;
        }
        while (auto r = session.take_result()) results.push_back(std::move(*r));
    }

  private:
    bool act(ClientStep const& step) {
        using Want = ClientStep::Want;
        switch (step.want) {
            case Want::write: {
                std::string all;
                for (auto const p : step.pieces) all += p;
                if (all.starts_with("AUTH PLAIN ") && !step.secret) secrets_were_marked = false;
                if (writes.size() >= lose_after_writes) {
                    session.on_lost(ClientSession::Lost::write_failed, "reset");
                    return true;
                }
                writes.push_back(all);
                session.on_written();
                inbox += server.receive(all);
                return true;
            }
            case Want::read: {
                ++reads;
                if (inbox.empty()) {
                    session.on_lost(ClientSession::Lost::closed, "");
                    return true;
                }
                auto const n = std::min(piece, inbox.size());
                auto const got = inbox.substr(0, n);
                inbox.erase(0, n);
                session.on_bytes(got);
                return true;
            }
            case Want::start_tls:
                if (!inbox.empty()) ADD_FAILURE() << "octets of before TLS are left: " << inbox;
                server.tls = true;
                session.on_tls(verified);
                return true;
            case Want::content:
                if (stream.empty()) {
                    session.on_content("");
                } else {
                    current = stream.front();
                    stream.erase(stream.begin());
                    session.on_content(current);
                }
                return true;
            case Want::idle:
                if (waiting.empty() || !session.can_begin()) session.quit();
                return true;
            case Want::closed:
                return false;
        }
        return false;
    }
    std::string current;
};

inline ClientConfig plain_config() {
    ClientConfig c;
    c.name = "client.example";
    return c;
}

inline constexpr std::string_view mail = "Subject: x\r\n\r\n.dot\r\nbody\r\n";
using Kind = RecipientResult::Kind;

}  // namespace dawk::smtp::testing
