#include "dawk/smtp/client_session.hpp"

#include <functional>
#include <map>

#include <gtest/gtest.h>

#include "dawk/base/ascii.hpp"

namespace dawk::smtp {
namespace {

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

envelope::Envelope make_envelope(std::size_t recipients) {
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

Transaction make_transaction(envelope::Envelope const& e, std::string_view content,
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
    std::size_t piece = 1U << 20U;
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

ClientConfig plain_config() {
    ClientConfig c;
    c.name = "client.example";
    return c;
}

constexpr std::string_view mail = "Subject: x\r\n\r\n.dot\r\nbody\r\n";
using Kind = RecipientResult::Kind;

TEST(ClientSession, SendsOneMessageWithPipeliningInThreeWrites) {  // RFC 2920 §3.1
    auto const e = make_envelope(2);
    FakeServer server;
    Talk talk(plain_config(), server);
    talk.waiting.push_back(make_transaction(e, mail, 7));
    talk.run();
    ASSERT_EQ(talk.results.size(), 1U);
    EXPECT_EQ(talk.results[0].tag, 7U);
    EXPECT_TRUE(talk.results[0].dsn_passed);
    for (auto const& r : talk.results[0].recipients) EXPECT_EQ(r.kind, Kind::accepted);
    ASSERT_EQ(server.contents.size(), 1U);
    EXPECT_EQ(server.contents[0], e.trace + std::string(mail));
    ASSERT_EQ(talk.writes.size(), 4U) << "EHLO, the group, the content, QUIT";
    EXPECT_EQ(talk.writes[1],
              "MAIL FROM:<from@example.org> SIZE=45\r\nRCPT TO:<to0@example.net>\r\n"
              "RCPT TO:<to1@example.net>\r\nDATA\r\n");
    EXPECT_EQ(talk.writes[2], e.trace + "Subject: x\r\n\r\n..dot\r\nbody\r\n.\r\n");
    EXPECT_TRUE(server.quit);
    EXPECT_FALSE(talk.session.failure());
}

TEST(ClientSession, EverythingHoldsWhereverTheRepliesAreCut) {
    auto const e = make_envelope(3);
    for (std::size_t piece = 1; piece < 200; ++piece) {
        FakeServer server;
        server.replies["RCPT TO:<to1"] = "550-5.1.1 no\r\n550 5.1.1 such user\r\n";
        Talk talk(plain_config(), server);
        talk.piece = piece;
        for (std::uint64_t tag = 0; tag < 3; ++tag)
            talk.waiting.push_back(make_transaction(e, mail, tag));
        talk.run();
        ASSERT_EQ(talk.results.size(), 3U) << piece;
        for (auto const& result : talk.results) {
            EXPECT_EQ(result.recipients[0].kind, Kind::accepted);
            EXPECT_EQ(result.recipients[1].kind, Kind::permanent);
            EXPECT_EQ(result.recipients[1].reply.status, "5.1.1");
            EXPECT_EQ(result.recipients[1].stage, "rcpt");
            EXPECT_EQ(result.recipients[2].kind, Kind::accepted);
        }
        EXPECT_EQ(server.contents.size(), 3U);
    }
}

TEST(ClientSession, ABusyConnectionCostsOneWriteAndOneReadAMessage) {
    auto const e = make_envelope(1);
    FakeServer server;
    Talk talk(plain_config(), server);
    for (std::uint64_t tag = 0; tag < 100; ++tag)
        talk.waiting.push_back(make_transaction(e, mail, tag));
    talk.run();
    ASSERT_EQ(talk.results.size(), 100U);
    EXPECT_EQ(talk.writes.size(), 100U + 3U) << "EHLO, first group, QUIT beside";
    EXPECT_EQ(talk.reads, 104);
    EXPECT_TRUE(
        talk.writes[2].ends_with("\r\n.\r\nMAIL FROM:<from@example.org> SIZE=45\r\n"
                                 "RCPT TO:<to0@example.net>\r\nDATA\r\n"));
    EXPECT_EQ(server.contents.size(), 100U);
}

TEST(ClientSession, WithChunkingAMessageIsOneWrite) {  // RFC 3030 §4.2
    auto const e = make_envelope(1);
    FakeServer server;
    server.ehlo = "250-mx\r\n250-CHUNKING\r\n250 PIPELINING\r\n";
    Talk talk(plain_config(), server);
    for (std::uint64_t tag = 0; tag < 3; ++tag)
        talk.waiting.push_back(make_transaction(e, mail, tag));
    talk.run();
    ASSERT_EQ(talk.results.size(), 3U);
    EXPECT_EQ(talk.writes.size(), 5U);
    EXPECT_EQ(talk.writes[1],
              "MAIL FROM:<from@example.org>\r\nRCPT TO:<to0@example.net>\r\nBDAT 45 LAST\r\n" +
                  e.trace + std::string(mail))
        << "no dots are doubled";
    EXPECT_EQ(server.contents[2], e.trace + std::string(mail));
}

TEST(ClientSession, AfterARefusedChunkComesRset) {  // RFC 3030 §2
    auto const e = make_envelope(1);
    FakeServer server;
    server.ehlo = "250-mx\r\n250-CHUNKING\r\n250 PIPELINING\r\n";
    server.replies["."] = "554 5.6.0 do not like it\r\n";
    Talk talk(plain_config(), server);
    talk.waiting.push_back(make_transaction(e, mail, 1));
    talk.waiting.push_back(make_transaction(e, mail, 2));
    talk.run();
    ASSERT_EQ(talk.results.size(), 2U);
    EXPECT_EQ(talk.results[0].recipients[0].kind, Kind::permanent);
    EXPECT_EQ(talk.results[0].recipients[0].stage, "content");
    EXPECT_TRUE(talk.writes[2].starts_with("RSET\r\nMAIL"));
}

TEST(ClientSession, WithoutPipeliningEachCommandWaits) {
    auto const e = make_envelope(2);
    FakeServer server;
    server.ehlo = "250 mx\r\n";
    Talk talk(plain_config(), server);
    talk.waiting.push_back(make_transaction(e, mail));
    talk.waiting.push_back(make_transaction(e, mail));
    talk.run();
    ASSERT_EQ(talk.results.size(), 2U);
    EXPECT_EQ(talk.results[1].recipients[1].kind, Kind::accepted);
    EXPECT_EQ(talk.writes.size(), 2U + 2 * 5U);
    EXPECT_EQ(talk.writes[1], "MAIL FROM:<from@example.org>\r\n");
}

TEST(ClientSession, FallsBackToHelo) {  // RFC 5321 §3.2
    auto const e = make_envelope(1);
    FakeServer server;
    server.replies["EHLO"] = "502 5.5.1 what\r\n";
    Talk talk(plain_config(), server);
    talk.waiting.push_back(make_transaction(e, mail));
    talk.run();
    EXPECT_EQ(server.commands[1], "HELO client.example");
    ASSERT_EQ(talk.results.size(), 1U);
    EXPECT_EQ(talk.results[0].recipients[0].kind, Kind::accepted);
}

TEST(ClientSession, A354ForNobodyIsAnsweredByALoneDot) {  // RFC 2920 §3.1
    auto const e = make_envelope(2);
    for (auto const* refused : {"MAIL", "RCPT"}) {
        FakeServer server;
        server.replies[refused] = "450 4.2.0 later\r\n";
        Talk talk(plain_config(), server);
        talk.waiting.push_back(make_transaction(e, mail));
        talk.run();
        ASSERT_EQ(talk.results.size(), 1U);
        EXPECT_EQ(talk.results[0].recipients[1].kind, Kind::transient);
        EXPECT_EQ(talk.results[0].recipients[1].reply.code, 450);
        EXPECT_EQ(talk.results[0].recipients[1].stage, ascii::to_lower(refused));
        EXPECT_EQ(talk.writes[2], ".\r\n");
        EXPECT_EQ(server.contents.at(0), "") << "nothing of the message went out";
    }
}

TEST(ClientSession, RefusalsOfEachStageReachTheRecipients) {
    auto const e = make_envelope(2);
    struct Case {
        char const *command, *reply;
        Kind kind;
        char const *stage, *status;
    };
    Case const cases[] = {
        {"MAIL", "550 5.7.1 no\r\n", Kind::permanent, "mail", "5.7.1"},
        {"MAIL", "452 full\r\n", Kind::transient, "mail", "4.0.0"},
        {"RCPT", "550 5.1.1 no\r\n", Kind::permanent, "rcpt", "5.1.1"},
        {"RCPT", "552 too many recipients\r\n", Kind::transient, "rcpt", "5.0.0"},
        {"RCPT", "552 5.2.2 mailbox full\r\n", Kind::permanent, "rcpt", "5.2.2"},
        {"DATA", "451 4.3.0 no\r\n", Kind::transient, "data", "4.3.0"},
        {"DATA", "554 no valid recipients\r\n", Kind::permanent, "data", "5.0.0"},
        {".", "452 4.3.1 full\r\n", Kind::transient, "content", "4.3.1"},
        {".", "554 5.6.0 spam\r\n", Kind::permanent, "content", "5.6.0"},
    };
    for (auto const* ehlo : {"250-mx\r\n250 PIPELINING\r\n", "250 mx\r\n"}) {
        for (auto const& c : cases) {
            FakeServer server;
            server.ehlo = ehlo;
            server.replies[c.command] = c.reply;
            Talk talk(plain_config(), server);
            talk.waiting.push_back(make_transaction(e, mail, 1));
            talk.waiting.push_back(make_transaction(e, mail, 2));
            talk.run();
            ASSERT_EQ(talk.results.size(), 2U) << c.reply;
            for (auto const& result : talk.results) {
                for (auto const& r : result.recipients) {
                    EXPECT_EQ(r.kind, c.kind) << c.reply;
                    EXPECT_EQ(r.stage, c.stage) << c.reply;
                    EXPECT_EQ(r.reply.status_or_class(), c.status) << c.reply;
                }
            }
            EXPECT_FALSE(talk.session.failure());
            EXPECT_TRUE(server.quit);
        }
    }
}

TEST(ClientSession, TooManyRecipientsMayFollowAtOnce) {  // RFC 5321 §4.5.3.1.10
    auto const e = make_envelope(3);
    for (auto const* reply : {"452 4.5.3 too many\r\n", "552 too many\r\n"}) {
        FakeServer server;
        server.replies["RCPT TO:<to2"] = reply;
        Talk talk(plain_config(), server);
        talk.waiting.push_back(make_transaction(e, mail));
        talk.run();
        EXPECT_EQ(talk.results.at(0).recipients[1].kind, Kind::accepted);
        EXPECT_EQ(talk.results.at(0).recipients[2].kind, Kind::again);
    }
}

TEST(ClientSession, A421EndsEverythingAtAnyTime) {  // RFC 5321 §3.8
    auto const e = make_envelope(2);
    for (auto const* at : {"EHLO", "MAIL", "RCPT", "DATA", "."}) {
        FakeServer server;
        server.replies[at] = "421 4.3.2 going down\r\n";
        Talk talk(plain_config(), server);
        talk.waiting.push_back(make_transaction(e, mail, 1));
        talk.waiting.push_back(make_transaction(e, mail, 2));
        talk.run();
        ASSERT_TRUE(talk.session.failure()) << at;
        EXPECT_EQ(talk.session.failure()->kind, ClientFailure::Kind::refused);
        EXPECT_EQ(talk.session.failure()->reply.code, 421);
        if (std::string_view(at) == "EHLO") {
            EXPECT_TRUE(talk.results.empty());
            continue;
        }
        ASSERT_GE(talk.results.size(), 1U) << at;
        EXPECT_EQ(talk.results[0].untouched, std::string_view(at) == "MAIL") << at;
        for (auto const& r : talk.results[0].recipients) {
            EXPECT_EQ(r.kind, Kind::transient) << at;
            EXPECT_EQ(r.reply.code, 421);
        }
        for (std::size_t i = 1; i < talk.results.size(); ++i)
            EXPECT_TRUE(talk.results[i].untouched);
    }
}

TEST(ClientSession, ALostConnectionLeavesWhatWasAnsweredAlone) {
    auto const e = make_envelope(2);
    FakeServer server;
    server.replies["RCPT TO:<to0"] = "550 5.1.1 no\r\n";
    Talk talk(plain_config(), server);
    talk.lose_after_writes = 2;  // the content
    talk.waiting.push_back(make_transaction(e, mail));
    talk.run();
    ASSERT_EQ(talk.results.size(), 1U);
    EXPECT_EQ(talk.results[0].recipients[0].kind, Kind::permanent);
    EXPECT_EQ(talk.results[0].recipients[1].kind, Kind::transient);
    EXPECT_EQ(talk.results[0].recipients[1].reply.status, "4.4.2");
    EXPECT_EQ(talk.results[0].recipients[1].stage, "content");
    EXPECT_FALSE(talk.results[0].untouched);
}

TEST(ClientSession, AConnectionLostAtEachWriteAlwaysSettlesEachRecipient) {
    auto const e = make_envelope(2);
    for (std::size_t lose = 0; lose < 8; ++lose) {
        FakeServer server;
        Talk talk(plain_config(), server);
        talk.lose_after_writes = lose;
        for (std::uint64_t tag = 0; tag < 4; ++tag)
            talk.waiting.push_back(make_transaction(e, mail, tag));
        talk.run();
        std::size_t accepted = 0;
        for (auto const& result : talk.results) {
            for (auto const& r : result.recipients) {
                EXPECT_NE(r.kind, Kind::open);
                if (r.kind == Kind::accepted) ++accepted;
            }
        }
        EXPECT_EQ(accepted, 2 * server.contents.size()) << "a reply that came is not lost";
    }
}

TEST(ClientSession, BannersThatRefuse) {
    for (auto const* banner :
         {"554 5.7.1 go away\r\n", "421 busy\r\n", "450 later\r\n", "521 no mail\r\n"}) {
        FakeServer server;
        server.banner = banner;
        Talk talk(plain_config(), server);
        talk.run();
        ASSERT_TRUE(talk.session.failure());
        EXPECT_EQ(talk.session.failure()->kind, ClientFailure::Kind::refused);
        EXPECT_EQ(talk.session.failure()->stage, "banner");
        EXPECT_EQ(server.quit, !std::string_view(banner).starts_with("421"));
    }
}

TEST(ClientSession, NonsenseEndsTheConnection) {
    auto const e = make_envelope(1);
    struct Case {
        char const *command, *reply;
    };
    Case const cases[] = {
        {"EHLO", "354 go\r\n"},
        {"MAIL", "354 go\r\n"},
        {"RCPT", "334 \r\n"},
        {"DATA", "250 ok\r\n"},
        {".", "354 more\r\n"},
        {"MAIL", "hello\r\n"},
        {"RCPT", "999 what\r\n"},
        {"MAIL", "250 ok\r\n250 ok\r\n250 ok\r\n354 x\r\n250 ok\r\n250 z\r\n"},
    };
    for (auto const& c : cases) {
        FakeServer server;
        server.replies[c.command] = c.reply;
        Talk talk(plain_config(), server);
        talk.waiting.push_back(make_transaction(e, mail));
        talk.run();
        ASSERT_TRUE(talk.session.failure()) << c.reply;
        EXPECT_EQ(talk.session.failure()->kind, ClientFailure::Kind::nonsense) << c.reply;
        EXPECT_EQ(talk.session.failure()->reply.status, "4.5.0");
    }
    FakeServer endless;
    endless.banner = "220-" + std::string(5000, 'x') + "\r\n220 b\r\n";
    Talk talk(plain_config(), endless);
    talk.run();
    EXPECT_EQ(talk.session.failure()->kind, ClientFailure::Kind::nonsense);
}

TEST(ClientSession, StartTlsForgetsWhatWasSaidBefore) {  // RFC 3207 §4.2
    auto const e = make_envelope(1);
    FakeServer server;
    server.ehlo = "250-mx\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 STARTTLS\r\n";
    Talk talk(plain_config(), server);
    talk.waiting.push_back(make_transaction(e, mail));
    talk.run();
    std::vector<std::string> const expected = {"EHLO client.example", "STARTTLS",
                                               "EHLO client.example"};
    EXPECT_EQ(std::vector(server.commands.begin(), server.commands.begin() + 3), expected);
    EXPECT_FALSE(talk.session.extensions().pipelining);
    EXPECT_EQ(talk.writes[3], "MAIL FROM:<from@example.org>\r\n") << "nothing offered after TLS";
    EXPECT_EQ(talk.results.at(0).recipients[0].kind, Kind::accepted);
}

TEST(ClientSession, RepliesInjectedBehindStartTlsAreRefused) {  // RFC 3207 §5, CVE-2011-0411
    FakeServer server;
    server.ehlo = "250-mx\r\n250 STARTTLS\r\n";
    server.replies["STARTTLS"] = "220 go\r\n250-evil\r\n250 AUTH PLAIN\r\n";
    Talk talk(plain_config(), server);
    talk.run();
    ASSERT_TRUE(talk.session.failure());
    EXPECT_EQ(talk.session.failure()->kind, ClientFailure::Kind::nonsense);
    EXPECT_FALSE(server.tls);
}

TEST(ClientSession, RequiredTlsIsRequired) {
    auto config = plain_config();
    config.starttls = ClientConfig::StartTls::required;
    FakeServer silent;
    Talk without(config, silent);
    without.run();
    ASSERT_TRUE(without.session.failure());
    EXPECT_EQ(without.session.failure()->kind, ClientFailure::Kind::tls);
    EXPECT_EQ(without.session.failure()->reply.status, "4.7.4");
    EXPECT_TRUE(silent.quit);

    FakeServer unable;
    unable.ehlo = "250-mx\r\n250 STARTTLS\r\n";
    unable.replies["STARTTLS"] = "454 4.7.0 not now\r\n";
    Talk refused(config, unable);
    refused.run();
    EXPECT_EQ(refused.session.failure()->reply.code, 454);

    FakeServer again;
    again.ehlo = unable.ehlo;
    again.replies = unable.replies;
    auto const e = make_envelope(1);
    Talk opportunistic(plain_config(), again);
    opportunistic.waiting.push_back(make_transaction(e, mail));
    opportunistic.run();
    EXPECT_EQ(opportunistic.results.at(0).recipients[0].kind, Kind::accepted)
        << "goes on in the clear";
}

TEST(ClientSession, CredentialsGoOverVerifiedTlsOnly) {  // FIELD: AUTH over unverified TLS
    auto config = plain_config();
    config.user = "u";
    config.password = "secret";
    auto const run = [&](bool verified, bool loopback, char const* mechanisms) {
        FakeServer server;
        server.ehlo = std::string("250-mx\r\n250-STARTTLS\r\n250 AUTH ") + mechanisms + "\r\n";
        if (loopback) server.ehlo = std::string("250-mx\r\n250 AUTH ") + mechanisms + "\r\n";
        server.after_tls_ehlo = std::string("250-mx\r\n250 AUTH ") + mechanisms + "\r\n";
        server.special = [](std::string const& line) -> std::string {
            if (line == "AUTH LOGIN") return "334 VXNlcm5hbWU6\r\n";
            if (line == "dQ==") return "334 UGFzc3dvcmQ6\r\n";
            if (line == "c2VjcmV0") return "235 2.7.0 ok\r\n";
            return "";
        };
        auto with = config;
        with.is_loopback = loopback;
        auto talk = std::make_unique<Talk>(with, server);
        talk->verified = verified;
        talk->run();
        EXPECT_TRUE(talk->secrets_were_marked);
        return std::pair(server.commands, talk->session.failure());
    };
    auto const [plain, plain_failure] = run(true, false, "PLAIN LOGIN");
    EXPECT_FALSE(plain_failure);
    EXPECT_EQ(plain.at(3), "AUTH PLAIN AHUAc2VjcmV0");
    auto const [login, login_failure] = run(true, false, "LOGIN");
    EXPECT_FALSE(login_failure);
    EXPECT_EQ(login.at(5), "c2VjcmV0");
    auto const [local, local_failure] = run(false, true, "PLAIN");
    EXPECT_FALSE(local_failure);
    EXPECT_EQ(local.at(1), "AUTH PLAIN AHUAc2VjcmV0");
    for (auto const* mechanisms : {"PLAIN LOGIN", "CRAM-MD5", ""}) {
        bool const verified = std::string_view(mechanisms) != "PLAIN LOGIN";
        auto const [commands, failure] = run(verified, false, mechanisms);
        ASSERT_TRUE(failure) << mechanisms;
        EXPECT_EQ(failure->kind, ClientFailure::Kind::auth);
        EXPECT_EQ(failure->reply.status, "4.7.0");
        for (auto const& line : commands) EXPECT_FALSE(line.starts_with("AUTH")) << line;
    }
}

TEST(ClientSession, RefusedCredentialsAreTheHostsAnswer) {
    auto config = plain_config();
    config.user = "u";
    config.password = "p";
    config.is_loopback = true;
    FakeServer server;
    server.ehlo = "250-mx\r\n250 AUTH PLAIN\r\n";
    server.replies["AUTH"] = "535 5.7.8 wrong\r\n";
    server.special = [](std::string const& line) -> std::string {
        return line.starts_with("AUTH") ? "535 5.7.8 wrong\r\n" : "";
    };
    Talk talk(config, server);
    talk.run();
    ASSERT_TRUE(talk.session.failure());
    EXPECT_EQ(talk.session.failure()->kind, ClientFailure::Kind::auth);
    EXPECT_EQ(talk.session.failure()->reply.code, 535);
}

TEST(ClientSession, LmtpHasOneReplyForEachRecipient) {  // RFC 2033 §4.2
    auto const e = make_envelope(4);
    auto config = plain_config();
    config.protocol = ClientConfig::Protocol::lmtp;
    for (std::size_t piece : {1UL, 1000UL}) {
        FakeServer server;
        server.lmtp = true;
        server.replies["RCPT TO:<to1"] = "550 5.1.1 no\r\n";
        server.replies[".1"] = "452 4.2.2 full\r\n";
        Talk talk(config, server);
        talk.piece = piece;
        talk.waiting.push_back(make_transaction(e, mail, 1));
        talk.waiting.push_back(make_transaction(e, mail, 2));
        talk.run();
        EXPECT_EQ(server.commands[0], "LHLO client.example");
        ASSERT_EQ(talk.results.size(), 2U);
        for (auto const& result : talk.results) {
            EXPECT_EQ(result.recipients[0].kind, Kind::accepted);
            EXPECT_EQ(result.recipients[1].stage, "rcpt");
            EXPECT_EQ(result.recipients[2].kind, Kind::transient);
            EXPECT_EQ(result.recipients[2].reply.status, "4.2.2");
            EXPECT_EQ(result.recipients[3].kind, Kind::accepted);
        }
    }
}

TEST(ClientSession, LargeContentIsStreamedCutAnywhere) {
    auto const e = make_envelope(1);
    std::string const content = "Subject: x\r\n\r\n.a\r\n..\r\n.\r\nend";
    for (std::size_t cut = 1; cut < content.size(); ++cut) {
        FakeServer server;
        Talk talk(plain_config(), server);
        auto t = make_transaction(e, content, 1);
        t.content.reset();
        for (std::size_t at = 0; at < content.size(); at += cut)
            talk.stream.push_back(content.substr(at, cut));
        talk.waiting.push_back(std::move(t));
        talk.waiting.push_back(make_transaction(e, mail, 2));
        talk.run();
        ASSERT_EQ(talk.results.size(), 2U);
        EXPECT_EQ(talk.results[1].recipients[0].kind, Kind::accepted);
        EXPECT_EQ(server.contents.at(0), e.trace + content + "\r\n") << cut;
        EXPECT_TRUE(talk.writes[talk.writes.size() - 3].starts_with("\r\n.\r\nMAIL"));
    }
}

TEST(ClientSession, StreamedContentOfAnotherSizeIsNeverEnded) {
    auto const e = make_envelope(1);
    for (std::uint64_t size : {5U, 100U}) {
        FakeServer server;
        Talk talk(plain_config(), server);
        auto t = make_transaction(e, "", 1);
        t.content.reset();
        t.content_size = size;
        talk.stream = {"Subject: x\r\n", "\r\n"};
        talk.waiting.push_back(std::move(t));
        talk.run();
        EXPECT_EQ(talk.results.at(0).recipients[0].kind, Kind::transient);
        EXPECT_EQ(talk.results.at(0).recipients[0].reply.status, "4.3.0");
        EXPECT_TRUE(server.contents.empty());
    }
}

TEST(ClientSession, NeverSendsABareLineEnd) {  // SMTP smuggling
    auto const e = make_envelope(1);
    for (std::string const bad :
         {"a\n.\r\nb\r\n", "a\r\n.\rb\r\n", "a\n", "a\r", "\r\r\n", "a\r\n\n.\n"}) {
        FakeServer server;
        Talk talk(plain_config(), server);
        talk.waiting.push_back(make_transaction(e, bad, 1));
        talk.waiting.push_back(make_transaction(e, mail, 2));
        talk.run();
        EXPECT_EQ(talk.results.at(0).recipients[0].reply.status, "5.6.0");
        EXPECT_EQ(talk.results.at(0).recipients[0].kind, Kind::permanent);
        EXPECT_EQ(talk.results.at(1).recipients[0].kind, Kind::accepted)
            << "the next is not harmed";

        FakeServer other;
        Talk streamed(plain_config(), other);
        auto t = make_transaction(e, bad, 1);
        t.content.reset();
        for (char const c : bad) streamed.stream.push_back(std::string(1, c));
        streamed.waiting.push_back(std::move(t));
        streamed.run();
        EXPECT_EQ(streamed.results.at(0).recipients[0].kind, Kind::permanent);
        EXPECT_TRUE(other.contents.empty()) << "no end of data was sent";
    }
}

TEST(ClientSession, WhatTheServerCannotTakeIsNotTried) {
    auto e = make_envelope(1);
    auto const status = [&](std::string_view content, std::string ehlo) {
        FakeServer server;
        server.ehlo = std::move(ehlo);
        Talk talk(plain_config(), server);
        talk.waiting.push_back(make_transaction(e, content));
        talk.run();
        bool const tried = server.commands.at(1).starts_with("MAIL");
        auto const& r = talk.results.at(0).recipients[0];
        EXPECT_EQ(tried, r.kind == Kind::accepted);
        return r.kind == Kind::accepted ? server.commands.at(1) : r.reply.status;
    };
    EXPECT_EQ(status(mail, "250-x\r\n250 SIZE 20\r\n"), "5.3.4");  // RFC 1870 §5
    EXPECT_EQ(status(mail, "250-x\r\n250 SIZE 45\r\n"), "MAIL FROM:<from@example.org> SIZE=45");
    EXPECT_EQ(status(mail, "250-x\r\n250 SIZE 99999999999999999999\r\n"),
              "MAIL FROM:<from@example.org> SIZE=45");
    EXPECT_EQ(status("a: \xC3\xA9\r\n\r\n", "250 x\r\n"), "5.6.3");
    e.body = envelope::Body::eight_bit;
    EXPECT_EQ(status("a: \xC3\xA9\r\n\r\n", "250-x\r\n250 8BITMIME\r\n"),
              "MAIL FROM:<from@example.org> BODY=8BITMIME");
    EXPECT_EQ(status(mail, "250 x\r\n"), "MAIL FROM:<from@example.org>")
        << "declared, but is 7-bit";
    e.body = envelope::Body::binary;
    EXPECT_EQ(status(mail, "250 x\r\n"), "5.6.3");
    e.body = envelope::Body::eight_bit;
    e.smtputf8 = true;
    EXPECT_EQ(status("a: \xC3\xA9\r\n\r\n", "250-x\r\n250 8BITMIME\r\n"), "5.6.7");
    EXPECT_EQ(status("a: b\r\n\r\n\xC3\xA9\r\n", "250-x\r\n250 8BITMIME\r\n"),
              "MAIL FROM:<from@example.org> BODY=8BITMIME");
    e.recipients[0].address.domain =
        "b\xC3\xBC"
        "cher.example";
    EXPECT_EQ(status("a: b\r\n\r\n", "250-x\r\n250 8BITMIME\r\n"),
              "MAIL FROM:<from@example.org> BODY=8BITMIME");
    e.recipients[0].address.local = "\xC3\xA9";
    EXPECT_EQ(status("a: b\r\n\r\n", "250-x\r\n250 8BITMIME\r\n"), "5.6.7");
    EXPECT_EQ(status("a: b\r\n\r\n", "250-x\r\n250-SMTPUTF8\r\n250 8BITMIME\r\n"),
              "MAIL FROM:<from@example.org> BODY=8BITMIME SMTPUTF8");
    e = make_envelope(1);
    e.require_tls = true;
    EXPECT_EQ(status(mail, "250-x\r\n250 REQUIRETLS\r\n"), "5.7.10");
}

TEST(ClientSession, PassesOnDeliveryStatusParameters) {  // RFC 3461 §4
    auto e = make_envelope(2);
    e.ret = envelope::Ret::headers;
    e.envid = "a+b c";
    e.recipients[0].notify = {.never = false, .success = true, .failure = true, .delay = false};
    e.recipients[0].orcpt = "rfc822;x+y@z";
    e.recipients[1].notify.never = true;
    FakeServer server;
    server.ehlo = "250-x\r\n250 DSN\r\n";
    Talk talk(plain_config(), server);
    talk.waiting.push_back(make_transaction(e, mail));
    talk.run();
    EXPECT_EQ(server.commands.at(1), "MAIL FROM:<from@example.org> RET=HDRS ENVID=a+2Bb+20c");
    EXPECT_EQ(server.commands.at(2),
              "RCPT TO:<to0@example.net> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;x+2By@z");
    EXPECT_EQ(server.commands.at(3), "RCPT TO:<to1@example.net> NOTIFY=NEVER");
}

TEST(ClientSession, ObeysTheNumberOfTransactionsALimitAllows) {  // RFC 9422
    auto const e = make_envelope(1);
    FakeServer server;
    server.ehlo = "250-x\r\n250 LIMITS MAILMAX=2 OTHER=7\r\n";
    Talk talk(plain_config(), server);
    for (std::uint64_t tag = 0; tag < 3; ++tag)
        talk.waiting.push_back(make_transaction(e, mail, tag));
    talk.run();
    EXPECT_EQ(talk.results.size(), 2U);
    EXPECT_TRUE(talk.session.is_used_up());
    EXPECT_TRUE(server.quit);
}

TEST(ClientSession, AHostThatGreetsWithOurNameIsALoop) {
    auto config = plain_config();
    config.refuse_own_name = true;
    FakeServer server;
    server.banner = "220 CLIENT.example ESMTP\r\n";
    Talk talk(config, server);
    talk.run();
    EXPECT_EQ(talk.session.failure()->kind, ClientFailure::Kind::loop);
    EXPECT_EQ(talk.session.failure()->reply.status, "5.4.6");
}

TEST(Extensions, UnknownAndWrongLinesDoNoHarm) {
    auto const x = parse_extensions(
        "mx.example hello\nXYZ 1 2\n\nsize 12x\nAUTH=LOGIN plain\nAUTH PLAIN\nPipelining\n"
        "LIMITS RCPTMAX=100 MAILMAX=0\n8BITMIME junk\n  \nSIZE");
    EXPECT_EQ(x.name, "mx.example");
    EXPECT_TRUE(x.pipelining && x.eight_bit_mime && x.size);
    EXPECT_EQ(x.size_max, 0U);
    EXPECT_EQ(x.auth, (std::vector<std::string>{"LOGIN", "PLAIN"}));
    EXPECT_EQ(x.recipients_max, 0U) << "one malformed item voids the line (RFC 9422 §3)";
    EXPECT_EQ(parse_extensions("m\nLIMITS RCPTMAX=100 RCPTDOMAINMAX=1").recipients_max, 100U);
    EXPECT_EQ(parse_extensions("m\nSIZE 99999999999999999999").size_max, 0U);
}

TEST(DotStuffer, EveryCutGivesTheSameOctets) {  // RFC 5321 §4.5.2
    std::string const content = ".\r\n..\r\na.\r\n\r\n.b.\r\n.";
    std::string const expected = "..\r\n...\r\na.\r\n\r\n..b.\r\n..\r\n.\r\n";
    for (std::size_t a = 0; a <= content.size(); ++a) {
        for (std::size_t b = a; b <= content.size(); ++b) {
            DotStuffer stuffer;
            std::vector<std::string_view> pieces;
            std::string_view const all = content;
            for (auto const part : {all.substr(0, a), all.substr(a, b - a), all.substr(b)})
                stuffer.add(part, pieces);
            stuffer.finish(pieces);
            std::string out;
            for (auto const p : pieces) out += p;
            ASSERT_EQ(out, expected) << a << ' ' << b;
            EXPECT_TRUE(stuffer.is_clean());
        }
    }
}

TEST(DotStuffer, FindsEightBitAnywhere) {
    for (std::size_t i = 0; i < 40; ++i) {
        std::string text(40, 'a');
        EXPECT_FALSE(has_eight_bit(text));
        text[i] = '\x80';
        EXPECT_TRUE(has_eight_bit(text)) << i;
    }
}

}  // namespace
}  // namespace dawk::smtp
