#include "dawk/mail/trace.hpp"

#include <gtest/gtest.h>

#include "dawk/mail/date.hpp"
#include "dawk/mail/header.hpp"

namespace dawk::mail {
namespace {

auto const now = from_millis(1'700'000'000'999);

ReceivedInfo info() {
    return {.helo = "client.example",
            .client_name = "c.example",
            .client_address = "192.0.2.1",
            .by = "mx.example",
            .with = "ESMTPS",
            .tls = "TLSv1.3 TLS_AES_256_GCM_SHA384",
            .id = "abc",
            .sole_recipient = parse_mailbox("\"a b\"@x.example").value(),
            .time = now};
}

TEST(Received, HoldsAllClausesInOrder) {  // RFC 5321 §4.4
    EXPECT_EQ(received_field(info()),
              "Received: from client.example (c.example [192.0.2.1]) by mx.example\r\n"
              " with ESMTPS (TLSv1.3 TLS_AES_256_GCM_SHA384) id abc for <\"a b\"@x.example>\r\n"
              " tls TLS_AES_256_GCM_SHA384;\r\n"
              " Tue, 14 Nov 2023 22:13:20 +0000\r\n");
}

TEST(Received, OwnMailHasNoFrom) {
    EXPECT_EQ(received_field({.by = "mx.example", .id = "abc", .time = now}),
              "Received: by mx.example id abc;\r\n Tue, 14 Nov 2023 22:13:20 +0000\r\n");
}

TEST(Received, PeerTextCannotLeaveItsPlace) {
    auto i = info();
    i.helo = "x) by evil\r\nSubject: forged\r\n\r\n(";
    i.client_address = "2001:db8::1";
    i.client_name = "a)b";
    i.tls = "TLSv1.3) (";
    auto const field = received_field(i);
    EXPECT_NE(
        field.find("from [IPv6:2001:db8::1]\r\n (helo=x??by?evil??Subject:?forged????? [IPv6:"),
        std::string::npos)
        << field;
    auto const header = HeaderSection::parse(field);
    ASSERT_TRUE(header);
    EXPECT_EQ(header->size(), 1U);
    EXPECT_EQ(header->block(), field);
}

TEST(Received, NamesAreWrittenInAscii) {
    auto i = info();
    i.helo =
        "b\xC3\xBC"
        "cher.example";
    EXPECT_NE(received_field(i).find("from xn--bcher-kva.example ("), std::string::npos);
    i.helo = "[192.0.2.1]";
    EXPECT_NE(received_field(i).find("from [192.0.2.1] ("), std::string::npos);
}

TEST(Received, International) {
    auto i = info();
    i.sole_recipient = parse_mailbox("\xC3\xBC@x.example", {.utf8 = true}).value();
    EXPECT_EQ(received_field(i).find("for"), std::string::npos);
    i.smtputf8 = true;
    EXPECT_NE(received_field(i).find("for <\xC3\xBC@x.example>"), std::string::npos);
}

TEST(ReturnPath, IsQuotedAndNullIsEmpty) {
    EXPECT_EQ(return_path_field({}), "Return-Path: <>\r\n");
    EXPECT_EQ(return_path_field(*parse_mailbox("\">\"@x.org")), "Return-Path: <\">\"@x.org>\r\n");
    EXPECT_EQ(delivered_to_field(*parse_mailbox("a@x.org")), "Delivered-To: a@x.org\r\n");
}

}  // namespace
}  // namespace dawk::mail
