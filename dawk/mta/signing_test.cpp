#include "dawk/mta/signing.hpp"

#include <gtest/gtest.h>

#include "dawk/directory/mem_directory.hpp"
#include "dawk/dkim/verify.hpp"
#include "dawk/mta/downgrade.hpp"
#include "dawk/mta/intake.hpp"
#include "dawk/sim/network.hpp"
#include "dawk/spool/mem_spool.hpp"

namespace dawk::mta {
namespace {

using namespace std::chrono_literals;

auto const now = from_millis(1'700'000'000'000);

// Keys of example.org (RSA and Ed25519) and sub.example.com, with their records.
struct Keys {
    std::shared_ptr<Signing> signing = std::make_shared<Signing>();
    std::map<std::string, std::string> records;

    Keys() {
        add("example.org", "r", crypto::KeyKind::rsa);
        add("example.org", "e", crypto::KeyKind::ed25519);
        add("sub.example.com", "e", crypto::KeyKind::ed25519);
    }
    void add(std::string const& domain, std::string const& selector, crypto::KeyKind kind) {
        dkim::SigningKey key;
        key.domain = domain;
        key.selector = selector;
        key.key =
            std::make_shared<crypto::PrivateKey const>(crypto::PrivateKey::generate(kind, 1024));
        records[selector + "._domainkey." + domain] = dkim::key_record(*key.key);
        signing->add(key);
    }
    // "pass:example.org/r pass:example.org/e", in the order of the fields.
    std::string verify(std::string const& message, WallTime at = now) const {
        auto const header = mail::HeaderSection::parse(message).value();
        dkim::Options options;
        options.now = at;
        dkim::Verifier verifier(header, options);
        verifier.body(std::string_view(message).substr(header.body_offset()));
        auto const verdicts = dns::run(verifier.finish(), [this](dns::Question const& question) {
            dns::Answer answer;
            auto const found = records.find(question.name);
            answer.status = found == records.end() ? dns::Status::nxdomain : dns::Status::ok;
            if (found != records.end()) answer.texts = {found->second};
            return answer;
        });
        std::string out;
        for (auto const& verdict : verdicts) {
            out += (out.empty() ? "" : " ") + std::string(dkim::to_string(verdict.result)) + ":" +
                   verdict.domain + "/" + verdict.selector;
        }
        return out;
    }
};

mail::HeaderSection header_of(std::string const& text) {
    return mail::HeaderSection::parse(text).value();
}

TEST(Signing, TheNearestDomainAboveSigns) {
    Keys const keys;
    auto const domain_for = [&](std::string_view domain) {
        auto const* found = keys.signing->keys_for(domain);
        return found == nullptr ? std::string() : found->front().domain;
    };
    EXPECT_EQ(domain_for("example.org"), "example.org");
    EXPECT_EQ(domain_for("mx.example.org"), "example.org");
    EXPECT_EQ(domain_for("a.sub.example.com"), "sub.example.com");
    EXPECT_EQ(domain_for("example.com"), "");
    EXPECT_EQ(domain_for("notexample.org"), "");
    EXPECT_EQ(domain_for("org"), "");
    EXPECT_EQ(domain_for(""), "");
}

TEST(Signing, OnlyTheOneAuthorWithinTheRight) {
    Keys const keys;
    SigningRight mine;
    mine.domains = {"Example.ORG"};
    SigningRight any;
    any.any = true;
    auto const signs = [&](std::string const& fields, SigningRight const& right) {
        auto const header = header_of(fields + "\r\n");
        return keys.signing->begin(header, right, now) != nullptr;
    };
    EXPECT_TRUE(signs("From: a@example.org\r\n", mine));
    EXPECT_TRUE(signs("From: \"b@example.net\" <a@EXAMPLE.org>\r\n", mine));
    EXPECT_FALSE(signs("From: a@mx.example.org\r\n", mine)) << "another's name";
    EXPECT_FALSE(signs("From: a@sub.example.com\r\n", mine));
    EXPECT_FALSE(signs("From: a@example.org, b@example.net\r\n", mine)) << "two authors";
    EXPECT_FALSE(signs("From: a@example.org\r\nFrom: b@example.org\r\n", mine));
    EXPECT_FALSE(signs("To: a@example.org\r\n", mine));
    EXPECT_FALSE(signs("From: a@example.org <b@example.net\r\n", mine));
    EXPECT_TRUE(signs("From: a@mx.example.org\r\n", any));
    EXPECT_TRUE(signs("From: a@sub.example.com\r\n", any));
    EXPECT_FALSE(signs("From: a@example.net\r\n", any));
}

TEST(Signing, AConvertedContentIsSignedAgain) {
    Keys const keys;
    std::string const content =
        "From: a@example.org\r\nMIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        "Gr\xc3\xbc\xc3\x9f\x65\r\n";
    auto const header = header_of(content);
    SigningRight any;
    any.any = true;
    auto const signer = keys.signing->begin(header, any, now);
    signer->body(std::string_view(content).substr(header.body_offset()));
    std::string const trace = "Received: by mx\r\n" + signer->finish().value();
    EXPECT_EQ(keys.verify(trace + content), "pass:example.org/r pass:example.org/e");

    smtp::Extensions const seven_bit_only;
    auto const converted = downgrade(content, envelope::Body::eight_bit, seven_bit_only);
    ASSERT_TRUE(converted);
    EXPECT_EQ(keys.verify(trace + converted->content), "fail:example.org/r fail:example.org/e")
        << "a conversion breaks signatures; else this test is empty";
    auto const again = sign_again(keys.signing.get(), trace, converted->content, now);
    EXPECT_EQ(keys.verify(again + converted->content), "pass:example.org/r pass:example.org/e");
    EXPECT_TRUE(again.starts_with("Received: by mx\r\nDKIM-Signature:"));

    EXPECT_EQ(sign_again(nullptr, trace, converted->content, now), "Received: by mx\r\n")
        << "no signature is better than one that does not hold";
    EXPECT_EQ(sign_again(keys.signing.get(), "Received: by mx\r\n", converted->content, now),
              "Received: by mx\r\n")
        << "what had none gets none";
}

// One message through an Intake.
struct IntakeTest : ::testing::Test, envelope::EventSink, AcceptedSink {
    sim::World world{7};
    sim::Internet internet{world};
    sim::Host host{internet, "mx.example.org", {"192.0.2.1"}};
    rt::Env env = host.env();
    spool::MemSpool spool;
    directory::MemDirectory directory{mail::parse_mailbox("root@example.org").value()};
    rt::TaskGroup group{world.context().get_executor()};
    dkim::KeyCache cache;
    ReceiverPorts ports{env, spool, directory, *this, *this, group, group, cache};
    Keys keys;
    IntakeOptions options;
    std::unique_ptr<Examination> examination;
    std::string trace, content, note;
    Verdict verdict;

    void on_event(envelope::Event const& event) override { note = event.note; }
    void accepted(spool::EnvelopePtr envelope, spool::ContentPtr what) override {
        trace = envelope->trace;
        content = std::string(what->in_memory().value_or("LARGE"));
    }
    Task<void> take(std::string message, std::size_t cut) {
        auto& rng = env.rng;
        auto const high = rng.next();
        auto const id = MessageId::make(env.clock.wall(), high, rng.next());
        Intake intake(ports, options, id, 0, std::move(examination));
        for (std::size_t at = 0; at < message.size(); at += cut) {
            auto const piece = message.substr(at, cut);
            verdict = co_await intake.write(piece);
            if (!verdict.is_good()) co_return;
        }
        auto envelope = std::make_unique<envelope::Envelope>();
        envelope->id = id;
        envelope->trace = "Received: by mx\r\n";
        envelope::Recipient recipient;
        recipient.address = recipient.original = mail::Address{"b", "example.net"};
        recipient.destination = "mx:example.net";
        recipient.next_attempt = env.clock.wall();
        envelope->recipients.push_back(std::move(recipient));
        verdict = co_await intake.finish(std::move(envelope));
    }
    std::string run(std::string const& message, std::size_t cut = 1000) {
        trace.clear();
        content.clear();
        group.spawn(take(message, cut));
        world.run_for(1min);
        EXPECT_TRUE(verdict.is_good()) << verdict.text;
        return keys.verify(trace + content, env.clock.wall());
    }
};

std::string const mail_of_a =
    "Bcc: c@example.net\r\nFrom: a@example.org\r\nSubject: s\r\n\r\n body \r\n\r\nend\r\n\r\n";

TEST_F(IntakeTest, ASubmissionIsSignedAsItGoesOnHoweverItIsCut) {
    options.submission = true;
    options.hostname = "mx.example.org";
    options.signing = keys.signing;
    options.right.domains = {"example.org"};
    for (std::size_t cut = 1; cut <= mail_of_a.size(); ++cut) {
        EXPECT_EQ(run(mail_of_a, cut), "pass:example.org/r pass:example.org/e") << cut;
        EXPECT_TRUE(trace.starts_with("Received: by mx\r\nDKIM-Signature: ")) << trace;
        EXPECT_EQ(content.find("Bcc"), content.npos);
    }
    EXPECT_NE(trace.find("Message-ID:Message-ID"), trace.npos) << "what we added is signed, too";
    EXPECT_EQ(note, "signed by example.org/r, example.org/e");
    options.from = mail::parse_mailbox("a@example.org").value();
    EXPECT_EQ(run("Subject: no From\r\n\r\nx\r\n"), "pass:example.org/r pass:example.org/e");
    EXPECT_EQ(run("Subject: no body\r\n"), "pass:example.org/r pass:example.org/e");
    EXPECT_EQ(run("no header at all\r\n"), "pass:example.org/r pass:example.org/e");
}

TEST_F(IntakeTest, WhatIsRelayedIsSignedAsItIsHoweverItIsCut) {
    options.signing = keys.signing;
    options.right.any = true;
    for (std::size_t cut = 1; cut <= mail_of_a.size(); ++cut) {
        EXPECT_EQ(run(mail_of_a, cut), "pass:example.org/r pass:example.org/e") << cut;
        EXPECT_EQ(content, mail_of_a);
    }
    EXPECT_EQ(run("From: a@example.net\r\n\r\nx\r\n"), "") << "no key of ours";
    EXPECT_EQ(run("no header at all\r\n"), "");
    EXPECT_TRUE(content.starts_with("no header"));
    EXPECT_EQ(run(""), "");
}

TEST_F(IntakeTest, HistoryTellsWhatWasFoundAndWhoSigned) {
    options.signing = keys.signing;
    options.right.any = true;
    Settings settings;
    settings.hostname = "mx.example.org";
    auto const auth = make_auth_context(settings).value();
    mailauth::Client const client{"192.0.2.9", "c", "a@example.org", "mx.example.org", {}};
    auto const sender = std::make_shared<SenderCheck>(env, client, 20s);
    group.spawn(SenderCheck::run(sender));
    examination = std::make_unique<Examination>(ports, auth, sender);
    run(mail_of_a);
    EXPECT_TRUE(note.starts_with("spf=none dkim=none dmarc=none")) << note;
    EXPECT_TRUE(note.ends_with(", signed by example.org/r, example.org/e")) << note;
}

TEST_F(IntakeTest, WithoutRightNothingIsSigned) {
    options.signing = keys.signing;
    EXPECT_EQ(run(mail_of_a), "");
    options.right.domains = {"sub.example.com"};
    EXPECT_EQ(run(mail_of_a), "");
    EXPECT_EQ(trace, "Received: by mx\r\n");
}

}  // namespace
}  // namespace dawk::mta
