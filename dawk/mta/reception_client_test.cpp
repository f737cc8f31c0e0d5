// Who the client is, and whether it can wait.
#include "dawk/mta/receiver_test.hpp"

namespace dawk::mta {
namespace {

using namespace receiver_testing;

struct ClientNameTest : ReceiverTest {
    std::string received_from() {
        start();
        run(25, {{"EHLO c\r\n"},
                 {"MAIL FROM:<a@far.test>\r\n"},
                 {"RCPT TO:<alice@dawk.test>\r\n"},
                 {"DATA\r\n"},
                 {"Subject: x\r\n\r\n.\r\n"}});
        if (sink.envelopes.empty()) return "nothing came";
        auto const& trace = sink.envelopes.front()->trace;
        return trace.substr(0, trace.find(')') + 1);
    }
    void name(std::string const& text, std::string const& address) {
        auto& zone = internet.zone();
        dns::Answer pointer;
        pointer.status = dns::Status::ok;
        pointer.names = {"liar.far.test", text};
        zone.add("9.2.0.192.in-addr.arpa", dns::Type::ptr, pointer);
        zone.add_address(text, address);
        zone.add_address("liar.far.test", "192.0.2.77");
    }
};

TEST_F(ClientNameTest, StandsInTheTraceWhenItIsConfirmed) {  // RFC 5321 §4.4
    name("mail.far.test", "192.0.2.9");
    EXPECT_EQ(received_from(), "Received: from c (mail.far.test [192.0.2.9])");
    EXPECT_EQ(sink.envelopes.front()->origin.client_name, "mail.far.test");
}

TEST_F(ClientNameTest, UnknownWithoutConfirmation) {
    name("mail.far.test", "192.0.2.99");
    EXPECT_EQ(received_from(), "Received: from c (unknown [192.0.2.9])");
    EXPECT_EQ(sink.envelopes.front()->origin.client_name, "");
}

TEST_F(ClientNameTest, ASilentResolverHoldsTheMailUpForSecondsOnly) {
    internet.zone().fail("9.2.0.192.in-addr.arpa", dns::Status::timeout);
    EXPECT_EQ(received_from(), "Received: from c (unknown [192.0.2.9])");
    EXPECT_LT(sink.envelopes.front()->arrived - env.clock.wall() + 3h, 10s);
}

TEST_F(ClientNameTest, IsNotAskedForWhenSwitchedOff) {
    settings.dns.client_names = false;
    settings.auth.verify = false;
    name("mail.far.test", "192.0.2.9");
    EXPECT_EQ(received_from(), "Received: from c ([192.0.2.9])");
    EXPECT_EQ(internet.zone().queries, 0U);
}

TEST_F(ReceiverTest, WhoTalksBeforeTheBannerIsRefused) {  // RFC 5321 §4.3.1
    settings.limits.banner_delay = 2s;
    start();
    auto early = std::make_shared<Transcript>();
    group.spawn(talk(25, {{"EHLO c\r\n", 2}}, early, "192.0.2.9"));
    world.run_for(1h);
    EXPECT_EQ(early->codes, "554/5.5.0");
    ASSERT_EQ(log.count(envelope::Event::Kind::refused), 1U);
    EXPECT_EQ(codes(25, {{"EHLO c\r\n"}}), "220 250") << "who waits is served";
}

TEST_F(ReceiverTest, WhoTalksBeforeTheBannerIsHeardIfToldSo) {
    settings.limits.banner_delay = 2s;
    settings.limits.refuse_early_talkers = false;
    start();
    auto early = std::make_shared<Transcript>();
    group.spawn(talk(25, {{"EHLO c\r\n", 2}, {"NOOP\r\n"}}, early, "192.0.2.9"));
    world.run_for(1h);
    EXPECT_EQ(early->codes, "220 250 250/2.0.0");
    EXPECT_EQ(log.count(envelope::Event::Kind::session_error), 1U) << "but it is noted";
}

}  // namespace
}  // namespace dawk::mta
