#include "dawk/dmarcreport/destinations.hpp"

#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dawk::dmarcreport {
namespace {

using testing::HasSubstr;

struct Dns {
    std::map<std::string, std::vector<std::string>> txt;
    std::set<std::string> failing;
    std::vector<std::string> asked;

    dns::Answer operator()(dns::Question const& question) {
        asked.push_back(question.name);
        dns::Answer answer;
        answer.status = dns::Status::nxdomain;
        if (auto const found = txt.find(question.name); found != txt.end()) {
            answer.status = dns::Status::ok;
            answer.texts = found->second;
        }
        if (failing.contains(question.name)) answer.status = dns::Status::timeout;
        return answer;
    }
    std::vector<Destination> find(std::string domain, std::vector<std::string> uris,
                                  ReportKind kind = ReportKind::aggregate) {
        return dns::run(destinations(std::move(domain), std::move(uris), kind),
                        [this](auto const& q) { return (*this)(q); });
    }
};

TEST(Mailto, AddressesAndSizes) {
    auto const plain = parse_mailto("mailto:a@b.example");
    ASSERT_TRUE(plain);
    EXPECT_EQ(plain->address.text(), "a@b.example");
    EXPECT_EQ(plain->bytes_max, 0U);
    EXPECT_EQ(parse_mailto("MAILTO:a@b.example!10m")->bytes_max, 10U << 20U);
    EXPECT_EQ(parse_mailto("mailto:a@b.example!50K")->bytes_max, 50U << 10U);
    EXPECT_EQ(parse_mailto("mailto:a@b.example!7")->bytes_max, 7U);
    EXPECT_EQ(parse_mailto("mailto:a%21x@b.example?subject=x")->address.local, "a!x");
    for (auto const* bad :
         {"https://b.example/", "mailto:", "mailto:a", "mailto:a@b.example!x",
          "mailto:a%4@b.example", "mailto:a@b.example,c@d.example", "mailto:a@[192.0.2.1]",
          "mailto:a%0d%0ab@c.example", "mailto://b.example"})
        EXPECT_FALSE(parse_mailto(bad)) << bad;
}

TEST(Destinations, OwnOnesNeedNoConsent) {
    Dns dns;
    dns.txt["_dmarc.example.org"] = {"v=DMARC1; p=none"};
    auto const found =
        dns.find("news.example.org", {"mailto:d@example.org", "mailto:d@x.example.org"});
    ASSERT_EQ(found.size(), 2U);
    EXPECT_TRUE(found[0].is_allowed) << found[0].reason;
    EXPECT_TRUE(found[1].is_allowed) << found[1].reason;
    for (auto const& name : dns.asked) EXPECT_THAT(name, testing::Not(HasSubstr("_report")));
}

TEST(Destinations, OthersMustWantThem) {  // RFC 9990 §4
    Dns dns;
    auto const uri = std::vector<std::string>{"mailto:reports@red.example.net"};
    auto found = dns.find("blue.example.com", uri);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_FALSE(found[0].is_allowed);
    EXPECT_EQ(dns.asked.back(), "blue.example.com._report._dmarc.red.example.net");
    dns.txt["blue.example.com._report._dmarc.red.example.net"] = {"something else", "v=DMARC1"};
    EXPECT_TRUE(dns.find("blue.example.com", uri)[0].is_allowed);
    dns.failing = {"blue.example.com._report._dmarc.red.example.net"};
    dns.txt.clear();
    found = dns.find("blue.example.com", uri);
    EXPECT_FALSE(found[0].is_allowed);
    EXPECT_TRUE(found[0].is_temporary);
}

TEST(Destinations, TheOwnerMayNameAnotherAddressOfTheSameHost) {
    Dns dns;
    auto& record = dns.txt["blue.example.com._report._dmarc.red.example.net"];
    auto const uri = std::vector<std::string>{"mailto:reports@red.example.net"};
    record = {"v=DMARC1; rua=mailto:other@red.example.net"};
    auto found = dns.find("blue.example.com", uri);
    EXPECT_TRUE(found[0].is_allowed);
    EXPECT_EQ(found[0].address.text(), "other@red.example.net");
    record = {"v=DMARC1; rua=mailto:victim@third.example"};
    EXPECT_FALSE(dns.find("blue.example.com", uri)[0].is_allowed) << "neither of them";
    record = {"v=DMARC1; ruf=mailto:other@red.example.net"};
    EXPECT_EQ(dns.find("blue.example.com", uri)[0].address.local, "reports");
    EXPECT_EQ(dns.find("blue.example.com", uri, ReportKind::failure)[0].address.local, "other");
}

TEST(Destinations, NoMoreThanTenAndNoNameTooLong) {
    Dns dns;
    std::vector<std::string> const many(20, "mailto:a@b.example");
    EXPECT_EQ(dns.find("c.example", many).size(), destinations_max);
    EXPECT_TRUE(dns.find("c.example", {}).empty());
    std::string const longest = std::string(60, 'a') + "." + std::string(60, 'b') + "." +
                                std::string(60, 'c') + "." + std::string(50, 'd') + ".example";
    dns.asked.clear();
    EXPECT_FALSE(dns.find(longest, {"mailto:a@b.example"})[0].is_allowed);
    for (auto const& name : dns.asked) EXPECT_LE(name.size(), 253U);
    EXPECT_EQ(dns.find("c.example", {"https://x"})[0].reason,
              "not a mail address that can be used");
}

}  // namespace
}  // namespace dawk::dmarcreport
