#include "dawk/mail/content.hpp"

#include <random>

#include <gtest/gtest.h>

#include "dawk/base/ascii.hpp"
#include "dawk/mail/field.hpp"
#include "dawk/mail/header.hpp"

namespace dawk::mail {
namespace {

TEST(ContentType, ReadsTypeAndParameters) {
    auto const t = parse_content_type("Multipart/Mixed; (c) Boundary=\"a b\"; Charset = utf-8 (d)");
    EXPECT_TRUE(t.is("multipart", "mixed"));
    EXPECT_EQ(t.param("boundary"), "a b");
    EXPECT_EQ(t.param("charset"), "utf-8");
    EXPECT_EQ(t.param("none"), "");
}

TEST(ContentType, WhatCannotBeReadIsPlainText) {  // RFC 2045 §5.2
    for (std::string_view const text : {"", "text", "/plain", "text/", "(", "\xFF/x"})
        EXPECT_EQ(parse_content_type(text).name(), "text/plain") << text;
}

TEST(ContentType, FirstOfDuplicatesCounts) {
    EXPECT_EQ(parse_content_type("multipart/mixed; boundary=a; boundary=b").param("boundary"), "a");
}

TEST(Parameters, Rfc2231) {  // RFC 2231 §3, §4, §4.1
    EXPECT_EQ(
        parse_content_type("message/external-body; URL*0=\"ftp://\"; URL*1=\"cs.utk.edu/pub\"")
            .param("url"),
        "ftp://cs.utk.edu/pub");
    EXPECT_EQ(parse_content_type(
                  "application/x-stuff; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A")
                  .param("title"),
              "This is ***fun***");
    EXPECT_EQ(
        parse_content_type("a/b; title*1*=%2A%2A%2Afun%2A%2A%2A%20; "
                           "title*0*=us-ascii'en'This%20is%20even%20more%20; title*2=\"isn't it!\"")
            .param("title"),
        "This is even more ***fun*** isn't it!");
    EXPECT_EQ(parse_content_type("a/b; name=plain.txt; name*=iso-8859-1''caf%E9").param("name"),
              "caf\xC3\xA9");
    EXPECT_EQ(parse_content_type("a/b; name*0=a; name*2=c").param("name"), "a") << "a gap ends it";
    EXPECT_EQ(parse_content_type("a/b; name*1=b; name=x").param("name"), "x") << "no beginning";
    EXPECT_EQ(parse_content_type("a/b; name*=caf%C3%A9").param("name"), "caf\xC3\xA9")
        << "no charset";
    EXPECT_EQ(parse_content_type("a/b; name*=utf-8''%zz%4").param("name"), "%zz%4");
    EXPECT_EQ(parse_content_type("a/b; name*9999999999=x; y=z").param("y"), "z");
}

TEST(Parameters, CommonDeviations) {
    EXPECT_EQ(parse_disposition("attachment; filename=my file (1).txt; x=y").param("filename"),
              "my file (1).txt");
    EXPECT_EQ(
        parse_disposition("attachment; filename=\"=?utf-8?Q?caf=C3=A9.txt?=\"").param("filename"),
        "caf\xC3\xA9.txt");
    EXPECT_EQ(parse_disposition("attachment; filename=\"a\\\"b\"").param("filename"), "a\"b");
    EXPECT_EQ(parse_disposition("attachment; filename=\"no end").param("filename"), "no end");
    EXPECT_EQ(parse_disposition("attachment;; ;filename=a;").param("filename"), "a");
    EXPECT_EQ(parse_disposition("attachment; junk; filename=a").param("filename"), "a");
    EXPECT_EQ(parse_disposition("ATTACHMENT").kind, "attachment");
    EXPECT_EQ(parse_disposition("").kind, "");
}

TEST(Parameters, AreBounded) {
    std::string many = "a/b";
    for (int i = 0; i < 1000; ++i) many += "; p" + std::to_string(i) + "=x";
    EXPECT_EQ(parse_content_type(many).params.size(), 200U);
}

TEST(TransferEncoding, IsReadWithoutCase) {
    EXPECT_EQ(parse_transfer_encoding(""), TransferEncoding::seven_bit);
    EXPECT_EQ(parse_transfer_encoding(" Base64 (c)"), TransferEncoding::base64);
    EXPECT_EQ(parse_transfer_encoding("Quoted-Printable"), TransferEncoding::quoted_printable);
    EXPECT_EQ(parse_transfer_encoding("x-uuencode"), TransferEncoding::unknown);
    EXPECT_EQ(parse_transfer_encoding("(a) \"x"), TransferEncoding::unknown);
}

TEST(Parameters, RoundTrip) {
    std::mt19937 random{5};
    std::vector<std::string> const letters{" ", "a", ".", ";",  "\"",       "\\", "'",
                                           "%", "*", "=", "=?", "\xC3\xA9", "(",  "\xE3\x81\x93"};
    for (int i = 0; i < 1000; ++i) {
        std::string value;
        for (auto n = random() % 200; n > 0; --n) value += letters[random() % letters.size()];
        bool const utf8 = random() % 2 == 0;
        auto const text = format_parameter("name", value, utf8);
        if (!utf8) {
            EXPECT_TRUE(ascii::is_ascii(text));
        }
        FieldBuilder field{"Content-Type"};
        field.add("a/b;").add_words(text);
        auto const header = HeaderSection::parse(std::move(field).finish());
        EXPECT_EQ(parse_content_type((*header)[0].body).param("name"), value) << text;
    }
}

}  // namespace
}  // namespace dawk::mail
