#include "dawk/smtp/xtext.hpp"

#include <gtest/gtest.h>

namespace dawk::smtp {
namespace {

TEST(Xtext, EncodesWhatMustNotStandAlone) {  // RFC 3461 §4
    EXPECT_EQ(xtext_encode("a+b=c d"), "a+2Bb+3Dc+20d");
    EXPECT_EQ(xtext_encode("\xc3\xa4"), "+C3+A4");
    EXPECT_EQ(xtext_encode(""), "");
}

TEST(Xtext, DecodesAndRefuses) {
    EXPECT_EQ(xtext_decode("a+2Bb+3Dc+20d").value(), "a+b=c d");
    EXPECT_EQ(xtext_decode("\\x{E4}@x").value(), "\\x{E4}@x");  // RFC 6533 §3
    for (std::string_view bad :
         {"+", "+2", "+2b", "+G0", "a=b", "a b", "+0D+0A", "+00", "\t", "\xc3\xa4"}) {
        EXPECT_FALSE(xtext_decode(bad)) << bad;
    }
    EXPECT_EQ(xtext_decode("\xc3\xa4", true).value(), "\xc3\xa4");
}

TEST(Xtext, PrintableComesBack) {
    std::string all;
    for (char c = ' '; c < 127; ++c) all.push_back(c);
    EXPECT_EQ(xtext_decode(xtext_encode(all)).value(), all);
}

}  // namespace
}  // namespace dawk::smtp
