#include "dawk/mail/convert.hpp"

#include <random>

#include <gtest/gtest.h>

#include "dawk/base/ascii.hpp"

namespace dawk::mail {
namespace {

Result<std::string> convert(std::string_view content, Transport target, std::size_t cut = 1000) {
    ConversionPlanner planner{target};
    for (auto rest = content; !rest.empty(); rest.remove_prefix(std::min(cut, rest.size())))
        if (auto const error = planner.feed(rest.substr(0, cut))) return error;
    DAWK_TRY(auto plan, planner.finish());
    Converter converter{std::move(plan)};
    std::string out;
    for (auto rest = content; !rest.empty(); rest.remove_prefix(std::min(cut, rest.size())))
        converter.feed(rest.substr(0, cut), out);
    converter.finish(out);
    return out;
}

std::string seven(std::string_view content) {
    auto const whole = convert(content, Transport::seven_bit);
    for (std::size_t cut = 1; cut < 6; ++cut) {
        auto const other = convert(content, Transport::seven_bit, cut);
        EXPECT_EQ(other.has_value(), whole.has_value());
        if (whole) {
            EXPECT_EQ(*other, *whole);
        }
    }
    return whole ? *whole : whole.error().message();
}

TEST(Convert, WhatFitsStaysAsItIs) {
    EXPECT_EQ(seven("Subject: x\r\n\r\nbody\r\n"), "Subject: x\r\n\r\nbody\r\n");
    ConversionPlanner planner{Transport::eight_bit};
    EXPECT_FALSE(planner.feed("Subject: \xC3\xBC\r\n\r\n\xC3\xBC\r\n"));
    EXPECT_TRUE(planner.finish()->is_empty());
}

TEST(Convert, PlainMessageBecomesMime) {
    EXPECT_EQ(seven("Subject: x\r\n\r\nf\xC3\xBCr\r\n"),
              "Subject: x\r\nContent-Transfer-Encoding: quoted-printable\r\nMIME-Version: 1.0\r\n"
              "Content-Type: text/plain; charset=unknown-8bit\r\n\r\nf=C3=BCr\r\n");
    EXPECT_EQ(seven("f\xC3\xBCr"),
              "Content-Transfer-Encoding: quoted-printable\r\nMIME-Version: 1.0\r\n"
              "Content-Type: text/plain; charset=unknown-8bit\r\n\r\nf=C3=BCr")
        << "no header at all";
}

TEST(Convert, OnlyThePartsThatNeedIt) {
    EXPECT_EQ(
        seven("MIME-Version: 1.0\r\nContent-Type: multipart/mixed; "
              "boundary=b\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
              "--b\r\nContent-Type: text/plain; charset=utf-8\r\ncontent-transfer-encoding: "
              "8bit\r\nX: y\r\n\r\nf\xC3\xBCr \r\nend\r\n"
              "--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\nQQ==\r\n"
              "--b\r\nContent-Type: application/x\r\nContent-Transfer-Encoding: "
              "8bit\r\n\r\n\xFF\r\n--b--\r\n"),
        "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; "
        "boundary=b\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
        "--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: "
        "quoted-printable\r\nX: y\r\n\r\nf=C3=BCr=20\r\nend\r\n"
        "--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\nQQ==\r\n"
        "--b\r\nContent-Type: application/x\r\nContent-Transfer-Encoding: "
        "base64\r\n\r\n/w==\r\n\r\n--b--\r\n");
}

TEST(Convert, EnclosedMessages) {
    EXPECT_EQ(
        seven("MIME-Version: 1.0\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: "
              "8bit\r\n\r\nSubject: in\r\n\r\n\xC3\xBC\r\n"),
        "MIME-Version: 1.0\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: "
        "7bit\r\n\r\nSubject: in\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\nMIME-Version: 1.0\r\nContent-Type: "
        "text/plain; charset=unknown-8bit\r\n\r\n=C3=BC\r\n");
}

TEST(Convert, BinaryForEightBitTransport) {  // RFC 3030 §3
    std::string content =
        "MIME-Version: 1.0\r\nContent-Type: application/x\r\nContent-Transfer-Encoding: "
        "binary\r\n\r\na";
    content.append(1, '\0').append("\nb");
    EXPECT_EQ(convert(content, Transport::eight_bit).value(),
              "MIME-Version: 1.0\r\nContent-Type: application/x\r\nContent-Transfer-Encoding: "
              "base64\r\n\r\nYQAKYg==\r\n");
    auto const text = "Subject: x\r\n\r\n" + std::string(999, 'x') + "\r\n";
    EXPECT_NE(convert(text, Transport::eight_bit).value(), text);
    auto const fits = "Subject: x\r\n\r\n" + std::string(998, 'x') + "\r\n";
    EXPECT_EQ(convert(fits, Transport::eight_bit).value(), fits);
    EXPECT_NE(convert("S: x\r\n\r\na\rb\r\n", Transport::eight_bit).value().find("base64"),
              std::string::npos);
    EXPECT_NE(convert("S: x\r\n\r\na\r", Transport::eight_bit).value().find("base64"),
              std::string::npos);
}

TEST(Convert, SaysWhatCannotBeDone) {
    auto const multi = [](std::string_view type, std::string_view part) {
        return "MIME-Version: 1.0\r\nContent-Type: multipart/" + std::string{type} +
               "; boundary=b\r\n\r\n--b\r\n" + std::string{part} + "\r\n--b--\r\n";
    };
    for (std::string const& content :
         {std::string{"Subject: \xC3\xBC\r\n\r\nx\r\n"}, multi("signed", "\r\n\xC3\xBC"),
          multi("encrypted", "\r\n\xC3\xBC"),
          multi("mixed", "Content-Transfer-Encoding: quoted-printable\r\n\r\n\xC3\xBC"),
          multi("mixed", "Content-Type: message/partial\r\n\r\n\xC3\xBC"),
          multi("mixed", "Subject: \xC3\xBC\r\n\r\nx"), multi("mixed", "\r\nx") + "\xC3\xBC"}) {
        EXPECT_EQ(seven(content), "not supported") << content;
    }
}

TEST(Convert, KeepsStructureAndContent) {
    std::mt19937 random{11};
    std::vector<std::string> const letters{"a",
                                           " ",
                                           "\r\n",
                                           "\xC3\xA9",
                                           "=",
                                           ".",
                                           "\n",
                                           std::string(1, '\0'),
                                           "\r",
                                           "--c\r\n",
                                           "long " + std::string(400, 'y')};
    for (int i = 0; i < 300; ++i) {
        auto const body = [&](std::size_t kinds) {
            std::string out;
            for (auto n = random() % 30; n > 0; --n) out += letters[random() % kinds];
            return out;
        };
        std::string content =
            "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n";
        for (int p = 0; p < 3; ++p) {
            content += "--b\r\nContent-Type: " +
                       std::string{random() % 2 == 0 ? "text/plain" : "application/x"} + "\r\n";
            if (random() % 2 == 0) content += "Content-Transfer-Encoding: binary\r\n";
            content += "\r\n" + body(p == 0 ? 4 : letters.size()) + "\r\n";
        }
        content += "--b--\r\n";
        auto const converted = convert(content, Transport::seven_bit, 1 + random() % 50);
        ASSERT_TRUE(converted);
        EXPECT_TRUE(ascii::is_ascii(*converted));
        auto const before = *parse_mime(content);
        auto const after = *parse_mime(*converted);
        ASSERT_EQ(before.size(), after.size());
        for (std::size_t p = 0; p < before.size(); ++p) {
            EXPECT_EQ(before[p].type.name(), after[p].type.name());
            if (!before[p].is_container) {
                EXPECT_EQ(decoded_body(before[p], content), decoded_body(after[p], *converted));
            }
        }
        EXPECT_EQ(convert(*converted, Transport::seven_bit).value(), *converted)
            << "once is enough";
    }
}

}  // namespace
}  // namespace dawk::mail
