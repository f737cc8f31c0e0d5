#include "dawk/smtp/command.hpp"

#include <gtest/gtest.h>

namespace dawk::smtp {
namespace {

constexpr CommandGrammar full{.auth = true};

int mail_code(std::string_view argument, CommandGrammar grammar = full) {
    MailCommand out;
    auto const refusal = parse_mail(argument, grammar, out);
    return refusal ? refusal->code : 250;
}
MailCommand mail(std::string_view argument) {
    MailCommand out;
    auto const refusal = parse_mail(argument, full, out);
    EXPECT_FALSE(refusal) << argument;
    return out;
}
int rcpt_code(std::string_view argument, bool utf8 = false, CommandGrammar grammar = full) {
    RcptCommand out;
    auto const refusal = parse_rcpt(argument, grammar, utf8, out);
    return refusal ? refusal->code : 250;
}
RcptCommand rcpt(std::string_view argument, bool utf8 = false) {
    RcptCommand out;
    auto const refusal = parse_rcpt(argument, full, utf8, out);
    EXPECT_FALSE(refusal) << argument;
    return out;
}

TEST(Command, VerbsInAnyCase) {  // RFC 5321 §2.4
    EXPECT_EQ(split_command("mAiL FROM:<>").verb, Verb::mail);
    EXPECT_EQ(split_command("mAiL FROM:<>").argument, "FROM:<>");
    EXPECT_EQ(split_command("QUIT  \t").verb, Verb::quit);
    EXPECT_EQ(split_command("QUIT  \t").argument, "");
    EXPECT_EQ(split_command("NOOP  a b ").argument, "a b");
    EXPECT_EQ(split_command("").verb, Verb::unknown);
    EXPECT_EQ(split_command("   ").verb, Verb::unknown);
    EXPECT_EQ(split_command("MAILX").verb, Verb::unknown);
    EXPECT_EQ(split_command("GET / HTTP/1.1").verb, Verb::foreign);
}

TEST(MailCommand, Paths) {
    EXPECT_TRUE(mail("FROM:<>").reverse_path.is_null());
    EXPECT_TRUE(mail("from: <> ").reverse_path.is_null());
    EXPECT_EQ(mail("FROM:<a@Example.ORG>").reverse_path.text(), "a@example.org");
    EXPECT_EQ(mail("FROM:<\"a>b c\"@x.org> SIZE=3").reverse_path.local, "a>b c");
    EXPECT_EQ(mail("FROM:<\"a\\\">b\"@x.org>").reverse_path.local, "a\">b");
    EXPECT_EQ(mail("FROM:a@x.org SIZE=3").reverse_path.text(), "a@x.org");
    EXPECT_EQ(mail("FROM:<a@[192.0.2.1]>").reverse_path.domain, "[192.0.2.1]");
}

TEST(MailCommand, SourceRoutesAreReadAndForgotten) {  // RFC 5321 §3.3, appendix C
    EXPECT_EQ(mail("FROM:<@a.org,@b.org:u@c.org>").reverse_path.text(), "u@c.org");
    EXPECT_EQ(mail("FROM:<@[IPv6:2001:db8::1]:u@c.org>").reverse_path.text(), "u@c.org");
    for (std::string_view bad : {"FROM:<@a.org>", "FROM:<@:u@c.org>", "FROM:<@a.org,b.org:u@c.org>",
                                 "FROM:<@a.org:>", "FROM:<@a.org,:u@c.org>", "FROM:<@[:u@c.org>"}) {
        EXPECT_EQ(mail_code(bad), 501) << bad;
    }
}

TEST(MailCommand, BadPaths) {
    for (std::string_view bad :
         {"FROM:", "FROM:<", "FROM:<a", "FROM:<pepe>", "FROM:<a@b", "FROM:<a b@c>",
          "FROM:<a@b>SIZE=3", "FROM:< >", "FROM:<a@>", "FROM:<@b>", "LALA:<>", "", "FROM <a@b>",
          "FROM:<\"a@b>", "FROM:<a@b>>", "FROM:<<a@b>", "TO:<a@b>"}) {
        EXPECT_EQ(mail_code(bad), 501) << bad;
    }
}

TEST(MailCommand, SizeHasTwentyDigitsAndSaturates) {  // RFC 1870 §3
    EXPECT_EQ(mail("FROM:<> SIZE=0").size, 0U);
    EXPECT_EQ(mail("FROM:<> SIZE=18446744073709551615").size, UINT64_MAX);
    EXPECT_EQ(mail("FROM:<> SIZE=99999999999999999999").size, UINT64_MAX);
    EXPECT_EQ(mail("FROM:<> SIZE=00000000000000000007").size, 7U);
    for (std::string_view bad :
         {"FROM:<> SIZE=100000000000000000000", "FROM:<> SIZE=", "FROM:<> SIZE", "FROM:<> SIZE=-1",
          "FROM:<> SIZE=1a", "FROM:<> SIZE=1 SIZE=1"}) {
        EXPECT_EQ(mail_code(bad), 501) << bad;
    }
}

TEST(MailCommand, ParametersOfExtensions) {
    auto const m = mail("FROM:<a@b.org> BODY=8bitmime RET=hdrs ENVID=QQ+2B314 SMTPUTF8 AUTH=<>");
    EXPECT_EQ(m.body, envelope::Body::eight_bit);
    EXPECT_EQ(m.ret, envelope::Ret::headers);
    EXPECT_EQ(m.envid, "QQ+314");
    EXPECT_TRUE(m.smtputf8);
    EXPECT_EQ(mail("FROM:<> RET=FULL").ret, envelope::Ret::full);
    for (std::string_view bad :
         {"FROM:<> BODY=9BIT", "FROM:<> BODY=BINARYMIME", "FROM:<> RET=ALL", "FROM:<> RET",
          "FROM:<> ENVID", "FROM:<> ENVID=a+0D", "FROM:<> ENVID=a RET=FULL ENVID=b",
          "FROM:<> RET=FULL RET=FULL", "FROM:<> SMTPUTF8=yes", "FROM:<> AUTH", "FROM:<> AUTH=a+zz",
          "FROM:<> =1", "FROM:<> -A=1", "FROM:<> A_B=1"}) {
        EXPECT_EQ(mail_code(bad), 501) << bad;
    }
    EXPECT_EQ(mail_code("FROM:<> ENVID=" + std::string(100, 'x')), 250);  // RFC 3461 §4.4
    EXPECT_EQ(mail_code("FROM:<> ENVID=" + std::string(101, 'x')), 501);
}

TEST(MailCommand, UnknownParametersAre555) {  // RFC 5321 §4.1.1.11
    EXPECT_EQ(mail_code("FROM:<> XYZZY=1"), 555);
    EXPECT_EQ(mail_code("FROM:<> AUTH=<>", CommandGrammar{}), 555);
    EXPECT_EQ(mail_code("FROM:<> SIZE=1", CommandGrammar{.extensions = false}), 555);
    EXPECT_EQ(mail_code("FROM:<> SMTPUTF8", CommandGrammar{.smtputf8 = false}), 555);
    EXPECT_EQ(rcpt_code("TO:<a@b.org> SIZE=1"), 555);
}

TEST(MailCommand, NonAsciiNeedsSmtputf8) {  // RFC 6531 §3.5
    EXPECT_EQ(mail_code("FROM:<\xc3\xbc@b.org>"), 550);
    EXPECT_EQ(mail_code("FROM:<\xc3\xbc@b.org> SMTPUTF8"), 250);
    EXPECT_EQ(mail_code("FROM:<\xc3@b.org> SMTPUTF8"), 501);
    EXPECT_EQ(rcpt_code("TO:<\xc3\xbc@b.org>"), 553);
    EXPECT_EQ(rcpt_code("TO:<\xc3\xbc@b.org>", true), 250);
}

TEST(RcptCommand, PostmasterNeedsNoDomain) {  // RFC 5321 §4.1.1.3
    EXPECT_EQ(rcpt("TO:<PostMaster>").forward_path.domain, "");
    EXPECT_EQ(rcpt_code("TO:<somebody>"), 501);
    EXPECT_EQ(rcpt_code("TO:<>"), 501);
    EXPECT_EQ(rcpt_code("TO:"), 501);
    EXPECT_EQ(rcpt("TO: u@b.org").forward_path.text(), "u@b.org");
}

TEST(RcptCommand, NotifyIsStrict) {  // RFC 3461 §4.1
    auto const n = rcpt("TO:<a@b.org> NOTIFY=success,DELAY").notify;
    EXPECT_TRUE(n.success && n.delay && !n.failure && !n.never);
    EXPECT_TRUE(rcpt("TO:<a@b.org> NOTIFY=never").notify.never);
    for (std::string_view bad :
         {"NOTIFY", "NOTIFY=", "NOTIFY=NEVER,DELAY", "NOTIFY=DELAY,NEVER", "NOTIFY=DELAY,DELAY",
          "NOTIFY=DELAY,", "NOTIFY=,DELAY", "NOTIFY=MAYBE", "NOTIFY=DELAY NOTIFY=DELAY"}) {
        EXPECT_EQ(rcpt_code("TO:<a@b.org> " + std::string(bad)), 501) << bad;
    }
}

TEST(RcptCommand, OrcptIsStrict) {  // RFC 3461 §4.2
    EXPECT_EQ(rcpt("TO:<a@b.org> ORCPT=rfc822;x+2By@b.org").orcpt, "rfc822;x+y@b.org");
    EXPECT_EQ(rcpt("TO:<a@b.org> ORCPT=utf-8;\\x{E4}@b.org").orcpt, "utf-8;\\x{E4}@b.org");
    for (std::string_view bad :
         {"ORCPT", "ORCPT=", "ORCPT=x@y", "ORCPT=;x", "ORCPT=rfc822;", "ORCPT=rfc822;a+0Ab",
          "ORCPT=r f;x", "ORCPT=rfc822;a ORCPT=rfc822;b"}) {
        EXPECT_NE(rcpt_code("TO:<a@b.org> " + std::string(bad)), 250) << bad;
    }
    EXPECT_EQ(rcpt_code("TO:<a@b.org> ORCPT=rfc822;" + std::string(493, 'x')), 250);
    EXPECT_EQ(rcpt_code("TO:<a@b.org> ORCPT=rfc822;" + std::string(494, 'x')), 501);
}

TEST(BdatCommand, SizeAndLast) {  // RFC 3030 §2
    BdatCommand out;
    EXPECT_FALSE(parse_bdat("86 LAST", out));
    EXPECT_TRUE(out.size == 86 && out.last);
    EXPECT_FALSE(parse_bdat("0", out));
    EXPECT_TRUE(out.size == 0 && !out.last);
    EXPECT_FALSE(parse_bdat("99999999999999999999 last", out));
    EXPECT_EQ(out.size, UINT64_MAX);
    for (std::string_view bad : {"", "LAST", "-1", "1 FIRST", "1LAST", "0x10", "1 LAST LAST"}) {
        EXPECT_TRUE(parse_bdat(bad, out)) << bad;
    }
}

TEST(Command, ClientNames) {  // RFC 5321 §4.1.4
    for (std::string_view good :
         {"mx.example.org", "[192.0.2.1]", "[IPv6:::1]", "my_pc", "localhost"}) {
        EXPECT_TRUE(is_client_name(good)) << good;
    }
    for (std::string_view bad : {"", "a b", "\xc3\xa4", "a\tb"})
        EXPECT_FALSE(is_client_name(bad)) << bad;
    EXPECT_TRUE(is_client_name(std::string(255, 'x')));
    EXPECT_FALSE(is_client_name(std::string(256, 'x')));
}

}  // namespace
}  // namespace dawk::smtp
