// From verdicts to reports in the mail of those who want them, and back from their mail to ours.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dawk/dkim/verify.hpp"
#include "dawk/dmarcreport/read.hpp"
#include "dawk/mail/mime.hpp"
#include "dawk/mta/queue_test.hpp"
#include "dawk/mta/report_inbox.hpp"
#include "dawk/mta/reporter.hpp"
#include "dawk/mta/signing.hpp"
#include "dawk/mta/verdict_collector.hpp"
#include "dawk/reports/mem_store.hpp"

namespace dawk::mta {
namespace {

using namespace test;
using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

// A message as the Receiver would have judged it.
struct Judged {
    mailauth::Client client;
    mailauth::Report report;
    mail::HeaderSection header;
    std::vector<PolicyOverride> overrides;
    Disposition disposition = Disposition::quarantine;

    explicit Judged(std::string const& record =
                        "v=DMARC1; p=reject; rua=mailto:rua@author.test; "
                        "ruf=mailto:ruf@author.test") {
        client.ip = "192.0.2.77";
        client.helo = "mx.author.test";
        client.sender = "Bounce@Bulk.test";
        report.spf.result = spf::Result::softfail;
        report.spf.domain = "bulk.test";
        report.spf.reason = "matched ~all";
        dkim::Verdict bad, good;
        bad.result = dkim::Result::fail;
        bad.domain = "author.test";
        bad.selector = "s1";
        bad.reason = "the body has changed";
        good.result = dkim::Result::pass;
        good.domain = "bulk.test";
        good.selector = "s2";
        report.dkim = {bad, good};
        report.dmarc.result = dmarc::Result::fail;
        report.dmarc.author_domain = "news.author.test";
        report.dmarc.policy_domain = "author.test";
        report.dmarc.record = dmarc::parse_record(record).record;
        if (report.dmarc.record) report.dmarc.published = report.dmarc.record->p;
        report.dmarc.requested = report.dmarc.published;
        report.header = "Authentication-Results: mail.dawk.test;\r\n dmarc=fail\r\n";
        header = mail::HeaderSection::parse(
                     "From: a@news.author.test\r\nTo: secret@dawk.test\r\n"
                     "Subject: Hi\r\n\r\n")
                     .value();
        overrides = {{"local_policy", "p=reject alone is no reason"}};
    }
    JudgedMessage message(WallTime at) const {
        return {.at = at,
                .client = client,
                .report = report,
                .header = header,
                .disposition = disposition,
                .overrides = overrides,
                .recipients = {}};
    }
};

constexpr WallTime noon{std::chrono::hours(24 * 20'000 + 12)};

TEST(Seen, WhatAVerdictAddsToAReport) {
    auto const seen = seen_of(Judged().message(noon));
    ASSERT_TRUE(seen);
    EXPECT_EQ(seen->day, 20'000);
    EXPECT_EQ(seen->policy.domain, "author.test");
    EXPECT_EQ(seen->policy.p, "reject");
    EXPECT_EQ(seen->policy.discovery_method, "treewalk");
    auto const& record = seen->row.record;
    EXPECT_EQ(record.source_ip, "192.0.2.77");
    EXPECT_EQ(record.disposition, "quarantine");
    EXPECT_EQ(record.dkim, "fail");
    EXPECT_EQ(record.header_from, "news.author.test");
    EXPECT_EQ(record.envelope_from, "bulk.test");
    ASSERT_EQ(record.dkim_results.size(), 2U);
    EXPECT_EQ(record.dkim_results[0].domain, "bulk.test") << "those that pass first";
    EXPECT_EQ(record.dkim_results[1].human_result, "the body has changed");
    EXPECT_EQ(record.spf_results.at(0).result, "softfail");
    ASSERT_EQ(record.reasons.size(), 1U);
    EXPECT_EQ(record.reasons[0].type, "local_policy");
}

TEST(Seen, DispositionsAndReasonsOfTheStandard) {
    Judged passed;
    passed.report.dmarc.result = dmarc::Result::pass;
    passed.report.dmarc.dkim_aligned = true;
    passed.disposition = Disposition::none;
    EXPECT_EQ(seen_of(passed.message(noon))->row.record.disposition, "pass");
    passed.report.dmarc.requested = dmarc::Policy::none;
    EXPECT_EQ(seen_of(passed.message(noon))->row.record.disposition, "none");
    Judged tested("v=DMARC1; p=reject; t=y; rua=mailto:rua@author.test");
    tested.report.dmarc.requested = dmarc::Policy::quarantine;
    tested.overrides.clear();
    EXPECT_EQ(seen_of(tested.message(noon))->row.record.reasons.at(0).type, "policy_test_mode");
}

TEST(Seen, NothingWhereNobodyAsks) {
    EXPECT_FALSE(seen_of(Judged("v=DMARC1; p=reject").message(noon)));
    EXPECT_FALSE(seen_of(Judged("nonsense").message(noon)));
    EXPECT_FALSE(failure_of(Judged("v=DMARC1; p=reject").message(noon)));
    EXPECT_FALSE(failure_of(Judged("v=DMARC1; p=none; psd=y; ruf=mailto:a@b.test").message(noon)));
    Judged bounce;
    bounce.client.sender = "";
    EXPECT_FALSE(failure_of(bounce.message(noon)));
    Judged automatic;
    automatic.header = mail::HeaderSection::parse("Auto-Submitted: auto-generated\r\n\r\n").value();
    EXPECT_FALSE(failure_of(automatic.message(noon)));
}

TEST(Seen, AFailureSaysWhatFailedAndHidesWhoGotIt) {
    auto const failed = failure_of(Judged().message(noon));
    ASSERT_TRUE(failed);
    EXPECT_EQ(failed->report.identity_alignment, "dkim, spf");
    EXPECT_EQ(failed->report.auth_failure, "dmarc");
    EXPECT_THAT(failed->original, HasSubstr("Subject: Hi"));
    EXPECT_THAT(failed->original, Not(HasSubstr("secret")));
    Judged half("v=DMARC1; p=reject; fo=1; ruf=mailto:ruf@author.test");
    half.report.dmarc.result = dmarc::Result::pass;
    half.report.dmarc.spf_aligned = true;
    EXPECT_EQ(failure_of(half.message(noon))->report.identity_alignment, "dkim");
    half.report.dmarc.dkim_aligned = true;
    EXPECT_FALSE(failure_of(half.message(noon)));
}

TEST(Seen, FailuresOfOneMechanismAreToldToWhoAsks) {  // RFC 9989 §4.7: fo=d, fo=s
    auto const judged = [](std::string const& fo) {
        Judged out("v=DMARC1; p=none; ruf=mailto:ruf@author.test; fo=" + fo);
        out.report.dmarc.result = dmarc::Result::pass;
        out.report.dmarc.dkim_aligned = out.report.dmarc.spf_aligned = true;
        out.report.dkim[0].failure = "bodyhash";
        out.report.spf.record = "v=spf1 -all";
        return out;
    };
    EXPECT_FALSE(failure_of(judged("0").message(noon)));
    EXPECT_FALSE(failure_of(judged("1").message(noon)));
    auto const by_dkim = failure_of(judged("d").message(noon));
    ASSERT_TRUE(by_dkim);
    EXPECT_EQ(by_dkim->report.auth_failure, "bodyhash");
    EXPECT_EQ(by_dkim->report.dkim_domain, "author.test");
    EXPECT_EQ(by_dkim->report.dkim_selector, "s1");
    EXPECT_EQ(by_dkim->report.identity_alignment, "none");
    EXPECT_FALSE(failure_of(judged("s").message(noon))) << "softfail is no fail";
    auto failed = judged("0:s");
    failed.report.spf.result = spf::Result::fail;
    auto const by_spf = failure_of(failed.message(noon));
    ASSERT_TRUE(by_spf);
    EXPECT_EQ(by_spf->report.auth_failure, "spf");
    EXPECT_EQ(by_spf->report.spf_dns, "txt : bulk.test : \"v=spf1 -all\"");
    EXPECT_TRUE(by_spf->report.dkim_domain.empty());
    auto silent = judged("d");
    silent.report.dmarc.result = dmarc::Result::fail;
    silent.report.dmarc.dkim_aligned = silent.report.dmarc.spf_aligned = false;
    silent.report.dkim[0].failure = "";
    EXPECT_FALSE(failure_of(silent.message(noon))) << "only of signatures, says fo=d";
}

struct ReportsFixture : QueueFixture {
    struct Mail {
        std::string recipient, sender, content, trace{};
    };
    std::vector<Mail> sent;
    std::vector<std::string> said;
    reports::MemStore store;
    rt::Env env = host.env();
    rt::TaskGroup later{world.context().get_executor()};
    dkim::KeyCache keys;
    std::unique_ptr<ReceiverPorts> ports;
    std::unique_ptr<Reporter> reporter;
    std::unique_ptr<VerdictCollector> collector;

    ReportsFixture() {
        deliverer->answer = [this](Job const& job, Recipient const& recipient) {
            sent.push_back({recipient.address.text(), job.envelope->reverse_path.text(),
                            std::string(*job.content->in_memory()), job.envelope->trace});
            return accepted_outcome();
        };
        settings.dmarc_reports.from = "dmarc@dawk.test";
        settings.dmarc_reports.failures = true;
        settings.dmarc_reports.failures_per_hour = 2;
        ports = std::make_unique<ReceiverPorts>(
            ReceiverPorts{env, *spool, directory, events, *queue, later, later, keys});
        auto const say = [this](std::string_view level, std::string const& text) {
            said.push_back(std::string(level) + ": " + text);
        };
        reporter = std::make_unique<Reporter>(*ports, store, say);
        collector = std::make_unique<VerdictCollector>(
            env, store, [this](FailureSeen seen) { reporter->failure(std::move(seen)); });
        configure();
    }
    ~ReportsFixture() { run(reporter->stop()); }
    void configure() {
        auto const shared = std::make_shared<Settings const>(settings);
        reporter->configure(shared);
        collector->configure(shared);
    }
    std::size_t send_due() {
        auto const posted = ask(reporter->send_due());
        world.run_for(1min);
        return posted;
    }
    void next_day() { world.step_wall_clock(Millis(24h)); }
    reports::Key key() const { return {reports::day_of(world.wall()), "author.test"}; }
};

TEST(DmarcReports, ADayIsCountedAndReportedToWhoWantsIt) {
    ReportsFixture f;
    auto const key = f.key();
    Judged const judged("v=DMARC1; p=reject; rua=mailto:rua@author.test");
    for (int i = 0; i < 3; ++i) f.collector->on_verdict(judged.message(f.world.wall()));
    EXPECT_EQ(f.collector->waiting(), 1U);
    f.run(f.collector->write());
    EXPECT_EQ(f.send_due(), 0U) << "the day is not over";
    f.next_day();
    EXPECT_EQ(f.send_due(), 1U);
    ASSERT_EQ(f.sent.size(), 1U);
    EXPECT_EQ(f.sent[0].recipient, "rua@author.test");
    EXPECT_EQ(f.sent[0].sender, "dmarc@dawk.test");
    auto const report = dmarcreport::read_message(f.sent[0].content);
    ASSERT_TRUE(report) << report.error().reason;
    EXPECT_EQ(report->rows.at(0).count, 3U);
    EXPECT_EQ(report->org_name, "mail.dawk.test");
    EXPECT_EQ(report->begin, key.day * reports::day_seconds);
    EXPECT_THAT(f.store.note_of(key), HasSubstr("to rua@author.test as "));
    EXPECT_EQ(f.send_due(), 0U) << "once";
    EXPECT_EQ(f.sent.size(), 1U);
}

// RFC 9990 §3.5: a report must pass DMARC itself.
TEST(DmarcReports, ReportsCarryOurSignature) {
    ReportsFixture f;
    auto const key = std::make_shared<crypto::PrivateKey>(
        crypto::PrivateKey::generate(crypto::KeyKind::ed25519));
    dkim::SigningKey signing;
    signing.domain = "dawk.test";
    signing.selector = "s";
    signing.key = key;
    auto keys = std::make_shared<Signing>();
    keys->add(signing);
    f.settings.signing = keys;
    f.configure();
    f.collector->on_verdict(Judged().message(f.world.wall()));
    f.run(f.collector->write());
    f.world.run_for(1min);
    f.next_day();
    EXPECT_EQ(f.send_due(), 1U);
    ASSERT_EQ(f.sent.size(), 2U) << "the failure, and the day";
    for (auto const& mail : f.sent) {
        auto const message = mail.trace + mail.content;
        auto const header = mail::HeaderSection::parse(message).value();
        dkim::Options options;
        options.now = f.world.wall();
        dkim::Verifier verifier(header, options);
        verifier.body(std::string_view(message).substr(header.body_offset()));
        auto const verdicts = dns::run(verifier.finish(), [&](dns::Question const& question) {
            dns::Answer answer;
            answer.status = dns::Status::ok;
            answer.texts = {dkim::key_record(*key)};
            EXPECT_EQ(question.name, "s._domainkey.dawk.test");
            return answer;
        });
        ASSERT_EQ(verdicts.size(), 1U) << mail.recipient;
        EXPECT_EQ(verdicts[0].result, dkim::Result::pass) << verdicts[0].reason;
    }
}

TEST(DmarcReports, AStrangersAddressGetsNothing) {
    ReportsFixture f;
    auto const key = f.key();
    f.collector->on_verdict(
        Judged("v=DMARC1; p=none; rua=mailto:victim@other.test").message(f.world.wall()));
    f.run(f.collector->write());
    f.next_day();
    EXPECT_EQ(f.send_due(), 0U);
    EXPECT_TRUE(f.sent.empty());
    EXPECT_THAT(f.store.note_of(key), HasSubstr("not to victim@other.test"));
}

TEST(DmarcReports, ConsentAndSizeDecide) {
    ReportsFixture f;
    f.internet.zone().add_txt("author.test._report._dmarc.other.test", "v=DMARC1");
    f.collector->on_verdict(
        Judged("v=DMARC1; p=none; rua=mailto:a@other.test, mailto:small@author.test!1k")
            .message(f.world.wall()));
    f.run(f.collector->write());
    f.settings.dmarc_reports.size_max_bytes = 100;
    f.configure();
    auto const key = f.key();
    f.next_day();
    EXPECT_EQ(f.send_due(), 0U);
    EXPECT_THAT(f.store.note_of(key), HasSubstr("too large"));
    f.settings.dmarc_reports.size_max_bytes = 1'000'000;
    f.configure();
    f.collector->on_verdict(
        Judged("v=DMARC1; p=none; rua=mailto:a@other.test, mailto:small@author.test!1k")
            .message(f.world.wall()));
    f.run(f.collector->write());
    auto const second = f.key();
    f.next_day();
    EXPECT_EQ(f.send_due(), 1U);
    EXPECT_EQ(f.sent.at(0).recipient, "a@other.test");
    EXPECT_THAT(f.store.note_of(second), HasSubstr("not to small@author.test: it is too large"));
}

TEST(DmarcReports, WhileDnsDoesNotAnswerItIsTriedAgain) {
    ReportsFixture f;
    auto const key = f.key();
    f.internet.zone().fail("author.test._report._dmarc.other.test", dns::Status::servfail);
    f.collector->on_verdict(
        Judged("v=DMARC1; p=none; rua=mailto:a@other.test").message(f.world.wall()));
    f.run(f.collector->write());
    f.next_day();
    EXPECT_EQ(f.send_due(), 0U);
    EXPECT_EQ(f.store.note_of(key), "");
    f.internet.zone().fail("author.test._report._dmarc.other.test", dns::Status::ok);
    f.internet.zone().add_txt("author.test._report._dmarc.other.test", "v=DMARC1");
    EXPECT_EQ(f.send_due(), 1U);
}

TEST(DmarcReports, AStoreInTroubleLosesNothingAtOnce) {
    ReportsFixture f;
    f.store.set_trouble(Errc::no_space);
    f.collector->on_verdict(Judged().message(f.world.wall()));
    f.run(f.collector->write());
    EXPECT_EQ(f.collector->waiting(), 1U);
    EXPECT_EQ(f.send_due(), 0U);
    EXPECT_THAT(f.said, testing::Contains(HasSubstr("error: DMARC reports cannot be read")));
    f.store.set_trouble({});
    f.run(f.collector->write());
    EXPECT_EQ(f.collector->waiting(), 0U);
    f.next_day();
    EXPECT_EQ(f.send_due(), 1U);
}

TEST(DmarcReports, WhatWaitsIsBounded) {
    ReportsFixture f;
    f.store.set_trouble(Errc::no_space);
    Judged judged;
    for (std::size_t i = 0; i < VerdictCollector::rows_max + 1; ++i) {
        judged.client.helo = "x";
        judged.client.ip = "2001:db8::" + std::to_string(i / 9000) + ":" + std::to_string(i % 9000);
        judged.client.sender = "a@b" + std::to_string(i) + ".test";
        f.collector->on_verdict(judged.message(f.world.wall()));
    }
    EXPECT_EQ(f.collector->waiting(), VerdictCollector::rows_max);
    EXPECT_EQ(f.collector->lost(), 1U);
}

TEST(DmarcReports, NothingIsCollectedUnlessConfigured) {
    ReportsFixture f;
    f.settings.dmarc_reports.from = "";
    f.configure();
    f.collector->on_verdict(Judged().message(f.world.wall()));
    EXPECT_EQ(f.collector->waiting(), 0U);
    f.world.run_for(1min);
    EXPECT_TRUE(f.sent.empty());
}

TEST(DmarcReports, TheDaysWorkIsDoneByItself) {
    ReportsFixture f;
    f.collector->start();
    f.reporter->start();
    f.collector->on_verdict(
        Judged("v=DMARC1; p=none; rua=mailto:rua@author.test").message(f.world.wall()));
    f.world.run_for(1min);
    EXPECT_EQ(f.collector->waiting(), 0U);
    f.next_day();
    f.world.run_for(24h);
    EXPECT_EQ(f.sent.size(), 1U);
    f.run(f.collector->stop());
}

TEST(DmarcReports, FailuresGoAtOnceAndAreFew) {
    ReportsFixture f;
    Judged judged;
    for (int i = 0; i < 5; ++i) f.collector->on_verdict(judged.message(f.world.wall()));
    f.world.run_for(1min);
    ASSERT_EQ(f.sent.size(), 1U) << "one a source and hour";
    EXPECT_EQ(f.sent[0].recipient, "ruf@author.test");
    auto const parsed = arf::parse(f.sent[0].content);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->report.source_ip, "192.0.2.77");
    EXPECT_EQ(parsed->report.delivery_result, "policy");
    EXPECT_EQ(parsed->original.value("Subject"), "Hi");
    for (auto const* ip : {"192.0.2.78", "192.0.2.79"}) {
        judged.client.ip = ip;
        f.collector->on_verdict(judged.message(f.world.wall()));
    }
    f.world.run_for(1min);
    EXPECT_EQ(f.sent.size(), 2U) << "two an hour in all";
    f.settings.dmarc_reports.failures = false;
    f.configure();
    f.world.run_for(1h);
    f.collector->on_verdict(judged.message(f.world.wall()));
    f.world.run_for(1min);
    EXPECT_EQ(f.sent.size(), 2U);
}

struct InboxFixture : ReportsFixture {
    ReportInbox inbox{env, *queue, store, mail::Address{"dmarc", "dawk.test"},
                      [this](std::string_view level, std::string const& text) {
                          said.push_back(std::string(level) + ": " + text);
                      }};
    ~InboxFixture() { run(inbox.stop()); }
    void accept(std::string const& to, std::string octets, std::string const& results = "") {
        auto envelope = make("reporter@other.test", {to});
        envelope->trace += results;
        auto content = std::make_shared<spool::MemoryContent>(octets);
        put(envelope, std::move(octets), false);
        inbox.accepted(envelope, content);
        world.run_for(1min);
    }
};

std::string report_mail() {
    dmarcreport::Mail mail;
    mail.report.org_name = "other";
    mail.report.report_id = "1";
    mail.report.begin = 20'000 * reports::day_seconds;
    mail.report.end = mail.report.begin + 10;
    mail.report.policy.domain = "dawk.test";
    dmarcreport::Record record;
    record.source_ip = "192.0.2.1";
    record.dkim = "pass";
    mail.report.rows = {{record, 4}};
    mail.submitter = "mx.other.test";
    mail.from = {"reporter", "other.test"};
    mail.to = {"dmarc", "dawk.test"};
    mail.message_id = "1@other.test";
    mail.unique = "u";
    return dmarcreport::compose_mail(mail).value();
}

TEST(ReportInbox, ReportsOfOthersAreReadAndStillDelivered) {
    InboxFixture f;
    f.accept("DMARC@dawk.test", report_mail());
    f.accept("dmarc@dawk.test", report_mail());
    EXPECT_EQ(f.sent.size(), 2U);
    EXPECT_EQ(f.inbox.kept(), 1U);
    auto const lines = f.ask(f.store.sources({})).value();
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_EQ(lines[0].messages, 4U);
    f.accept("alice@dawk.test", report_mail());
    EXPECT_EQ(f.inbox.kept() + f.inbox.refused(), 1U) << "of others' mail nothing is read";
}

TEST(ReportInbox, SomebodyMustStandBehindAReport) {
    InboxFixture f;
    std::string const field = "Authentication-Results: mx.dawk.test;\r\n\t";
    for (auto const* results :
         {"spf=pass smtp.mailfrom=evil.test; dmarc=fail header.from=other.test",
          "spf=fail smtp.mailfrom=other.test; dkim=none; dmarc=none",
          "dkim=pass header.d=evil.test; dmarc=permerror"}) {
        f.accept("dmarc@dawk.test", report_mail(), field + results + "\r\n");
    }
    EXPECT_EQ(f.inbox.refused(), 3U);
    EXPECT_EQ(f.inbox.kept(), 0U);
    EXPECT_EQ(f.sent.size(), 3U) << "delivered all the same";
    EXPECT_THAT(f.said, testing::Contains(HasSubstr("nobody stands behind it (dmarc=fail)")));
    f.accept("dmarc@dawk.test", report_mail(), field + "dkim=pass; dmarc=none\r\n");
    EXPECT_EQ(f.inbox.kept(), 1U);
}

TEST(ReportInbox, WhatIsNoReportIsSaidAndDelivered) {
    InboxFixture f;
    f.accept("dmarc@dawk.test", "Subject: hello\r\n\r\nno report\r\n");
    EXPECT_EQ(f.inbox.refused(), 1U);
    EXPECT_EQ(f.sent.size(), 1U);
    EXPECT_THAT(f.said, testing::Contains(HasSubstr("carries no DMARC report")));
}

}  // namespace
}  // namespace dawk::mta
