#include "dawk/smtp/dot_stuffer.hpp"

#include <string>

#include <gtest/gtest.h>

namespace dawk::smtp {
namespace {

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
