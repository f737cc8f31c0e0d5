#include "dawk/mail/address.hpp"

#include <gtest/gtest.h>

#include "dawk/mail/idna.hpp"
#include "dawk/mail/utf8.hpp"

namespace dawk::mail {
namespace {

std::string round(std::string_view text, bool utf8 = false) {
    auto const a = parse_mailbox(text, {.utf8 = utf8});
    return a ? a->text() : a.error().message();
}

TEST(Address, KeepsTheLocalPartAndLowersTheDomain) {
    auto const a = parse_mailbox("John.Doe+tag@Example.ORG");
    ASSERT_TRUE(a);
    EXPECT_EQ(a->local, "John.Doe+tag");
    EXPECT_EQ(a->domain, "example.org");
    EXPECT_EQ(a->text(), "John.Doe+tag@example.org");
}

TEST(Address, QuotedFormsAreEqual) {  // RFC 5321 §4.1.2
    EXPECT_EQ(*parse_mailbox("\"a.b\"@x.org"), *parse_mailbox("a.b@x.org"));
    EXPECT_EQ(*parse_mailbox("\"\\a\"@x.org"), *parse_mailbox("a@x.org"));
    EXPECT_EQ(round("\"john doe\"@Example.ORG"), "\"john doe\"@example.org");
    EXPECT_EQ(round("\"\"@x.org"), "\"\"@x.org");
    EXPECT_EQ(round("\"a..b\"@x.org"), "\"a..b\"@x.org");
}

TEST(Address, OldRoutingTricksAreOnlyOctets) {
    for (std::string const text :
         {"user%host@relay.org", "host!user@relay.org", "|cmd@x.org", "/file@x.org",
          "\"a@b.org\"@relay.org", "\"a\\\"@b.org\\\\\"@relay.org", "\"<x@y>,\"@relay.org",
          "\"-oQ/tmp ;rm\"@x.org"}) {
        EXPECT_EQ(round(text), text);
        EXPECT_TRUE(parse_mailbox(text)->domain == "relay.org" ||
                    parse_mailbox(text)->domain == "x.org");
    }
}

TEST(Address, RefusesWhatTheGrammarDoesNotKnow) {
    for (std::string const text : {"",
                                   "@",
                                   "a",
                                   "a@",
                                   "@x.org",
                                   ".a@x.org",
                                   "a.@x.org",
                                   "a..b@x.org",
                                   "a b@x.org",
                                   "a@x..org",
                                   "a@.org",
                                   "a@x.org.",
                                   "a@-x.org",
                                   "a@x-.org",
                                   "a@x_y.org",
                                   "a@b@c.org",
                                   "<a@x.org>",
                                   "a@x.org ",
                                   "\"a@x.org",
                                   "\"a\"b@x.org",
                                   "\"a\\",
                                   "\"a\\\"@x.org",
                                   "\"a\nb\"@x.org",
                                   "\"a\\\tb\"@x.org",
                                   "a@192.0.2.1",
                                   "a@1",
                                   "a(c)@x.org",
                                   "@b.org:a@x.org",
                                   "a@x.org\r\n",
                                   "a\\@b@x.org"}) {
        EXPECT_EQ(round(text), "bad syntax") << text;
        EXPECT_EQ(round(text, true), "bad syntax") << text;
    }
    EXPECT_EQ(round(std::string_view{"a\0b@x.org", 9}), "bad syntax");
    EXPECT_EQ(round(std::string_view{"a@x\0y.org", 9}, true), "bad syntax");
}

TEST(Address, HoldsTheLimits) {  // RFC 5321 §4.5.3.1
    std::string const local(64, 'a');
    EXPECT_EQ(round(local + "@x.org"), local + "@x.org");
    EXPECT_EQ(round(local + "a@x.org"), "too long");
    EXPECT_EQ(round("\"" + std::string(63, ' ') + "\"@x.org"), "too long");
    std::string const label(63, 'b');
    EXPECT_EQ(round("a@" + label + ".org"), "a@" + label + ".org");
    EXPECT_EQ(round("a@b" + label + ".org"), "too long");
    std::string const domain = label + "." + label + "." + label + ".";
    std::string const whole = "a@" + domain + std::string(60, 'c');
    ASSERT_EQ(whole.size(), 254U);
    EXPECT_EQ(round(whole), whole);
    EXPECT_EQ(round("a" + whole), "too long");
    EXPECT_TRUE(parse_domain(domain + std::string(63, 'c')));
    EXPECT_EQ(parse_domain(domain + std::string(63, 'c') + ".d").error(), Errc::too_long);
}

TEST(Address, Literals) {  // RFC 5321 §4.1.3
    EXPECT_EQ(round("a@[192.0.2.1]"), "a@[192.0.2.1]");
    EXPECT_EQ(round("a@[010.002.0.1]"), "a@[10.2.0.1]");
    EXPECT_EQ(round("a@[ipv6:2001:DB8::1]"), "a@[IPv6:2001:db8::1]");
    EXPECT_EQ(round("a@[IPv6:::ffff:192.0.2.1]"), "a@[IPv6:::ffff:192.0.2.1]");
    EXPECT_EQ(round("a@[X-Tag:some.thing/else]"), "a@[x-tag:some.thing/else]");
    EXPECT_TRUE(parse_mailbox("a@[192.0.2.1]")->has_literal());
    for (std::string const text : {"[192.0.2]",
                                   "[192.0.2.1.1]",
                                   "[256.0.0.1]",
                                   "[1..1.1]",
                                   "[]",
                                   "[1.2.3.4",
                                   "1.2.3.4]",
                                   "[1.2.3.4]x",
                                   "[IPv6:]",
                                   "[IPv6:1:2:3:4:5:6:7]",
                                   "[IPv6:1:2:3:4:5:6:7:8:9]",
                                   "[IPv6:1:2:3:4:5:6:7:8::]",
                                   "[IPv6:1::2::3]",
                                   "[IPv6::::]",
                                   "[IPv6:12345::]",
                                   "[IPv6:1.2.3.4::]",
                                   "[IPv6:g::]",
                                   "[IPv6:1:]",
                                   "[2001:db8::1]:25",
                                   "[tag-:x]",
                                   "[tag:]",
                                   "[tag:a\\b]",
                                   "[tag:a b]",
                                   "[192.0.2.1\n]"}) {
        EXPECT_EQ(round("a@" + text), "bad syntax") << text;
    }
}

TEST(Address, Utf8OnlyWhereAllowed) {  // RFC 6531 §3.3
    std::string const text = "\xD0\xBF\xD0\xB0@\xD0\xBF\xD1\x80.\xD1\x80\xD1\x84";
    EXPECT_EQ(round(text), "bad syntax");
    EXPECT_EQ(round(text, true), text);
    EXPECT_FALSE(parse_mailbox(text, {.utf8 = true})->is_ascii());
    EXPECT_EQ(round("\"\xC3\xBC \xC3\xBC\"@x.org", true), "\"\xC3\xBC \xC3\xBC\"@x.org");
    EXPECT_EQ(round("\xFF@x.org", true), "bad syntax");
    EXPECT_EQ(round("\xC0\xAF@x.org", true), "bad syntax");
    EXPECT_EQ(round("\xC2\x85@x.org", true), "bad syntax") << "NEL, a control";
    EXPECT_EQ(round("\"\\\xC3\xBC\"@x.org", true), "bad syntax") << "quoted-pair is ASCII";
    EXPECT_EQ(round("a@\xF0\x9F\x98\x89.org", true), "bad syntax") << "no U-label (RFC 5892)";
}

TEST(Address, EqualInternationalDomainsCompareEqual) {
    EXPECT_EQ(*parse_domain("B\xC3\x9C"
                            "cher.example",
                            {.utf8 = true}),
              *parse_domain("b\xC3\xBC"
                            "cher.example",
                            {.utf8 = true}));
}

TEST(Address, PostmasterNeedsNoDomain) {  // RFC 5321 §4.5.1
    auto const a = parse_mailbox("PostMaster", {.need_domain = false});
    ASSERT_TRUE(a);
    EXPECT_EQ(a->text(), "PostMaster");
    EXPECT_FALSE(a->is_null());
    EXPECT_FALSE(parse_mailbox("root", {.need_domain = false}));
    EXPECT_FALSE(parse_mailbox("postmaster"));
    EXPECT_TRUE(Address{}.is_null());
    EXPECT_EQ(Address{}.text(), "");
}

TEST(Idna, ConvertsBothWays) {
    EXPECT_EQ(*to_a_labels("b\xC3\xBC"
                           "cher.Example"),
              "xn--bcher-kva.example");
    EXPECT_EQ(to_u_labels("XN--bcher-kva.example"),
              "b\xC3\xBC"
              "cher.example");
    EXPECT_EQ(*to_a_labels("fa\xC3\x9F.de"), "xn--fa-hia.de") << "non-transitional";
    EXPECT_EQ(*to_a_labels("_Dmarc.example"), "_dmarc.example");
    EXPECT_EQ(to_u_labels("xn--\x01.x.xn--"), "xn--\x01.x.xn--");
    EXPECT_EQ(to_a_labels("\xFF.org").error(), Errc::bad_syntax);
    EXPECT_EQ(to_a_labels(std::string(300, 'a')).error(), Errc::too_long);
}

TEST(Utf8, DecodesStrictly) {
    for (std::string const bad :
         {"\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xF8", "\xC3", "\x80"})
        EXPECT_FALSE(is_utf8(bad));
    for (char32_t const code :
         {0x00U, 0x7FU, 0x80U, 0x7FFU, 0x800U, 0xFFFFU, 0x10000U, 0x10FFFFU}) {
        std::string text;
        utf8_append(text, code);
        std::string_view view = text;
        EXPECT_EQ(utf8_take(view), code);
        EXPECT_TRUE(view.empty());
    }
}

TEST(Address, ALocalPartMayBeLongWhereAsked) {
    std::string const text = std::string(100, 'x') + "@example.org";
    EXPECT_EQ(parse_mailbox(text).error(), Errc::too_long);
    EXPECT_EQ(parse_mailbox(text, {.long_local = true}).value().text(), text);
    std::string const over = std::string(243, 'x') + "@example.org";
    EXPECT_EQ(parse_mailbox(over, {.long_local = true}).error(), Errc::too_long);
}

}  // namespace
}  // namespace dawk::mail
