#include <gtest/gtest.h>

#include "dawk/base/ascii.hpp"
#include "dawk/base/check.hpp"
#include "dawk/base/crc32c.hpp"
#include "dawk/base/id.hpp"
#include "dawk/base/result.hpp"

namespace dawk {
namespace {

Result<int> digit(std::string_view text) {
    if (text.size() != 1 || !ascii::is_digit(text[0])) return Errc::bad_syntax;
    return text[0] - '0';
}

Result<int> sum(std::string_view a, std::string_view b) {
    DAWK_TRY(int const x, digit(a));
    DAWK_TRY(int const y, digit(b));
    return x + y;
}

Result<bool> is_one(std::string_view text) {
    DAWK_TRY(int const x, digit(text));
    return x == 1;
}

TEST(Result, AnErrorIsNoTruthValue) {
    EXPECT_TRUE(is_one("1").value());
    EXPECT_FALSE(is_one("2").value());
    EXPECT_EQ(is_one("x").error(), Errc::bad_syntax);
}

TEST(Result, TryReturnsTheFirstError) {
    EXPECT_EQ(sum("1", "2").value(), 3);
    EXPECT_EQ(sum("1", "x").error(), Errc::bad_syntax);
    EXPECT_EQ(make_error_code(Errc::no_space).message(), "no space left");
}

TEST(Check, AFalseConditionEndsTheProcess) {
    EXPECT_DEATH(DAWK_CHECK(1 == 2), "1 == 2 is false");
}

TEST(MessageId, TextAndBytesRoundTrip) {
    auto const id = MessageId::make(from_millis(1'700'000'000'123), 0xABC, 0x0123456789ABCDEF);
    EXPECT_EQ(id.text().size(), MessageId::text_size);
    EXPECT_EQ(*MessageId::from_text(id.text()), id);
    EXPECT_EQ(*MessageId::from_text(ascii::to_upper(id.text())), id);
    EXPECT_EQ(*MessageId::from_bytes(id.bytes()), id);
    EXPECT_EQ(to_millis(id.born()), 1'700'000'000'123);
}

TEST(MessageId, LaterIdsAreGreater) {
    auto const early = MessageId::make(from_millis(1000), ~0ULL, ~0ULL);
    auto const late = MessageId::make(from_millis(1001), 0, 0);
    EXPECT_LT(early, late);
}

TEST(MessageId, RefusesWhatIsNoId) {
    EXPECT_FALSE(MessageId::from_text(""));
    EXPECT_FALSE(MessageId::from_text(std::string(26, '1')));
    EXPECT_FALSE(MessageId::from_text(std::string(27, 'a')));
    EXPECT_FALSE(MessageId::from_text(std::string(25, 'a') + "b")) << "stray low bits";
    EXPECT_FALSE(MessageId::from_bytes("short"));
}

TEST(Ascii, NumbersFillTheWholeText) {
    EXPECT_EQ(ascii::to_number<unsigned>("42"), 42U);
    EXPECT_EQ(ascii::to_number<unsigned>("42 "), std::nullopt);
    EXPECT_EQ(ascii::to_number<int>("-1"), std::nullopt);
    EXPECT_EQ(ascii::to_number<unsigned char>("256"), std::nullopt);
    EXPECT_EQ(ascii::to_number<int>(""), std::nullopt);
}

TEST(Ascii, PrintableEscapesWhatCouldForgeALine) {
    EXPECT_EQ(ascii::printable("a\r\nb\\"), "a\\x0d\\x0ab\\x5c");
    EXPECT_EQ(ascii::printable("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f");
    EXPECT_EQ(ascii::printable("\xc0\xaf\xed\xa0\x80"), "\\xc0\\xaf\\xed\\xa0\\x80");
    EXPECT_EQ(ascii::printable("abcdef", 3), "abc...");
}

TEST(Ascii, KnowsWellFormedUtf8) {
    EXPECT_TRUE(ascii::is_utf8(""));
    EXPECT_TRUE(ascii::is_utf8("gr\xc3\xbc\xc3\x9f \xf0\x9f\x93\xa8"));
    for (auto const* bad :
         {"\xc3", "\x80", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "a\xff"})
        EXPECT_FALSE(ascii::is_utf8(bad));
}

TEST(Ascii, ComparesWithoutCase) {
    EXPECT_TRUE(ascii::iequals("PostMaster", "postmaster"));
    EXPECT_FALSE(ascii::iequals("a", "ab"));
    EXPECT_EQ(ascii::trim(" \ta b\r\n"), "a b");
}

// RFC 9260 appendix A; values of RFC 3720 appendix B.4
TEST(Crc32c, KnownValuesByBothWays) {
    std::string rising(32, '\0');
    for (std::size_t i = 0; i < rising.size(); ++i) rising[i] = static_cast<char>(i);
    struct {
        std::string bytes;
        std::uint32_t sum;
    } const known[] = {
        {"", 0},
        {"123456789", 0xE3069283U},
        {std::string(32, '\0'), 0x8A9136AAU},
        {std::string(32, '\xff'), 0x62A8AB43U},
        {rising, 0x46DD794EU},
    };
    for (auto const& [bytes, sum] : known) {
        EXPECT_EQ(crc32c(bytes), sum);
        EXPECT_EQ(detail::crc32c_portable(bytes, 0), sum);
    }
}

TEST(Crc32c, PiecesGiveTheSameAsTheWhole) {
    std::string text;
    for (int i = 0; i < 100; ++i) text += std::to_string(i * 7919);
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        auto const head = std::string_view(text).substr(0, cut);
        auto const tail = std::string_view(text).substr(cut);
        EXPECT_EQ(crc32c(tail, crc32c(head)), crc32c(text));
        EXPECT_EQ(detail::crc32c_portable(tail, crc32c(head)), crc32c(text));
    }
}

TEST(Ascii, PercentEncodedKeepsOnlyWhatIsUnreserved) {  // RFC 3986 §2.3
    EXPECT_EQ(ascii::percent_encoded("Az09-._~"), "Az09-._~");
    EXPECT_EQ(ascii::percent_encoded("a b/@%\xC3\xA4"), "a%20b%2F%40%25%C3%A4");
}

}  // namespace
}  // namespace dawk
