// The signed messages that the standards print, with the keys that they print.
#include <map>

#include <gtest/gtest.h>

#include "dawk/dkim/verify.hpp"

namespace dawk::dkim {
namespace {

std::string const body = "Hi.\r\n\r\nWe lost the game. Are you hungry yet?\r\n\r\nJoe.\r\n";
std::string const fields =
    "From: Joe SixPack <joe@football.example.com>\r\n"
    "To: Suzie Q <suzie@shopping.example.net>\r\n"
    "Subject: Is dinner ready?\r\n";

std::vector<Verdict> verify(std::string const& message,
                            std::map<std::string, std::string> const& keys) {
    auto const header = mail::HeaderSection::parse(message).value();
    Options options;
    options.now = from_millis(1'700'000'000'000);
    Verifier verifier(header, options);
    verifier.body(std::string_view(message).substr(header.body_offset()));
    return dns::run(verifier.finish(), [&](dns::Question const& question) {
        dns::Answer answer;
        auto const found = keys.find(question.name);
        answer.status = found == keys.end() ? dns::Status::nxdomain : dns::Status::ok;
        if (found != keys.end()) answer.texts = {found->second};
        return answer;
    });
}

TEST(DkimExamples, Rfc8463AppendixA) {
    std::map<std::string, std::string> const keys = {
        {"brisbane._domainkey.football.example.com",
         "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="},
        {"test._domainkey.football.example.com",
         "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWR"
         "iGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutAC"
         "DfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3"
         "Ip3G+2kryOTIKT+l/K4w3QIDAQAB"}};
    auto const message =
        "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
        " d=football.example.com; i=@football.example.com;\r\n"
        " q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
        " subject : date : message-id : from : subject : date;\r\n"
        " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
        " b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n"
        " Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\n"
        "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n"
        " d=football.example.com; i=@football.example.com;\r\n"
        " q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n"
        " date : message-id : from : subject : date;\r\n"
        " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
        " b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\r\n"
        " DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\r\n"
        " dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=\r\n" +
        fields +
        "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
        "Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n\r\n" +
        body;
    auto const verdicts = verify(message, keys);
    ASSERT_EQ(verdicts.size(), 2U);
    for (auto const& verdict : verdicts)
        EXPECT_EQ(verdict.result, Result::pass) << verdict.algorithm << ": " << verdict.reason;
    EXPECT_EQ(verdicts[0].algorithm, "ed25519-sha256");
    EXPECT_EQ(verdicts[1].key_bits, 1024U);
}

// The key is that of appendix C. What was signed, and the print does not show: lines are folded
// with six spaces, and one space stands behind the full stop in the body (its hash is that of RFC
// 8463).
TEST(DkimExamples, Rfc6376AppendixA) {
    std::map<std::string, std::string> const keys = {
        {"brisbane._domainkey.example.com",
         "v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQ"
         "KBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYt"
         "IxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v"
         "/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhi"
         "tdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB"}};
    auto const message =
        "DKIM-Signature: v=1; a=rsa-sha256; s=brisbane; d=example.com;\r\n"
        "      c=simple/simple; q=dns/txt; i=joe@football.example.com;\r\n"
        "      h=Received : From : To : Subject : Date : Message-ID;\r\n"
        "      bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
        "      b=AuUoFEfDxTDkHlLXSZEpZj79LICEps6eda7W3deTVFOk4yAUoqOB\r\n"
        "      4nujc7YopdG5dWLSdNg6xNAZpOPr+kHxt1IrE+NahM6L/LbvaHut\r\n"
        "      KVdkLLkpVaVVQPzeRDI009SO2Il5Lu7rDNH6mZckBdrIx0orEtZV\r\n"
        "      4bmp/YzhwvcubU4=;\r\n"
        "Received: from client1.football.example.com  [192.0.2.1]\r\n"
        "      by submitserver.example.com with SUBMISSION;\r\n"
        "      Fri, 11 Jul 2003 21:01:54 -0700 (PDT)\r\n" +
        fields +
        "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
        "Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n\r\n" +
        body;
    auto const verdicts = verify(message, keys);
    ASSERT_EQ(verdicts.size(), 1U);
    EXPECT_EQ(verdicts[0].result, Result::pass) << verdicts[0].reason;
}

}  // namespace
}  // namespace dawk::dkim
