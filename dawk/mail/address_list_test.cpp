#include "dawk/mail/address_list.hpp"

#include <random>

#include <gtest/gtest.h>

#include "dawk/mail/header.hpp"
#include "dawk/mail/message_id.hpp"

namespace dawk::mail {
namespace {

std::string show(std::string_view text, AddressListOptions options = {}) {
    auto const list = parse_address_list(text, options);
    if (!list) return list.error().message();
    std::string out;
    for (auto const& item : *list) {
        if (item.group) out += *item.group + ":";
        for (auto const& m : item.mailboxes) out += "(" + m.name + ")" + m.address.text() + " ";
        if (item.group) out += ";";
    }
    return out;
}

TEST(AddressList, Rfc5322Examples) {  // RFC 5322 §A.1.2, A.1.3, A.5, A.6
    EXPECT_EQ(show("\"Joe Q. Public\" <john.q.public@example.com>"),
              "(Joe Q. Public)john.q.public@example.com ");
    EXPECT_EQ(show("Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>"),
              "(Mary Smith)mary@x.test ()jdoe@example.org (Who?)one@y.test ");
    EXPECT_EQ(show("<boss@nil.test>, \"Giant; \\\"Big\\\" Box\" <sysservices@example.net>"),
              "()boss@nil.test (Giant; \"Big\" Box)sysservices@example.net ");
    EXPECT_EQ(show("A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;"),
              "A Group:(Ed Jones)c@a.test ()joe@where.test (John)jdoe@one.test ;");
    EXPECT_EQ(show("Undisclosed recipients:;"), "Undisclosed recipients:;");
    EXPECT_EQ(show("Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>"),
              "(Pete)pete@silly.test ");
    EXPECT_EQ(
        show("A Group(Some people)\r\n     :Chris Jones <c@(Chris's host.)public.example>,\r\n"
             "         joe@example.org,\r\n  John <jdoe@one.test> (my dear friend); (the end of "
             "the group)"),
        "A Group:(Chris Jones)c@public.example ()joe@example.org (John)jdoe@one.test ;");
    EXPECT_EQ(show("(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;"),
              "Hidden recipients:;");
    EXPECT_EQ(show("Joe Q. Public <john.q.public@example.com>"),
              "(Joe Q. Public)john.q.public@example.com ");
    EXPECT_EQ(show("Mary Smith <@node.test:mary@example.net>, , jdoe@test   . example"),
              "(Mary Smith)mary@example.net ()jdoe@test.example ");
    EXPECT_EQ(show("<@a.test,,@b.test:x@c.test>"), "()x@c.test ");
}

TEST(AddressList, CommonDeviations) {
    EXPECT_EQ(show("jdoe@x.test (John Doe)"), "(John Doe)jdoe@x.test ");
    EXPECT_EQ(show("jdoe@x.test <jdoe@y.test>"), "(jdoe@x.test)jdoe@y.test ");
    EXPECT_EQ(show("=?utf-8?Q?J=C3=BCrgen?= <j@x.test>"), "(J\xC3\xBCrgen)j@x.test ");
    EXPECT_EQ(show("\"=?utf-8?Q?J=C3=BCrgen?=\" <j@x.test>"), "(J\xC3\xBCrgen)j@x.test ");
    EXPECT_EQ(show("\"a b\".c@X.test"), "()\"a b.c\"@x.test ");
    EXPECT_EQ(show("u@[192.0.2.1]"), "()u@[192.0.2.1] ");
    EXPECT_EQ(show(""), "");
    EXPECT_EQ(show(" , ,"), "");
    EXPECT_EQ(show("root, a@x.test", {.local_only = true}), "()root ()a@x.test ");
    EXPECT_EQ(show("g:a@x.test,,b@x.test,;, c@x.test"), "g:()a@x.test ()b@x.test ;()c@x.test ");
}

TEST(AddressList, AllOrNothing) {
    for (std::string_view const text : {"a",
                                        "a@",
                                        "@x.test",
                                        "<a@x.test",
                                        "a@x.test>",
                                        "a@x.test b@x.test",
                                        "a b@x.test",
                                        "a@x.test (",
                                        "\"a <a@x.test>",
                                        "g: a@x.test",
                                        "g: h: a@x.test;;",
                                        ": a@x.test;",
                                        "<>",
                                        "a@x@y.test",
                                        "a..b@x.test",
                                        ".a@x.test",
                                        "a.@x.test",
                                        "a@x..test",
                                        "a@[x",
                                        "\"a\rb\0\"@x.test",
                                        "\xFF@x.test",
                                        "a@\xFF.test",
                                        "a;b@x.test",
                                        "<a@x.test>, b",
                                        "name"})
        EXPECT_EQ(show(text), "bad syntax") << text;
    EXPECT_EQ(show("a@x.test,b@x.test,c@x.test", {.mailboxes = 2}), "too many");
    EXPECT_EQ(show("g:a@x.test,b@x.test,c@x.test;", {.mailboxes = 2}), "too many");
}

TEST(AddressList, WritesStrictly) {
    AddressList const list{
        {std::nullopt, {{"Doe, J.", *parse_mailbox("j@x.test")}}},
        {std::nullopt, {{"", *parse_mailbox("\"a b\"@x.test")}}},
        {"Team", {{"J\xC3\xBCrgen", *parse_mailbox("k@x.test")}, {"", *parse_mailbox("l@x.test")}}},
        {"None", {}}};
    EXPECT_EQ(*format_address_list("To", list),
              "To: \"Doe, J.\" <j@x.test>, \"a b\"@x.test, Team: =?utf-8?Q?J=C3=BCrgen?=\r\n"
              " <k@x.test>, l@x.test;, None:;\r\n");
    EXPECT_EQ(*format_address_list("To", {list[2]}, {.utf8 = true}),
              "To: Team: J\xC3\xBCrgen <k@x.test>, l@x.test;\r\n");
    EXPECT_EQ(
        format_address_list("To", {{std::nullopt, {{"a\r\nBcc: b", *parse_mailbox("j@x.test")}}}})
            .error(),
        Errc::bad_syntax);
    EXPECT_EQ(format_address_list("To", {{std::nullopt, {{"", {"a\n", "x.test"}}}}}).error(),
              Errc::bad_syntax);
    EXPECT_EQ(
        format_address_list("To", {{std::nullopt, {{"", {"a", "x.test>,<b@y.test"}}}}}).error(),
        Errc::bad_syntax);
    EXPECT_EQ(format_address_list("To", {{std::nullopt, {{"", {"\xC3\xBC", "x.test"}}}}}).error(),
              Errc::unsupported);
}

TEST(AddressList, RoundTrip) {
    std::mt19937 random{4};
    std::vector<std::string> const letters{" ", "a", "b", ".",  ",",        "\"", "\\",
                                           "<", "@", ":", "=?", "\xC3\xA9", "(",  "\xE3\x81\x93"};
    auto const text = [&](std::size_t max) {
        std::string out;
        for (auto n = random() % max; n > 0; --n) out += letters[random() % letters.size()];
        auto const first = out.find_first_not_of(' ');
        return first == std::string::npos
                   ? std::string{}
                   : out.substr(first, out.find_last_not_of(' ') - first + 1);
    };
    for (int i = 0; i < 1000; ++i) {
        bool const utf8 = i % 2 == 0;
        AddressList list;
        for (auto n = random() % 4; n > 0; --n) {
            auto const mailbox = [&] {
                auto const local = utf8 ? text(10) : "a" + std::to_string(random() % 100) + " .\"";
                return Mailbox{text(600), {local, utf8 ? "\xC3\xA9.test" : "x.test"}};
            };
            AddressItem item;
            if (random() % 4 == 0) {
                item.group = "g" + text(20);
                for (auto m = random() % 3; m > 0; --m) item.mailboxes.push_back(mailbox());
            } else {
                item.mailboxes.push_back(mailbox());
            }
            list.push_back(item);
        }
        auto const field = format_address_list("To", list, {.utf8 = utf8});
        ASSERT_TRUE(field) << field.error().message();
        auto const header = HeaderSection::parse(*field);
        ASSERT_EQ(header->size(), 1U);
        for (std::size_t at = 0; at < field->size();) {
            auto const end = field->find("\r\n", at);
            ASSERT_LE(end - at, 998U);
            at = end + 2;
        }
        auto const again = parse_address_list((*header)[0].body);
        ASSERT_TRUE(again) << *field;
        EXPECT_EQ(*again, list) << *field;
    }
}

TEST(MessageId, FindsAllIdentifiers) {
    EXPECT_EQ(parse_message_ids("<a@x.test> <b@y.test>\r\n\t(c) <c @ z.test>"),
              (std::vector<std::string>{"a@x.test", "b@y.test", "c@z.test"}));
    EXPECT_EQ(parse_message_ids("\"Joe's <x@y>\" message of today <a@x.test>"),
              std::vector<std::string>{"a@x.test"});
    EXPECT_TRUE(parse_message_ids("no <id").empty());
    EXPECT_EQ(parse_message_ids("<a@x><b@x><c@x>", 2).size(), 2U);
    EXPECT_EQ(make_message_id("1.2", "x.test"), "<1.2@x.test>");
}

}  // namespace
}  // namespace dawk::mail
