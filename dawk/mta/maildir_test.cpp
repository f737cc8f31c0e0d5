#include "dawk/mta/maildir.hpp"

#include "dawk/mta/deliverer_test.hpp"

namespace dawk::mta {
namespace {

using namespace testing;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using Kind = Outcome::Kind;

std::string folder(std::string local, std::string domain = "d.test", std::string detail = "") {
    return maildir_folder("mail/{domain}/{local}/{detail}", {std::move(local), std::move(domain)},
                          detail);
}

TEST(MaildirFolder, NothingInAnAddressLeavesItsPlace) {
    EXPECT_EQ(folder("jane"), "mail/d.test/jane");
    EXPECT_EQ(folder("jane", "d.test", "lists"), "mail/d.test/jane/lists");
    EXPECT_EQ(folder("../../etc"), "mail/d.test/%2e.%2f..%2fetc");
    EXPECT_EQ(folder(".."), "mail/d.test/%2e.");
    EXPECT_EQ(folder("."), "mail/d.test/%2e");
    EXPECT_EQ(folder("a/b"), "mail/d.test/a%2fb");
    EXPECT_EQ(folder("a%2fb"), "mail/d.test/a%252fb") << "no two addresses share a folder";
    EXPECT_EQ(folder(std::string("a\0b\n", 4)), "mail/d.test/a%00b%0a");
    EXPECT_EQ(folder("a", "..", "../x"), "mail/%2e./a/%2e.%2fx");
    EXPECT_EQ(folder("{domain}"), "mail/d.test/{domain}")
        << "what was put in is not looked at again";
    EXPECT_EQ(folder("gr\xC3\xBC\xC3\x9F", "d.test"), "mail/d.test/gr\xC3\xBC\xC3\x9F");
    EXPECT_EQ(maildir_folder("m/{local}{detail}", {"a", "d"}, ".x"), "m/a.x");
}

TEST(MaildirFolder, DetailIsWhatFollowedThePlus) {
    EXPECT_EQ(detail_of({"jane", "d"}, {"jane+lists", "d"}), "lists");
    EXPECT_EQ(detail_of({"jane", "d"}, {"Jane+a+b", "d"}), "a+b");
    EXPECT_EQ(detail_of({"jane", "d"}, {"jane", "d"}), "");
    EXPECT_EQ(detail_of({"jane", "d"}, {"jane+", "d"}), "");
    EXPECT_EQ(detail_of({"jane", "d"}, {"janet", "d"}), "");
    EXPECT_EQ(detail_of({"jane", "d"}, {"jane+x", "other"}), "");
}

TEST(MaildirFiles, EveryFolderAboveIsOnDiskBeforeMailIs) {
    // However often syncing fails on the way, and whatever an earlier try has made already.
    for (std::uint32_t failures = 0; failures < 12; ++failures) {
        sim::MemoryFiles files;
        for (std::uint32_t i = 0; i <= failures; ++i) {
            files.failing_syncs = 0;
            std::vector<MaildirItem> items(1);
            items[0].folder = "mail/d.test/jane";
            items[0].name = "m" + std::to_string(i);
            items[0].pieces = {"text"};
            if (i < failures) files.failing_syncs = 1;
            deliver_to_maildirs(files, items);
            if (items[0].error) continue;
            EXPECT_TRUE(files.is_durable("mail/d.test/jane/new/" + items[0].name)) << failures;
        }
    }
}

TEST(MaildirName, IsUniqueAndTellsItsSize) {
    auto const name = maildir_name(from_millis(1'700'000'000'123), 0xAB, 7, "h:o/st", 42);
    EXPECT_EQ(name, "1700000000.M123000R00000000000000abQ7.h\\072o\\057st,S=42,W=42");
}

struct MaildirTest : CarrierTest {
    MaildirTest() {
        us.files().put("/var/dawk/x", "");  // the state directory is there
        feed->the_route.kind = routing::Route::Kind::maildir;
        feed->the_route.domain = "example.test";
        feed->the_route.maildir = "/var/dawk/mail/{domain}/{local}";
    }
    std::vector<std::string> mailbox(std::string const& local) {
        std::vector<std::string> all;
        auto const where = "/var/dawk/mail/example.test/" + local;
        auto const names = us.files().list(where + "/new");
        if (!names) return all;
        for (auto const& name : *names)
            all.push_back(us.files().get(where + "/new/" + name).value());
        EXPECT_TRUE(us.files().list(where + "/tmp").value().empty()) << "something is left in tmp";
        return all;
    }
};

TEST_F(MaildirTest, StoresWhatWasSentUnderItsFields) {
    auto const ticket = add_mail("Subject: x\r\n\r\n.body\r\n");
    carry();
    EXPECT_EQ(feed->outcome(ticket).kind, Kind::delivered);
    EXPECT_EQ(feed->outcome(ticket).stage, "maildir");
    EXPECT_EQ(feed->outcome(ticket).status, "2.0.0");
    auto const mails = mailbox("to");
    ASSERT_EQ(mails.size(), 1U);
    EXPECT_EQ(mails[0],
              "Return-Path: <from@example.org>\r\nDelivered-To: to@example.test\r\n"
              "Received: by test\r\nSubject: x\r\n\r\n.body\r\n");
    auto const name = us.files().list("/var/dawk/mail/example.test/to/new").value().at(0);
    EXPECT_THAT(name, HasSubstr(",S=" + std::to_string(mails[0].size())));
}

TEST_F(MaildirTest, AForeignReturnPathIsReplaced) {  // RFC 5321 §4.4
    std::string const rest = "Subject: x\r\n\r\nReturn-Path: of the body\r\n";
    std::string const forged = "Return-Path: <evil@evil.test>\r\n";
    std::string const folded =
        "A: b\r\nRETURN-PATH :\r\n <evil@evil.test>\r\nReturn-Path-Not: c\r\n";
    for (bool const large : {false, true}) {
        add_mail(forged + rest, large);
        add_mail(folded + rest, large);
        add_mail("Return-Path:\r\n", large);
    }
    carry();
    auto const names = us.files().list("/var/dawk/mail/example.test/to/new").value();
    ASSERT_EQ(names.size(), 6U);
    std::vector<std::string> ends;
    std::string const ours =
        "Return-Path: <from@example.org>\r\nDelivered-To: to@example.test\r\n"
        "Received: by test\r\n";
    for (auto const& name : names) {
        auto const text = us.files().get("/var/dawk/mail/example.test/to/new/" + name).value();
        EXPECT_THAT(name, HasSubstr(",S=" + std::to_string(text.size()) + ","));
        ASSERT_THAT(text, StartsWith(ours));
        ends.push_back(text.substr(ours.size()));
    }
    std::string const kept = "A: b\r\nReturn-Path-Not: c\r\n" + rest;
    EXPECT_THAT(ends, ::testing::UnorderedElementsAre(rest, rest, kept, kept, "", ""));
}

TEST_F(MaildirTest, WhatWasCalledDeliveredOutlastsAPowerCut) {
    feed->add(make_job(make_envelope({"a", "b"}), "Subject: 1\r\n\r\n"));
    feed->add(make_job(make_envelope({"a"}), "Subject: 2\r\n\r\n"));
    add_mail(std::string(300'000, 'x'), true);
    carry();
    EXPECT_EQ(feed->results.size(), 3U);
    us.files().power_cut();
    EXPECT_EQ(mailbox("a").size(), 2U);
    EXPECT_EQ(mailbox("b").size(), 1U);
    ASSERT_EQ(mailbox("to").size(), 1U);
    EXPECT_THAT(mailbox("to")[0], ::testing::EndsWith(std::string(300'000, 'x')));
}

TEST_F(MaildirTest, APowerCutAtAnyTimeLosesNothingAndShowsNothingHalf) {
    std::string const body = "Subject: x\r\n\r\n" + std::string(5000, 'y') + "\r\n";
    for (std::int64_t us_after = 0; us_after < 30'000; us_after += 500) {
        for (int i = 0; i < 3; ++i) add_mail(body);
        start();
        world.run_for(std::chrono::microseconds(us_after));
        std::size_t delivered = 0;
        for (auto const& [ticket, outcomes] : feed->results) {
            if (outcomes.front().front().kind == Kind::delivered) ++delivered;
        }
        us.files().power_cut();
        auto const names = us.files().list("/var/dawk/mail/example.test/to/new");
        auto const found = names ? names->size() : 0;
        EXPECT_GE(found, delivered);
        for (std::size_t i = 0; i < found; ++i) {
            auto const text =
                us.files().get("/var/dawk/mail/example.test/to/new/" + names->at(i)).value();
            EXPECT_THAT(text, ::testing::EndsWith(body)) << "a mail in new is whole";
        }
        carriers.cancel();
        world.run_for(1min);
        feed->waiting.clear();
    }
}

TEST_F(MaildirTest, ManyJobsShareTheirWaitsForTheDisk) {
    for (int i = 0; i < 300; ++i) add_mail();
    carry();
    EXPECT_EQ(mailbox("to").size(), 300U);
    EXPECT_GE(feed->largest_take, 100U);
}

TEST_F(MaildirTest, TroubleOfTheDiskDefers) {
    us.files().free_bytes = 10;
    auto const full = add_mail();
    carry();
    EXPECT_EQ(feed->outcome(full).kind, Kind::deferred);
    EXPECT_EQ(feed->outcome(full).status, "4.3.1");
    EXPECT_TRUE(mailbox("to").empty());
    auto const full_large = add_mail(std::string(1000, 'x'), true);
    carry();
    EXPECT_EQ(feed->outcome(full_large).status, "4.3.1");
    EXPECT_TRUE(mailbox("to").empty());
    us.files().free_bytes = UINT64_MAX;
    for (std::uint32_t nth = 1; nth < 3; ++nth) {
        us.files().failing_syncs = nth;
        auto const unsynced = add_mail();
        carry();
        EXPECT_EQ(feed->outcome(unsynced).kind, Kind::deferred);
        EXPECT_EQ(feed->outcome(unsynced).status, "4.3.0");
        us.files().failing_syncs = 0;
    }
    auto const healed = add_mail();
    carry();
    EXPECT_EQ(feed->outcome(healed).kind, Kind::delivered);
}

TEST_F(MaildirTest, OneBadMailboxHarmsOnlyItself) {
    us.files().put("/var/dawk/mail/example.test/bad", "a file, no folder");
    feed->add(make_job(make_envelope({"bad", "good"}), "Subject: x\r\n\r\n"));
    carry();
    auto const& outcomes = feed->results[1].at(0);
    EXPECT_EQ(outcomes[0].kind, Kind::deferred);
    EXPECT_EQ(outcomes[1].kind, Kind::delivered);
    EXPECT_EQ(mailbox("good").size(), 1U);
}

TEST_F(MaildirTest, AnAddressWithDetailGoesWhereTheTemplateSays) {
    feed->the_route.maildir = "/srv/{domain}/{local}/.{detail}";
    us.files().put("/srv/x", "");
    auto e = make_envelope({"to"});
    e->recipients[0].original.local = "to+lists/../x";
    feed->add(make_job(e, "Subject: x\r\n\r\n"));
    carry();
    std::string const folder = "/srv/example.test/to/.lists%2f..%2fx";
    EXPECT_EQ(us.files().list(folder + "/new").value().size(), 1U);
    EXPECT_TRUE(us.files().open(folder + "/maildirfolder"));  // as Maildir++ has it
    EXPECT_FALSE(us.files().open("/srv/example.test/to/maildirfolder"));
}

}  // namespace
}  // namespace dawk::mta
