#include "dawk/smtp/reply.hpp"

#include <gtest/gtest.h>

namespace dawk::smtp {
namespace {

std::string written(unsigned code, std::string_view status, std::string_view text) {
    std::string out;
    append_reply(out, code, status, text);
    return out;
}

Reply parsed(std::string_view wire, std::size_t step) {
    ReplyParser parser;
    std::size_t at = 0;
    while (at < wire.size() && parser.state() == ReplyParser::State::more) {
        at += parser.feed(wire.substr(at, step));
    }
    EXPECT_EQ(parser.state(), ReplyParser::State::complete) << wire;
    EXPECT_EQ(at, wire.size());
    return parser.state() == ReplyParser::State::complete ? parser.take() : Reply{};
}

TEST(Reply, WritesOneLine) {
    EXPECT_EQ(written(250, "2.0.0", "Ok"), "250 2.0.0 Ok\r\n");
}

TEST(Reply, WritesStatusInEveryLine) {  // RFC 2034 §4
    EXPECT_EQ(written(550, "5.1.1", "a\nb\nc"), "550-5.1.1 a\r\n550-5.1.1 b\r\n550 5.1.1 c\r\n");
}

TEST(Reply, WritesWithoutStatusOrText) {
    EXPECT_EQ(written(354, "", "Go"), "354 Go\r\n");
    EXPECT_EQ(written(334, "", ""), "334 \r\n");
}

TEST(Reply, NeverWritesControlOrEightBitOctets) {
    EXPECT_EQ(written(550, "5.1.1", "a\rb\tc\xc3\xa4\x7f"), "550 5.1.1 a?b?c???\r\n");
}

TEST(Reply, CutsLinesAt512Octets) {  // RFC 5321 §4.5.3.1.5
    std::string const out = written(550, "5.1.1", std::string(2000, 'x'));
    EXPECT_LE(out.size(), 512U);
    EXPECT_GE(out.size(), 511U);
    EXPECT_TRUE(out.ends_with("x\r\n"));
}

TEST(Reply, StatusOfClassWhenAbsent) {
    EXPECT_EQ((Reply{451, "", ""}.status_or_class()), "4.0.0");
    EXPECT_EQ((Reply{550, "", ""}.status_or_class()), "5.0.0");
    EXPECT_EQ((Reply{550, "5.1.1", ""}.status_or_class()), "5.1.1");
    EXPECT_EQ((Reply{550, "5.1.1", "a\nb"}.one_line()), "550 5.1.1 a b");
}

TEST(ReplyParser, ParsesAtEverySplit) {
    std::string_view const wire = "250-mx.example.org\r\n250-SIZE 1000\r\n250 HELP\r\n";
    for (std::size_t step = 1; step <= wire.size(); ++step) {
        Reply const r = parsed(wire, step);
        EXPECT_EQ(r.code, 250);
        EXPECT_EQ(r.status, "");
        EXPECT_EQ(r.text, "mx.example.org\nSIZE 1000\nHELP");
    }
}

TEST(ReplyParser, TakesStatusOffEveryLine) {
    Reply const r = parsed("550-5.7.1 no\r\n550-5.7.1 never\r\n550 5.7.1\r\n", 100);
    EXPECT_EQ(r, (Reply{550, "5.7.1", "no\nnever\n"}));
}

TEST(ReplyParser, IgnoresStatusOfOtherClass) {  // RFC 2034 §4: the classes must agree
    EXPECT_EQ(parsed("250 5.0.0 odd\r\n", 100), (Reply{250, "", "5.0.0 odd"}));
    EXPECT_EQ(parsed("550 5.1 short\r\n", 100), (Reply{550, "", "5.1 short"}));
    EXPECT_EQ(parsed("550 5.1.1234 long\r\n", 100), (Reply{550, "", "5.1.1234 long"}));
}

TEST(ReplyParser, TakesBareCodeAndBareLineFeed) {
    EXPECT_EQ(parsed("250\r\n", 1), (Reply{250, "", ""}));
    EXPECT_EQ(parsed("250-a\n250 b\n", 1), (Reply{250, "", "a\nb"}));
}

TEST(ReplyParser, StopsAtEndOfReply) {
    ReplyParser parser;
    EXPECT_EQ(parser.feed("220 go\r\n250 injected\r\n"), 8U);
    EXPECT_EQ(parser.take(), (Reply{220, "", "go"}));
    EXPECT_TRUE(parser.is_idle());
}

TEST(ReplyParser, RefusesWhatIsNoReply) {
    for (std::string_view bad :
         {"hello\r\n", "25\r\n", "2500 x\r\n", "650 x\r\n", "199 x\r\n", "\r\n",
          "250-a\r\n550 b\r\n", "250_x\r\n", "HTTP/1.1 400 Bad\r\n"}) {
        ReplyParser parser;
        parser.feed(bad);
        EXPECT_EQ(parser.state(), ReplyParser::State::bad) << bad;
    }
}

TEST(ReplyParser, BoundsLineLinesAndTotal) {
    ReplyLimits const limits{.line_bytes = 20, .lines = 3, .total_bytes = 40};
    ReplyParser line(limits);
    line.feed("250 " + std::string(14, 'x') + "\r\n");
    EXPECT_EQ(line.state(), ReplyParser::State::complete);
    line.reset();
    line.feed("250 " + std::string(15, 'x') + "\r\n");
    EXPECT_EQ(line.state(), ReplyParser::State::bad);
    ReplyParser lines(limits);
    std::string_view wire = "250-a\r\n250-b\r\n250-c\r\n250 d\r\n";
    while (lines.state() == ReplyParser::State::more)
        wire.remove_prefix(lines.feed(wire.substr(0, 5)));
    EXPECT_EQ(lines.state(), ReplyParser::State::bad);
    ReplyParser endless(limits);
    endless.feed("250-0123456789\r\n");
    endless.feed("250-0123456789\r\n");
    EXPECT_EQ(endless.state(), ReplyParser::State::more);
    endless.feed("250-0123456789\r\n");
    EXPECT_EQ(endless.state(), ReplyParser::State::bad);
}

}  // namespace
}  // namespace dawk::smtp
