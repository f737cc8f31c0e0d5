// Dialogs that other projects published for their servers, played against a Receiver in the
// simulated world. Codes are compared; where ours differ on purpose, the list says why. The files
// are read at run time from DAWK_TESTDATA and are no part of Dawk.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include <gtest/gtest.h>

#include "dawk/base/ascii.hpp"
#include "dawk/directory/mem_directory.hpp"
#include "dawk/mta/receiver.hpp"
#include "dawk/sim/network.hpp"
#include "dawk/smtp/reply.hpp"
#include "dawk/spool/mem_spool.hpp"

namespace dawk::mta {
namespace {

using namespace std::chrono_literals;

std::filesystem::path data_folder() {
    char const* const given = std::getenv("DAWK_TESTDATA");
    return given != nullptr ? std::filesystem::path(given)
                            : std::filesystem::path(DAWK_SOURCE_DIR) / "../shared/testdata";
}

std::string read_file(std::filesystem::path const& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

struct Move {
    enum class Kind { connect, connect_tls, close, send, expect };
    Kind kind;
    std::string text;  // send: octets; expect: the first digits of the code
    int line = 0;
};

struct Silence final : envelope::EventSink, AcceptedSink {
    void on_event(envelope::Event const&) override {}
    void accepted(spool::EnvelopePtr, spool::ContentPtr) override {}
};

// A server for user@testserver, 1 MiB a message.
struct Server {
    sim::World world{3};
    sim::Internet internet{world};
    sim::Host host{internet, "testserver", {"192.0.2.1"}};
    sim::Host client{internet, "localhost", {"192.0.2.2"}};
    rt::Env env = host.env();
    spool::MemSpool spool;
    directory::MemDirectory directory;
    Silence silence;
    Receiver receiver{env, spool, directory, silence, silence};
    rt::TaskGroup group{world.context().get_executor()};
    std::string differences;  // "line:expected:got" each

    Server() {
        Settings settings;
        settings.hostname = "testserver";
        settings.routing.default_deliver = "maildir:{local}";
        settings.limits.smtp.message_size_bytes = 1U << 20U;
        settings.listeners = {{.address = "192.0.2.1:25", .tls = ListenerTls::none},
                              {.address = "192.0.2.1:465",
                               .service = Service::submission,
                               .tls = ListenerTls::implicit}};
        auto identity = host.load_identity("testserver", "").value();
        EXPECT_TRUE(receiver.configure(std::make_shared<Settings const>(settings), identity));
        EXPECT_TRUE(receiver.open(false));
        group.spawn(fill());
        world.run_for(1s);
    }
    ~Server() {
        group.cancel();
        world.run_for(1s);
        group.spawn(stop());
        world.run_for(5min);
    }
    Task<void> fill() {
        auto const domain = co_await directory.add_domain("testserver");
        mail::Address user{"user", "testserver"};
        auto const added = co_await directory.add_user(user, "secretpassword");
        EXPECT_TRUE(domain && added);
    }
    Task<void> stop() { co_await receiver.stop(); }

    Task<std::unique_ptr<rt::Stream>> connect(bool tls) {
        std::uint16_t const port = tls ? 465 : 25;
        rt::ConnectTarget target{rt::Endpoint{"192.0.2.1", port}, "", world.steady() + 30s};
        auto connected = co_await client.connect(std::move(target));
        std::unique_ptr<rt::Stream> stream = std::move(connected.value());
        stream->expires_at(world.steady() + 1h);
        if (!tls) co_return stream;
        rt::TlsClientPolicy policy;
        policy.server_name = "testserver";
        auto secured = co_await client.tls_connect(std::move(stream), std::move(policy));
        co_return std::move(secured.value());
    }
    Task<std::string> reply(rt::Stream& stream, std::string& input) {
        smtp::ReplyParser parser;
        while (parser.state() == smtp::ReplyParser::State::more) {
            if (input.empty()) {
                char buffer[512];
                auto const n = co_await stream.read_some(buffer);
                if (!n) co_return "closed";
                input.assign(buffer, *n);
            }
            input.erase(0, parser.feed(input));
        }
        co_return std::to_string(parser.take().code);
    }
    Task<void> play(std::vector<Move> moves) {
        std::unique_ptr<rt::Stream> stream;
        std::string input;
        for (Move const& move : moves) {
            if (move.kind == Move::Kind::connect || move.kind == Move::Kind::connect_tls) {
                bool const tls = move.kind == Move::Kind::connect_tls;
                input.clear();
                auto fresh = co_await connect(tls);
                stream = std::move(fresh);
            } else if (move.kind == Move::Kind::close) {
                stream->close();
            } else if (move.kind == Move::Kind::send) {
                auto const sent = co_await stream->write_all(move.text);
                if (!sent) differences += std::to_string(move.line) + ":send:failed\n";
            } else {
                std::string const got = co_await reply(*stream, input);
                if (got.starts_with(move.text)) continue;
                differences += std::to_string(move.line) + ":" + move.text + ":" + got + "\n";
            }
        }
        if (stream) stream->close();
    }
    std::string run(std::vector<Move> moves) {
        group.spawn(play(std::move(moves)));
        world.run_for(2h);
        return differences;
    }
};

// A text of literals 'x', + and * number, as the scripts' language has it.
std::string python_text(std::string_view text) {
    std::string sum, term;
    bool sum_open = false;
    std::vector<std::string> stack;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char const c = text[i];
        if (c == '\'') {
            term.clear();
            for (++i; text[i] != '\''; ++i) {
                if (text[i] != '\\')
                    term += text[i];
                else
                    term += text[++i] == 'r' ? '\r' : '\n';
            }
        } else if (c == '*') {
            std::size_t const begin = text.find_first_not_of(' ', i + 1);
            std::size_t const end =
                std::min(text.find_first_not_of("0123456789", begin), text.size());
            std::string const once = term;
            term.clear();
            for (auto n = ascii::to_number<int>(text.substr(begin, end - begin)).value(); n > 0;
                 --n) {
                term += once;
            }
            i = end - 1;
        } else if (c == '+') {
            sum += term;
            term.clear();
        } else if (c == '(') {
            sum_open = true;
            stack.push_back(std::exchange(sum, ""));
        } else if (c == ')') {
            term = sum + term;
            sum = stack.back();
            stack.pop_back();
        }
    }
    EXPECT_TRUE(stack.empty() && (sum_open || !text.empty()));
    return sum + term;
}

// chasquid's util/chamuyero: "c -> text", "c ~> expression", "c <- text", "c <~ pattern", "c <...
// text".
std::vector<Move> parse_cmy(std::string const& script) {
    using Kind = Move::Kind;
    std::vector<Move> out;
    std::istringstream lines(script);
    std::string line;
    for (int number = 1; std::getline(lines, line); ++number) {
        std::string_view rest = line;
        if (!rest.starts_with("c ")) continue;
        rest.remove_prefix(2);
        auto const take = [&](std::string_view word) {
            if (!rest.starts_with(word)) return false;
            rest.remove_prefix(word.size());
            if (rest.starts_with(' ')) rest.remove_prefix(1);
            return true;
        };
        if (take("tcp_connect"))
            out.push_back({Kind::connect, "", number});
        else if (take("tls_connect"))
            out.push_back({Kind::connect_tls, "", number});
        else if (take("close"))
            out.push_back({Kind::close, "", number});
        else if (take("->"))
            out.push_back({Kind::send, std::string(rest) + "\r\n", number});
        else if (take("~>"))
            out.push_back({Kind::send, python_text(rest), number});
        else if (take("<..."))
            out.push_back({Kind::expect, std::string(rest.substr(0, 3)), number});
        else if (take("<~") || take("<-"))
            out.push_back({Kind::expect, std::string(rest.substr(0, 3)), number});
        else
            ADD_FAILURE() << "unknown line " << number << ": " << line;
    }
    return out;
}

// script: differences, with the reason.
std::map<std::string, std::string> const chasquid_differences{
    // 504 for an unknown mechanism (RFC 4954 §4); they say 534.
    {"auth_multi_dialog.cmy", "9:534:504\n"},
    // 502: no AUTH on the port of servers; they say 503.
    {"auth_not_tls.cmy", "8:503:502\n"},
    // Their limit of errors is 3, ours is on failed logins and on 20 errors.
    {"auth_too_many_failures.cmy", "13:421:501\n"},
    // A malformed message is 550 5.6.0; they say 554.
    {"bad_data.cmy", "35:554:550\n"},
    // A bare line end is 550 5.5.2, then the end of the connection; they say 521.
    {"bad_data_dot.cmy", "28:521:550\n"},
    {"bad_data_dot_2.cmy", "28:521:550\n"},
    {"bad_data_dot_on_message_too_big.cmy", "36:521:550\n"},
    // 501 for a line that is no MAIL or RCPT as it should be; they say 500.
    {"bad_mail_from.cmy", "8:500:501\n11:500:501\n"},
    // A non-ASCII recipient without SMTPUTF8 is 553 (RFC 6531 §3.5); they say 550.
    {"bad_rcpt_to.cmy", "11:500:501\n14:500:501\n41:550:553\n"},
    // The line fits our limit but not a domain name; they close with 554.
    {"line_too_long.cmy", "5:554:501\n"},
    // What is no SMTP is 554 5.5.0 here; they say 502.
    {"wrong_proto.cmy", "5:502:554\n10:502:554\n15:502:554\n"},
};

TEST(PublishedDialogs, Chasquid) {
    auto const folder = data_folder() / "smtp-chasquid/t-12-minor_dialogs";
    if (!std::filesystem::is_directory(folder)) GTEST_SKIP() << folder << " is not there";
    int scripts = 0;
    for (auto const& entry : std::filesystem::directory_iterator(folder)) {
        std::string const name = entry.path().filename();
        if (entry.path().extension() != ".cmy") continue;
        ++scripts;
        Server server;
        auto const expected = chasquid_differences.find(name);
        EXPECT_EQ(server.run(parse_cmy(read_file(entry.path()))),
                  expected == chasquid_differences.end() ? "" : expected->second)
            << name;
    }
    EXPECT_EQ(scripts, 17);
}

// OpenSMTPD's smtpscript: "proc", "test-case name", "call", "writeln", "expect smtp
// ok|helo|permfail".
std::vector<Move> parse_smtpscript(std::string const& script) {
    using Kind = Move::Kind;
    std::vector<Move> out;
    std::istringstream lines(script);
    std::string line;
    bool in_proc = false;
    for (int number = 1; std::getline(lines, line); ++number) {
        std::string_view const words = ascii::trim(line);
        if (words.starts_with("proc")) in_proc = true;
        if (words == "}") in_proc = false;
        if (in_proc || words.starts_with('#')) continue;
        if (words.starts_with("call init-helo")) {
            out.push_back({Kind::connect, "", number});
            out.push_back({Kind::expect, "2", number});
            out.push_back({Kind::send, "HELO regress\r\n", number});
            out.push_back({Kind::expect, "250", number});
        } else if (words.starts_with("writeln \"")) {
            out.push_back(
                {Kind::send, std::string(words.substr(9, words.size() - 10)) + "\r\n", number});
        } else if (words.starts_with("expect smtp")) {
            bool const good = words.ends_with("ok");
            out.push_back({Kind::expect, good ? "2" : "5", number});
        }
    }
    return out;
}

TEST(PublishedDialogs, Smtpscript) {
    auto const path = data_folder() / "smtp-smtpscript/testcases/regress";
    if (!std::filesystem::is_regular_file(path)) GTEST_SKIP() << path << " is not there";
    Server server;
    // Line 50: a domain that is a number. None exists, and a careless resolver takes it for an
    // address.
    EXPECT_EQ(server.run(parse_smtpscript(read_file(path))), "50:2:501\n");
}

}  // namespace
}  // namespace dawk::mta
