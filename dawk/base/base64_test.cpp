#include "dawk/base/base64.hpp"

#include <gtest/gtest.h>

namespace dawk::base64 {
namespace {

TEST(Base64, VectorsOfTheStandard) {  // RFC 4648 §10
    struct {
        std::string_view plain, coded;
    } const vectors[] = {{"", ""},
                         {"f", "Zg=="},
                         {"fo", "Zm8="},
                         {"foo", "Zm9v"},
                         {"foob", "Zm9vYg=="},
                         {"fooba", "Zm9vYmE="},
                         {"foobar", "Zm9vYmFy"}};
    for (auto const& v : vectors) {
        EXPECT_EQ(encode(v.plain), v.coded);
        EXPECT_EQ(decode(v.coded).value(), v.plain);
    }
}

TEST(Base64, RefusesEverythingElse) {
    for (std::string_view bad : {"Z", "Zg", "Zg=", "Zg=A", "=Zg=", "====", "=AAA", "Z===", "Zm9v\n",
                                 "Zm 9", "Zh==", "Zm9=", "Zg==Zg==", "Zm9v=", "Zm\xc3\xa4v"}) {
        EXPECT_FALSE(decode(bad)) << bad;
    }
}

TEST(Base64, EveryOctetComesBack) {
    std::string all;
    for (int i = 0; i < 256; ++i) all.push_back(static_cast<char>(i));
    for (std::size_t cut = 0; cut < 4; ++cut) {
        std::string const part = all.substr(cut);
        EXPECT_EQ(decode(encode(part)).value(), part);
        auto const bare = encode(part, Padding::without);
        EXPECT_EQ(bare.find('='), bare.npos);
        EXPECT_EQ(decode(bare, Padding::without).value(), part);
    }
}

TEST(Base64, WithoutPaddingIsWithoutPadding) {
    EXPECT_EQ(encode("f", Padding::without), "Zg");
    for (std::string_view bad : {"Zg==", "Z", "Zm9vZ", "Zh"}) {
        EXPECT_FALSE(decode(bad, Padding::without)) << bad;
    }
}

}  // namespace
}  // namespace dawk::base64
