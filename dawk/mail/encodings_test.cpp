#include <random>

#include <gtest/gtest.h>

#include "dawk/base/ascii.hpp"
#include "dawk/base/base64.hpp"
#include "dawk/mail/base64.hpp"
#include "dawk/mail/charset.hpp"
#include "dawk/mail/encoded_word.hpp"
#include "dawk/mail/quoted_printable.hpp"
#include "dawk/mail/utf8.hpp"

namespace dawk::mail {
namespace {

using Qp = QuotedPrintableEncoder;

template <class Coder>
std::string run(Coder coder, std::string_view text, std::size_t cut) {
    std::string out;
    while (!text.empty()) {
        coder.feed(text.substr(0, cut), out);
        text.remove_prefix(std::min(cut, text.size()));
    }
    coder.finish(out);
    return out;
}

std::string random_bytes(std::mt19937& random, std::string_view alphabet) {
    std::string out(random() % 300, ' ');
    for (auto& c : out)
        c = alphabet.empty() ? static_cast<char>(random()) : alphabet[random() % alphabet.size()];
    return out;
}

void check_lines(std::string_view text) {
    while (!text.empty()) {
        auto const end = text.find("\r\n");
        ASSERT_NE(end, std::string_view::npos);
        auto const line = text.substr(0, end);
        EXPECT_LE(line.size(), 76U);
        EXPECT_FALSE(line.ends_with(' ') || line.ends_with('\t'));
        EXPECT_EQ(line.find_first_of("\r\n"), std::string_view::npos);
        text.remove_prefix(end + 2);
    }
}

TEST(Base64, LenientSkipsAndTells) {
    EXPECT_EQ(run(Base64Decoder{}, "Zm9v\r\nYm Fy\r\n", 1), "foobar");
    EXPECT_EQ(run(Base64Decoder{}, "Zg==Zm8=", 3), "f") << "padding is the end (RFC 2045 §6.8)";
    EXPECT_EQ(run(Base64Decoder{}, "Zm9vY!g", 2), "foob");
    Base64Decoder d;
    std::string out;
    d.feed("Zm9v\r\n", out);
    EXPECT_FALSE(d.is_defective());
    d.feed("Y", out);
    d.finish(out);
    EXPECT_TRUE(d.is_defective());
}

TEST(Base64, RoundTripHoweverCut) {
    std::mt19937 random{1};
    for (int i = 0; i < 300; ++i) {
        auto const bytes = random_bytes(random, {});
        auto const encoded = run(Base64Encoder{}, bytes, bytes.size() + 1);
        check_lines(encoded);
        auto one_line = encoded;
        std::erase_if(one_line, [](char c) { return c == '\r' || c == '\n'; });
        EXPECT_EQ(one_line, base64::encode(bytes));
        EXPECT_EQ(run(Base64Encoder{}, bytes, 1 + random() % 7), encoded);
        EXPECT_EQ(run(Base64Decoder{}, encoded, 1 + random() % 7), bytes);
    }
}

TEST(QuotedPrintable, KnownAnswers) {
    EXPECT_EQ(run(Qp{Qp::Kind::text}, "caf\xC3\xA9 = \r\nx\t\r\n", 1),
              "caf=C3=A9 =3D=20\r\nx=09\r\n");
    EXPECT_EQ(run(Qp{Qp::Kind::binary}, "a\r\nb", 1), "a=0D=0Ab=\r\n");
    EXPECT_EQ(run(Qp{Qp::Kind::text}, "a\rb\nc\r", 1), "a=0Db=0Ac=0D\r\n");
    EXPECT_EQ(quoted_printable_decode("a=\r\nb=3D=3d=  \r\nc  \r\nd"), "ab==c\r\nd");
    EXPECT_EQ(quoted_printable_decode("a=\nb \nc"), "ab\nc") << "files with LF";
    EXPECT_EQ(quoted_printable_decode("100=% =4 =ZZ=4"), "100=% =4 =ZZ=4") << "not encoded at all";
    EXPECT_EQ(quoted_printable_decode("end="), "end");
    EXPECT_EQ(quoted_printable_decode("end=\r"), "end");
    EXPECT_EQ(quoted_printable_decode("a =20 \t=\r\n b"), "a   \t b");
}

TEST(QuotedPrintable, RoundTripHoweverCut) {
    std::mt19937 random{2};
    for (int i = 0; i < 600; ++i) {
        auto const text = random_bytes(random, i % 2 == 0 ? "" : "a =\t\r\n.\xC3");
        for (auto const kind : {Qp::Kind::binary, Qp::Kind::text}) {
            auto const encoded = run(Qp{kind}, text, text.size() + 1);
            check_lines(encoded);
            EXPECT_EQ(run(Qp{kind}, text, 1 + random() % 5), encoded);
            auto decoded = run(QuotedPrintableDecoder{}, encoded, 1 + random() % 5);
            bool const added_end =
                kind == Qp::Kind::text && !text.empty() && !text.ends_with("\r\n");
            EXPECT_EQ(decoded, text + (added_end ? "\r\n" : ""));
        }
    }
}

TEST(Charset, ConvertsTheCommonOnes) {
    EXPECT_EQ(*to_utf8("caf\xE9", "ISO-8859-1"), "caf\xC3\xA9");
    EXPECT_EQ(*to_utf8("\x80", "iso-8859-1"), "\xE2\x82\xAC") << "as windows-1252";
    EXPECT_EQ(*to_utf8("\x1B$B$3$l\x1B(B", "iso-2022-jp"), "\xE3\x81\x93\xE3\x82\x8C");
    EXPECT_EQ(*to_utf8("\xB1\xE2", "ks_c_5601-1987"), "\xEA\xB8\xB0");
    EXPECT_EQ(*to_utf8("a\xFF"
                       "b",
                       "utf-8"),
              "a\xEF\xBF\xBD"
              "b");
    EXPECT_EQ(to_utf8("x", "utf-8//translit").error(), Errc::unsupported);
    EXPECT_EQ(to_utf8("x", "../../etc").error(), Errc::unsupported);
    EXPECT_EQ(to_utf8("x", "").error(), Errc::unsupported);
}

TEST(EncodedWord, Decodes) {  // RFC 2047 §8
    EXPECT_EQ(decode_text("=?ISO-8859-1?Q?a?="), "a");
    EXPECT_EQ(decode_text("=?ISO-8859-1?Q?a?= b"), "a b");
    EXPECT_EQ(decode_text("=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?="), "ab");
    EXPECT_EQ(decode_text("=?ISO-8859-1?Q?a?=\r\n  =?ISO-8859-1?Q?b?="), "ab");
    EXPECT_EQ(decode_text("=?ISO-8859-1?Q?a_b?="), "a b");
    EXPECT_EQ(decode_text("=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?="), "a b");
    EXPECT_EQ(decode_text("=?utf-8*en?b?Y2Fmw6k=?="), "caf\xC3\xA9");
    EXPECT_EQ(decode_text("=?utf-8?Q?caf=C3?= =?utf-8?Q?=A9?="), "caf\xC3\xA9")
        << "a torn character";
    EXPECT_EQ(decode_text("x =? y ?= =?utf-8?X?a?= =?a?Q?"), "x =? y ?= =?utf-8?X?a?= =?a?Q?");
    EXPECT_EQ(decode_text("=?nonsense?Q?a=FF?="), "a\xEF\xBF\xBD");
    EXPECT_EQ(decode_text("=?utf-8?Q?a=0D=0AX:_b=00=C2=85?="), "a  X: b  ")
        << "no control gets out";
    EXPECT_EQ(decode_text("raw \xE9"), "raw \xEF\xBF\xBD");
    EXPECT_EQ(decode_text("=?utf-8?Q?=41?="), "A");
    EXPECT_EQ(decode_text("=?utf-8?Q?"
                          "?="),
              "");
}

TEST(EncodedWord, EncodesOnlyWhatNeedsIt) {
    EXPECT_EQ(encode_text("plain text"), "plain text");
    EXPECT_EQ(encode_text("Im caf\xC3\xA9 sein"), "Im =?utf-8?Q?caf=C3=A9?= sein");
    EXPECT_EQ(encode_text("a  b"), "a =?utf-8?Q?_b?=");
    EXPECT_EQ(encode_text(""), "");
    EXPECT_EQ(encode_text("\xE3\x81\x93\xE3\x82\x8C"), "=?utf-8?B?44GT44KM?=");
    EXPECT_EQ(encode_words("a,b", WordPlace::phrase), "=?utf-8?Q?a=2Cb?=");
}

TEST(EncodedWord, RoundTrip) {
    std::mt19937 random{3};
    std::vector<std::string> const letters{" ",
                                           " ",
                                           "a",
                                           "=",
                                           "?",
                                           "_",
                                           "=?",
                                           "?=",
                                           "\xC3\xA9",
                                           "\xE3\x81\x93",
                                           "\xF0\x9F\x98\x89",
                                           "utf-8?Q?"};
    for (int i = 0; i < 2000; ++i) {
        std::string text;
        for (auto n = random() % 120; n > 0; --n) text += letters[random() % letters.size()];
        for (auto const& encoded : {encode_text(text), encode_words(text, WordPlace::phrase),
                                    encode_words(text, WordPlace::text)}) {
            EXPECT_EQ(decode_text(encoded), text) << encoded;
            EXPECT_TRUE(ascii::is_ascii(encoded));
        }
        auto words = encode_words(text, WordPlace::phrase);
        for (std::size_t at = 0; at < words.size();) {
            auto const end = std::min(words.find(' ', at), words.size());
            EXPECT_LE(end - at, 75U);
            at = end + 1;
        }
    }
}

TEST(EncodedWord, KnowsWhatNoFieldMayHold) {
    EXPECT_TRUE(has_forbidden("a\r\nBcc: x"));
    EXPECT_TRUE(has_forbidden("a\nb"));
    EXPECT_TRUE(has_forbidden(std::string_view{"a\0b", 3}));
    EXPECT_TRUE(has_forbidden("\xFF"));
    EXPECT_FALSE(has_forbidden("caf\xC3\xA9\t"));
}

}  // namespace
}  // namespace dawk::mail
