#include "dawk/smtp/data_reader.hpp"

#include <string>

#include <gtest/gtest.h>

namespace dawk::smtp {
namespace {

struct Read {
    std::string text;
    std::size_t used = 0;
    bool end = false, bare = false;
    bool operator==(Read const&) const = default;
};

Read read(std::string_view input, std::size_t first, std::size_t step) {
    DataReader reader;
    Read out;
    std::size_t limit = first;
    while (out.used < input.size() && !out.end) {
        auto const piece = reader.next(input.substr(out.used, limit - out.used));
        EXPECT_TRUE(piece.used > 0);
        out.text += piece.text;
        out.used += piece.used;
        out.end = piece.end;
        if (out.used == limit) limit = std::min(input.size(), limit + step);
    }
    out.bare = reader.has_bare_line_end();
    return out;
}

// The same at every cut and octet by octet.
Read read_all_ways(std::string_view input) {
    Read const whole = read(input, input.size(), input.size());
    for (std::size_t cut = 1; cut < input.size(); ++cut) {
        EXPECT_EQ(read(input, cut, input.size()), whole) << "cut at " << cut;
    }
    EXPECT_EQ(read(input, 1, 1), whole);
    return whole;
}

TEST(DataReader, EndsAtDotAlone) {
    auto const r = read_all_ways("a\r\nb\r\n.\r\nNEXT");
    EXPECT_EQ(r, (Read{"a\r\nb\r\n", 9, true, false}));
}

TEST(DataReader, BeginsAfterCrlf) {  // RFC 5321 §4.1.1.4: an empty message is a dot alone
    EXPECT_EQ(read_all_ways(".\r\n"), (Read{"", 3, true, false}));
    EXPECT_EQ(read_all_ways("..\r\n.\r\n"), (Read{".\r\n", 7, true, false}));
}

TEST(DataReader, TakesOneDotOfEachLine) {  // RFC 5321 §4.5.2
    auto const r = read_all_ways("..a\r\n.b.\r\n...\r\nc.\r\n.\r\n");
    EXPECT_EQ(r.text, ".a\r\nb.\r\n..\r\nc.\r\n");
    EXPECT_TRUE(r.end);
    EXPECT_FALSE(r.bare);
}

TEST(DataReader, NothingElseEndsIt) {  // smuggling, every known shape
    for (std::string_view shape :
         {"\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r\n.\r", "\r.\r\n", "\n.\r", "\r\r\n.\r\r\n",
          "\r\n.\r\r\n", "\n\r.\n\r", "\n\n.\r\n", "\r\n.\n\r\n"}) {
        std::string const input = "a" + std::string(shape) + "SMUGGLED\r\n";
        auto const r = read_all_ways(input);
        EXPECT_FALSE(r.end) << input;
        EXPECT_TRUE(r.bare) << input;
    }
}

TEST(DataReader, BareLineEndStaysRememberedToTheRealEnd) {
    auto const r = read_all_ways("a\nb\r\n.\r\n");
    EXPECT_TRUE(r.end);
    EXPECT_TRUE(r.bare);
}

TEST(DataReader, NulIsTextAsAnyOther) {
    using namespace std::string_literals;
    EXPECT_FALSE(read_all_ways("a\r\n.\0\r\n\0.\r\n"s).end);
    auto const r = read_all_ways("a\0b\r\n.\r\n"s);
    EXPECT_EQ(r.text, "a\0b\r\n"s);
    EXPECT_FALSE(r.bare);
}

TEST(DataReader, DoesNotCopy) {
    std::string const input(100'000, 'x');
    DataReader reader;
    auto const piece = reader.next(input);
    EXPECT_EQ(piece.text.data(), input.data());
    EXPECT_EQ(piece.text.size(), input.size());
}

TEST(LineEndCheck, SeesBareLineEndsAtEveryCut) {
    struct {
        std::string_view text;
        bool bare, at_start, cr;
    } const cases[] = {{"a\r\nb\r\n", false, true, false}, {"a\r\nb", false, false, false},
                       {"a\r\nb\r", false, false, true},   {"a\nb\r\n", true, true, false},
                       {"a\rb\r\n", true, true, false},    {"\r\r\n", true, true, false},
                       {"\n", true, false, false},         {"", false, true, false},
                       {"\r\n.\r\n", false, true, false}};
    for (auto const& c : cases) {
        for (std::size_t cut = 0; cut <= c.text.size(); ++cut) {
            LineEndCheck check;
            check.feed(c.text.substr(0, cut));
            check.feed(c.text.substr(cut));
            EXPECT_EQ(check.has_bare_line_end(), c.bare) << c.text;
            EXPECT_EQ(check.at_line_start(), c.at_start) << c.text;
            EXPECT_EQ(check.ends_with_cr(), c.cr) << c.text;
        }
    }
}

}  // namespace
}  // namespace dawk::smtp
