#include "dawk/dsn/decide.hpp"

#include <gtest/gtest.h>

namespace dawk::dsn {
namespace {

mail::Address address(std::string_view text) {
    return *mail::parse_mailbox(text);
}
DecideOptions const options{.postmaster = address("postmaster@mx.example"), .is_automatic = false};

envelope::Envelope make(std::vector<envelope::Notify> const& notify) {
    envelope::Envelope e;
    e.reverse_path = address("sender@a.example");
    for (auto const& n : notify) {
        envelope::Recipient r;
        r.address = r.original = address("r" + std::to_string(e.recipients.size()) + "@b.example");
        r.notify = n;
        e.recipients.push_back(r);
    }
    return e;
}

// All recipients with the kind; the indexes that are reported.
std::vector<std::uint32_t> reported(envelope::Envelope const& e, Kind kind,
                                    DecideOptions const& o = options) {
    std::vector<Reported> news;
    for (std::uint32_t i = 0; i < e.recipients.size(); ++i) news.push_back({i, kind});
    std::vector<std::uint32_t> out;
    for (auto const& report : decide(e, news, o).reports)
        for (auto const one : report.recipients) out.push_back(one.recipient);
    return out;
}

using Indexes = std::vector<std::uint32_t>;

TEST(Decide, NotifySaysWhoWantsToKnow) {  // RFC 3461 §4.1, §5.2
    auto const e =
        make({{}, {.never = true}, {.success = true}, {.failure = true}, {.delay = true}});
    EXPECT_EQ(reported(e, Kind::failed), (Indexes{0, 3}));
    EXPECT_EQ(reported(e, Kind::delayed), (Indexes{0, 4}));
    EXPECT_EQ(reported(e, Kind::delivered), (Indexes{2}));
    EXPECT_EQ(reported(e, Kind::relayed), (Indexes{2}));
    EXPECT_EQ(reported(e, Kind::expanded), (Indexes{2}));
}

TEST(Decide, TheNextHopReportsItselfIfItCan) {  // RFC 3461 §5.2.1, §5.2.2 b
    auto e = make({{.success = true}});
    e.recipients[0].last.remote_has_dsn = true;
    EXPECT_EQ(reported(e, Kind::relayed), Indexes{});
    e.recipients[0].state = envelope::State::relayed;
    EXPECT_EQ(kind_of(e.recipients[0]), std::nullopt);
    e.recipients[0].last.remote_has_dsn = false;
    EXPECT_EQ(kind_of(e.recipients[0]), Kind::relayed);
}

TEST(Decide, DelayIsToldOnceAndOnlyToPeople) {
    auto e = make({{}});
    EXPECT_EQ(reported(e, Kind::delayed), Indexes{0});
    auto automatic = options;
    automatic.is_automatic = true;
    EXPECT_EQ(reported(e, Kind::delayed, automatic), Indexes{});
    EXPECT_EQ(reported(e, Kind::failed, automatic), Indexes{0})
        << "a failure must be told (RFC 3461 §5.2.6)";
    e.recipients[0].delay_notified = true;
    EXPECT_EQ(reported(e, Kind::delayed), Indexes{});
}

TEST(Decide, BouncesAreNotBounced) {  // RFC 5321 §6.1
    auto e = make({{.never = true}, {.success = true}});
    e.reverse_path = {};
    std::vector<Reported> const news{{0, Kind::failed}, {1, Kind::delivered}};
    auto const decision = decide(e, news, options);
    ASSERT_EQ(decision.reports.size(), 1U);
    EXPECT_TRUE(decision.reports[0].to_postmaster);
    EXPECT_EQ(decision.reports[0].to, options.postmaster);
    EXPECT_EQ(decision.reports[0].recipients, (std::vector<Reported>{{0, Kind::failed}}));
    EXPECT_TRUE(decision.stranded.empty());
    EXPECT_EQ(reported(e, Kind::delayed), Indexes{});
}

TEST(Decide, WhatFailsForThePostmasterIsStranded) {
    auto e = make({{}, {}, {}});
    e.reverse_path = {};
    e.recipients[0].address = address("Postmaster@MX.example");
    e.recipients[1].original = options.postmaster;
    std::vector<Reported> const news{{0, Kind::failed}, {1, Kind::failed}, {2, Kind::failed}};
    auto const decision = decide(e, news, options);
    EXPECT_EQ(decision.stranded, (Indexes{0, 1}));
    ASSERT_EQ(decision.reports.size(), 1U);
    EXPECT_EQ(decision.reports[0].recipients, (std::vector<Reported>{{2, Kind::failed}}));
    EXPECT_EQ(decide(e, news, {}).stranded, (Indexes{0, 1, 2})) << "no postmaster known";
}

TEST(Decide, SplitsManyRecipients) {
    auto const e = make(std::vector<envelope::Notify>(5));
    auto o = options;
    o.recipients_per_report = 2;
    std::vector<Reported> news;
    for (std::uint32_t i = 0; i < 5; ++i)
        news.push_back({i, i == 4 ? Kind::failed : Kind::delayed});
    auto const decision = decide(e, news, o);
    ASSERT_EQ(decision.reports.size(), 3U);
    EXPECT_EQ(decision.reports[0].recipients[0], (Reported{4, Kind::failed})) << "the worst first";
    EXPECT_EQ(decision.reports[2].recipients.size(), 1U);
    EXPECT_EQ(reported(e, Kind::failed, o).size(), 5U);
}

TEST(Decide, StatesSpeakForThemselves) {
    envelope::Recipient r;
    for (auto const& [state, kind] :
         std::initializer_list<std::pair<envelope::State, std::optional<Kind>>>{
             {envelope::State::waiting, std::nullopt},
             {envelope::State::held, std::nullopt},
             {envelope::State::delivered, Kind::delivered},
             {envelope::State::failed, Kind::failed},
             {envelope::State::expired, Kind::failed},
             {envelope::State::removed, std::nullopt}}) {
        r.state = state;
        EXPECT_EQ(kind_of(r), kind);
    }
}

TEST(IsAutomatic, KnowsMachines) {
    auto const is = [](std::string_view header) {
        return is_automatic(*mail::HeaderSection::parse(header));
    };
    EXPECT_FALSE(is("Subject: x\r\n"));
    EXPECT_FALSE(is("Auto-Submitted: no (really)\r\n"));
    EXPECT_TRUE(is("Auto-Submitted: auto-replied\r\n"));
    EXPECT_TRUE(is("List-Id: <x>\r\n"));
    EXPECT_TRUE(is("Precedence: Bulk\r\n"));
}

}  // namespace
}  // namespace dawk::dsn
