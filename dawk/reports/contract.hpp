// The contract of every Store engine, as tests. An engine's test file includes this and adds
//
//     INSTANTIATE_TEST_SUITE_P(Mem, ReportStoreContract, ::testing::Values(MakeStore(make_mem)));
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dawk/reports/store.hpp"
#include "dawk/rt/run.hpp"

namespace dawk::reports::contract {

class Subject {
  public:
    virtual ~Subject() = default;
    virtual Store& store() = 0;
    virtual void reopen() {}  // as after a restart
};
using MakeStore = std::function<std::unique_ptr<Subject>()>;

using rt::run;

inline dmarcreport::Record record(std::string ip, std::string dkim = "pass") {
    dmarcreport::Record r;
    r.source_ip = std::move(ip);
    r.disposition = dkim == "pass" ? "none" : "reject";
    r.dkim = std::move(dkim);
    r.spf = "fail";
    r.reasons = {{"local_policy", "it's \"so\""}};
    r.header_from = "example.org";
    r.envelope_from = "bounce.example.org";
    r.dkim_results = {{"example.org", "s1", "pass", ""}, {"example.net", "s2", "fail", "x"}};
    r.spf_results = {{"bounce.example.org", "mfrom", "softfail", ""}};
    return r;
}
inline Seen seen(Day day, std::string domain, std::string ip, std::uint64_t count = 1,
                 std::string p = "none") {
    Seen out;
    out.day = day;
    out.policy.domain = std::move(domain);
    out.policy.p = std::move(p);
    out.rua = {"mailto:a@example.org", "mailto:b@example.org!10m"};
    out.row = {record(std::move(ip)), count};
    return out;
}
inline dmarcreport::Report report(std::string org, std::string id, std::int64_t day,
                                  std::string domain = "example.org") {
    dmarcreport::Report out;
    out.org_name = std::move(org);
    out.report_id = std::move(id);
    out.begin = day * day_seconds;
    out.end = (day + 1) * day_seconds - 1;
    out.policy.domain = std::move(domain);
    out.policy.p = "reject";
    out.rows = {{record("192.0.2.1"), 5}, {record("192.0.2.2", "fail"), 7}};
    return out;
}

class ReportStoreContract : public ::testing::TestWithParam<MakeStore> {
  protected:
    void SetUp() override { subject_ = GetParam()(); }
    Store& store() { return subject_->store(); }
    Result<void> add(std::vector<Seen> batch) { return run(store().add(std::move(batch))); }
    std::vector<Key> unsent(Day before, std::size_t limit = 100) {
        return run(store().unsent(before, limit)).value();
    }
    bool keep(dmarcreport::Report r) {
        return run(store().keep(std::move(r), from_millis(1000))).value();
    }
    std::vector<SourceLine> sources(std::string domain = "", std::int64_t since = 0) {
        Query query;
        query.domain = std::move(domain);
        query.since = since;
        return run(store().sources(std::move(query))).value();
    }
    std::unique_ptr<Subject> subject_;
};

TEST_P(ReportStoreContract, LikeSightingsAreCountedUp) {
    ASSERT_TRUE(add({seen(10, "example.org", "192.0.2.1", 2), seen(10, "example.org", "192.0.2.2"),
                     seen(10, "example.net", "192.0.2.1")}));
    ASSERT_TRUE(add({seen(10, "example.org", "192.0.2.2", 9, "reject")}));
    subject_->reopen();
    EXPECT_EQ(unsent(11), (std::vector<Key>{{10, "example.net"}, {10, "example.org"}}));
    auto const collected = run(store().collected({10, "example.org"}, 100));
    ASSERT_TRUE(collected);
    EXPECT_EQ(collected->policy.p, "reject") << "the last word";
    EXPECT_EQ(collected->rua,
              (std::vector<std::string>{"mailto:a@example.org", "mailto:b@example.org!10m"}));
    EXPECT_EQ(collected->rows,
              (std::vector<dmarcreport::Row>{{record("192.0.2.2"), 10}, {record("192.0.2.1"), 2}}));
    auto const cut = run(store().collected({10, "example.org"}, 1));
    EXPECT_EQ(cut->rows.size(), 1U);
    EXPECT_EQ(cut->rows_left_out, 1U);
    EXPECT_EQ(run(store().collected({9, "example.org"}, 1)).error(), Errc::not_found);
}

TEST_P(ReportStoreContract, WhatIsSentIsNotSentAgain) {
    ASSERT_TRUE(add({seen(10, "a.example", "192.0.2.1"), seen(11, "a.example", "192.0.2.1"),
                     seen(12, "a.example", "192.0.2.1")}));
    EXPECT_EQ(unsent(12), (std::vector<Key>{{10, "a.example"}, {11, "a.example"}}));
    EXPECT_EQ(unsent(12, 1).size(), 1U);
    ASSERT_TRUE(run(store().mark_sent({10, "a.example"}, from_millis(5), "sent")));
    ASSERT_TRUE(add({seen(10, "a.example", "192.0.2.9")}));
    EXPECT_EQ(unsent(12), (std::vector<Key>{{11, "a.example"}}));
    EXPECT_EQ(run(store().mark_sent({1, "b.example"}, from_millis(5), "")).error(),
              Errc::not_found);
}

TEST_P(ReportStoreContract, ReportsOfOthersAreKeptOnce) {
    EXPECT_TRUE(keep(report("org", "1", 10)));
    EXPECT_FALSE(keep(report("org", "1", 10)));
    EXPECT_TRUE(keep(report("other", "1", 10)));
    EXPECT_TRUE(keep(report("org", "1", 11, "example.net")));
    subject_->reopen();
    auto const lines = run(store().reports({})).value();
    ASSERT_EQ(lines.size(), 3U);
    EXPECT_EQ(lines[0].domain, "example.net") << "newest first";
    EXPECT_EQ(lines[0].messages, 12U);
    EXPECT_EQ(lines[0].passed, 5U);
    EXPECT_EQ(lines[0].received, from_millis(1000));
    EXPECT_EQ(lines[1].org_name, "org");
}

TEST_P(ReportStoreContract, SourcesAreAddedUp) {
    keep(report("org", "1", 10));
    keep(report("org", "2", 12));
    keep(report("org", "3", 12, "news.example.org"));
    keep(report("org", "4", 12, "badexample.org"));
    auto const lines = sources("example.org");
    ASSERT_EQ(lines.size(), 4U);
    SourceLine const first{"example.org",    "192.0.2.2",         14, 0, 0, 0, 0, 14, 2,
                           10 * day_seconds, 13 * day_seconds - 1};
    EXPECT_EQ(lines[0], first);
    EXPECT_EQ(lines[1].source_ip, "192.0.2.1");
    EXPECT_EQ(lines[1].passed, 10U);
    EXPECT_EQ(lines[1].dkim_aligned, 10U);
    EXPECT_EQ(lines[2].domain, "news.example.org");
    EXPECT_EQ(sources().size(), 6U);
    EXPECT_EQ(sources("example.org", 11 * day_seconds).at(0).messages, 7U);
    EXPECT_TRUE(sources("nobody.example").empty());
    EXPECT_TRUE(sources("%").empty());
}

TEST_P(ReportStoreContract, OldDaysAreForgotten) {
    ASSERT_TRUE(add({seen(10, "a.example", "192.0.2.1"), seen(11, "a.example", "192.0.2.1")}));
    keep(report("org", "1", 10));
    keep(report("org", "2", 11));
    ASSERT_TRUE(run(store().forget(11)));
    EXPECT_EQ(unsent(20), (std::vector<Key>{{11, "a.example"}}));
    EXPECT_EQ(run(store().reports({})).value().size(), 1U);
    EXPECT_EQ(sources().at(0).messages, 7U);
}

}  // namespace dawk::reports::contract
