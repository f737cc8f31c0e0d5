#include "dawk/mta/submit.hpp"

#include "dawk/mta/deliverer_test.hpp"

namespace dawk::mta {
namespace {

using namespace testing;
using smtp::ClientFailure;
using Kind = smtp::RecipientResult::Kind;

struct SubmitTest : CarrierTest {
    ScriptedHost server{internet, group, "mail.test", {"192.0.2.20"}, "192.0.2.20:587"};
    Submission submission;
    SubmitResult result;

    SubmitTest() {
        internet.zone().add_address("mail.test", "192.0.2.20");
        submission.host = "mail.test";
        submission.client_name = "us.test";
        submission.envelope = make_envelope({"a", "b", "c"});
        submission.content = std::make_shared<spool::MemoryContent>("Subject: x\r\n\r\nhi\r\n");
    }
    ~SubmitTest() override { stop(); }

    Task<void> run_submit() {
        auto what = submission;
        result = co_await submit(env, std::move(what), nullptr);
    }
    SubmitResult const& send() {
        result = {};
        carriers.spawn(run_submit());
        EXPECT_TRUE(world.run_until_true([&] { return carriers.size() == 0; }, 1h));
        return result;
    }
};

TEST_F(SubmitTest, TellsWhatTheServerSaidOfEachRecipient) {
    server.make = [] {
        FakeServer fake;
        fake.replies["RCPT TO:<b@"] = "550 5.1.1 no such user\r\n";
        return fake;
    };
    auto const& r = send();
    EXPECT_FALSE(r.failure);
    EXPECT_EQ(r.remote, "192.0.2.20:587");
    ASSERT_EQ(r.recipients.size(), 3U);
    EXPECT_EQ(r.recipients[0].kind, Kind::accepted);
    EXPECT_EQ(r.recipients[1].kind, Kind::permanent);
    EXPECT_EQ(r.recipients[1].reply.status, "5.1.1");
    EXPECT_EQ(r.recipients[2].kind, Kind::accepted);
    EXPECT_TRUE(server.servers.at(0)->quit);
    EXPECT_EQ(server.contents().at(0), "Subject: x\r\n\r\nhi\r\n") << "no trace of ours";
}

TEST_F(SubmitTest, StreamsLargeContentAndSplitsRecipients) {
    std::string const content = "Subject: x\r\n\r\n" + std::string(400'000, 'x') + "\r\n";
    submission.content = std::make_shared<spool::MemoryContent>(content, true);
    server.make = [] {
        FakeServer fake;
        fake.ehlo = "250-x\r\n250-PIPELINING\r\n250 LIMITS RCPTMAX=2\r\n";
        return fake;
    };
    for (auto const& recipient : send().recipients) EXPECT_EQ(recipient.kind, Kind::accepted);
    EXPECT_EQ(server.contents().size(), 2U);
    EXPECT_EQ(server.contents().at(1), content);
}

TEST_F(SubmitTest, SaysWhyThereWasNoConversation) {
    submission.host = "missing.test";
    EXPECT_EQ(send().failure->stage, "dns");
    submission.host = "mail.test";
    submission.port = 1;
    EXPECT_EQ(send().failure->stage, "connect");
    submission.port = 587;
    server.make = [] {
        FakeServer fake;
        fake.banner = "554 5.7.1 not you\r\n";
        return fake;
    };
    EXPECT_EQ(send().failure->reply.code, 554);
    EXPECT_TRUE(result.recipients.empty());
}

TEST_F(SubmitTest, ChecksTheCertificateWhenAPasswordIsAtStake) {
    submission.user = "user";
    submission.password = "secret";
    server.make = [] {
        FakeServer fake;
        fake.ehlo = "250-x\r\n250 STARTTLS\r\n";
        fake.after_tls_ehlo = "250-x\r\n250 AUTH PLAIN\r\n";
        return fake;
    };
    EXPECT_FALSE(send().failure);
    EXPECT_FALSE(result.tls.empty());
    server.identity = server.host.load_identity("!mail.test", "").value();
    ASSERT_TRUE(send().failure);
    EXPECT_EQ(result.failure->kind, ClientFailure::Kind::tls);
    submission.insecure = true;
    EXPECT_FALSE(send().failure) << "a person said that any certificate will do";
    submission.tls = Submission::Tls::none;
    ASSERT_TRUE(send().failure);
    EXPECT_EQ(result.failure->kind, ClientFailure::Kind::auth) << "but never in the clear";
}

}  // namespace
}  // namespace dawk::mta
