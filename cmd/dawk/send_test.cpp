// dawk send against a scripted server on a real socket.
#include <atomic>
#include <thread>

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dawk/smtp/client_session_test.hpp"

#include "cmd/dawk/run_fixture.hpp"

namespace dawk::cmd {
namespace {

using smtp::testing::FakeServer;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// Serves one connection after another with the same script.
class Server {
  public:
    Server() {
        listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in where{};
        where.sin_family = AF_INET;
        where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof where;
        EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&where), size), 0);
        EXPECT_EQ(::listen(listener_, 8), 0);
        EXPECT_EQ(::getsockname(listener_, reinterpret_cast<sockaddr*>(&where), &size), 0);
        address = "127.0.0.1:" + std::to_string(ntohs(where.sin_port));
        thread_ = std::thread([this] { run(); });
    }
    ~Server() {
        ::shutdown(listener_, SHUT_RDWR);
        thread_.join();
        ::close(listener_);
    }
    std::string address;
    FakeServer script;

  private:
    void run() {
        for (;;) {
            int const fd = ::accept(listener_, nullptr, nullptr);
            if (fd < 0) return;
            script.quit = false;
            auto out = script.connect();
            char buffer[4096];
            for (;;) {
                if (::send(fd, out.data(), out.size(), MSG_NOSIGNAL) < 0 || script.quit) break;
                auto const n = ::recv(fd, buffer, sizeof buffer, 0);
                if (n <= 0) break;
                out = script.receive({buffer, static_cast<std::size_t>(n)});
            }
            ::close(fd);
        }
    }
    int listener_ = -1;
    std::thread thread_;
};

struct SendTest : CommandLine {
    Server server;
    Ran send(std::vector<std::string> words) {
        std::vector<std::string> all{"send", "--server", server.address, "--from",
                                     "Ann <ann@a.example>"};
        all.insert(all.end(), words.begin(), words.end());
        return dawk(all);
    }
};

TEST_F(SendTest, SendsATextToAllRecipients) {
    auto const ran = send({"--to", "b@b.example, c@c.example", "--bcc", "d@d.example", "--subject",
                           "Gr\xC3\xBC\xC3\x9F"
                           "e",
                           "--body", ".one\n..two\n"});
    EXPECT_EQ(ran.code, 0) << ran.err;
    EXPECT_THAT(ran.out, HasSubstr("3 recipients: 250 2.0.0 taken"));
    EXPECT_THAT(server.script.commands,
                ::testing::IsSupersetOf({"MAIL FROM:<ann@a.example> SIZE=" +
                                             std::to_string(server.script.contents.at(0).size()),
                                         std::string("RCPT TO:<b@b.example>"),
                                         std::string("RCPT TO:<c@c.example>"),
                                         std::string("RCPT TO:<d@d.example>")}));
    auto const& content = server.script.contents.at(0);
    EXPECT_THAT(content,
                AllOf(HasSubstr("From: Ann <ann@a.example>\r\n"), HasSubstr("To: b@b.example"),
                      HasSubstr("Subject: =?utf-8?"), HasSubstr("\r\n.one\r\n..two\r\n"),
                      HasSubstr("Message-ID: <"), HasSubstr("Date: ")));
    EXPECT_THAT(content, Not(HasSubstr("d@d.example"))) << "a blind copy stays blind";
}

TEST_F(SendTest, SendsAMessageAsItStands) {
    write("mail.eml", "Subject: x\n\n.dot\nlast line without end");
    EXPECT_EQ(send({"--to", "b@b.example", "--raw", "mail.eml"}).code, 0);
    EXPECT_EQ(server.script.contents.at(0), "Subject: x\r\n\r\n.dot\r\nlast line without end\r\n");
    write("bad.eml", "Subject: x\r\n\r\na\rb\r\n");
    EXPECT_EQ(send({"--to", "b@b.example", "--raw", "bad.eml"}).code, 65);
    EXPECT_EQ(send({"--to", "b@b.example", "--raw", "missing.eml"}).code, 66);
}

TEST_F(SendTest, ALargeAttachmentArrivesWhole) {
    server.script.ehlo = "250-x\r\n250 PIPELINING\r\n";
    write("data.bin", std::string(3U << 20U, '\xAB'));
    auto const ran = send({"--to", "b@b.example", "--body", "see there", "--attach", "data.bin"});
    EXPECT_EQ(ran.code, 0) << ran.err;
    auto const& content = server.script.contents.at(0);
    EXPECT_GT(content.size(), 4U << 20U);
    EXPECT_THAT(content.substr(0, 2000), HasSubstr("data.bin"));
}

TEST_F(SendTest, TheExitStatusTellsWhatKindOfTroubleItWas) {
    struct Case {
        char const *command, *reply;
        int code;
    };
    for (auto const& c :
         {Case{"RCPT", "550 5.1.1 no such user\r\n", 67},
          Case{"RCPT", "554 5.7.1 relaying denied\r\n", 77},
          Case{"RCPT", "450 4.2.0 later\r\n", 75}, Case{"MAIL", "530 5.7.0 log in\r\n", 77},
          Case{".", "554 5.6.0 spam\r\n", 65}, Case{".", "452 4.3.1 full\r\n", 75},
          Case{"EHLO", "421 4.3.2 busy\r\n", 75}}) {
        server.script.replies = {{c.command, c.reply}};
        auto const ran = send({"--to", "b@b.example", "--body", "x"});
        EXPECT_EQ(ran.code, c.code) << c.reply;
        EXPECT_THAT(ran.err, HasSubstr(std::string(c.reply).substr(0, 9)));
        EXPECT_EQ(ran.out, "");
    }
    server.address = "127.0.0.1:1";
    EXPECT_EQ(send({"--to", "b@b.example", "--body", "x"}).code, 69);
    EXPECT_EQ(send({"--body", "x"}).code, 64) << "nobody to send to";
    EXPECT_EQ(send({"--to", "not an address", "--body", "x"}).code, 64);
    EXPECT_EQ(send({"--to", "b@b.example", "--body", "x", "--subject", "a\nBcc: c@d"}).code, 65);
}

TEST_F(SendTest, ShowsTheDialogueWithoutSecretsAndWithoutTheMessage) {
    write("password", "hunter2\n");
    server.script.ehlo = "250-x\r\n250-PIPELINING\r\n250 AUTH PLAIN LOGIN\r\n";
    auto const ran = send({"--to", "b@b.example", "--body", "a private matter", "-v", "--user",
                           "ann", "--password-file", "password"});
    EXPECT_EQ(ran.code, 0) << ran.err;
    EXPECT_THAT(ran.err, AllOf(HasSubstr("S: 220 "), HasSubstr("C: EHLO "),
                               HasSubstr("C: AUTH PLAIN (secret)"), HasSubstr("C: MAIL FROM"),
                               HasSubstr(" octets)\nC: .\n"), HasSubstr("C: QUIT")));
    EXPECT_THAT(ran.err, AllOf(Not(HasSubstr("private")), Not(HasSubstr("AGFubgBodW50ZXIy"))));
    EXPECT_THAT(server.script.commands, ::testing::Contains("AUTH PLAIN AGFubgBodW50ZXIy"));
}

TEST_F(SendTest, PrintsJson) {
    server.script.replies["RCPT TO:<c"] = "550 5.1.1 no \"such\" user\r\n";
    auto const ran = dawk({"--json", "send", "--server", server.address, "--from", "a@a.example",
                           "--to", "b@b.example,c@c.example", "--body", "x", "--notify", "never"});
    EXPECT_EQ(ran.code, 67);
    EXPECT_THAT(ran.out, AllOf(HasSubstr("\"address\":\"b@b.example\",\"result\":\"accepted\""),
                               HasSubstr("\"status\":\"5.1.1\",\"text\":\"no \\\"such\\\" user\""),
                               HasSubstr("\"failure\":null")));
    EXPECT_THAT(server.script.commands, ::testing::Contains("RCPT TO:<b@b.example> NOTIFY=NEVER"));
}

}  // namespace
}  // namespace dawk::cmd
