#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <gmock/gmock.h>

#include "dawk/crypto/key.hpp"
#include "dawk/dkim/sign.hpp"

#include "cmd/dawk/run_fixture.hpp"

namespace dawk::cmd {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view zone_text = R"({
  "example.org": {"TXT": ["v=spf1 ip4:192.0.2.0/24 exp=why.example.org -all"]},
  "why.example.org": {"TXT": ["%{c} is not ours, says %{r}"]},
  "mx.example.org": {"A": ["192.0.2.1"], "TXT": ["v=spf1 a -all"]},
  "1.2.0.192.in-addr.arpa": {"PTR": ["mx.example.org"]},
  "_dmarc.example.org": {"TXT": ["v=DMARC1; p=reject"]},
  "slow.test": "TIMEOUT"
})";

class Authentication : public CommandLine {
  protected:
    Authentication() {
        write("zone.json", zone_text);
        write("plain.eml", "From: Joe <joe@example.org>\nSubject: x\n\nHi\n");
    }
    boost::json::object ask(std::vector<std::string> words) {
        words.insert(words.end(), {"--json", "--zone", "zone.json"});
        auto const ran = dawk(words);
        EXPECT_EQ(ran.code, 0) << ran.err;
        boost::system::error_code error;
        auto value = boost::json::parse(ran.out, error);
        EXPECT_TRUE(!error && value.is_object()) << ran.out;
        return value.is_object() ? value.as_object() : boost::json::object();
    }
    std::string word(boost::json::object const& object, char const* key) {
        auto const* value = object.if_contains(key);
        return value != nullptr && value->is_string() ? std::string(value->as_string()) : "absent";
    }
};

TEST_F(Authentication, SpfSaysWhatDecided) {
    auto const pass =
        ask({"spf", "check", "--ip", "192.0.2.7", "--from", "joe@example.org", "--helo", "x.test"});
    EXPECT_EQ(word(pass, "result"), "pass");
    EXPECT_THAT(word(pass, "reason"), HasSubstr("ip4:192.0.2.0/24"));
    ASSERT_EQ(pass.at("lookups").as_array().size(), 1U);
    auto const& look_up = pass.at("lookups").as_array()[0].as_object();
    EXPECT_EQ(word(look_up, "name"), "example.org");
    EXPECT_EQ(word(look_up, "type"), "TXT");
    EXPECT_EQ(word(look_up, "status"), "ok");
    EXPECT_TRUE(look_up.at("ms").is_number());
    EXPECT_EQ(look_up.at("answer").as_array().size(), 1U);

    auto const fail = ask({"spf", "check", "--ip", "2001:db8::1", "--from", "joe@example.org",
                           "--helo", "x.test", "--hostname", "us.test"});
    EXPECT_EQ(word(fail, "result"), "fail");
    EXPECT_EQ(word(fail, "explanation"), "2001:db8::1 is not ours, says us.test");
}

TEST_F(Authentication, SpfOfTheHelo) {
    auto const null =
        ask({"spf", "check", "--ip", "192.0.2.1", "--from", "", "--helo", "mx.example.org"});
    EXPECT_EQ(word(null, "result"), "pass");
    EXPECT_EQ(word(null, "identity"), "helo");
    auto const named = ask({"spf", "check", "--ip", "192.0.2.2", "--from", "a@example.org",
                            "--helo", "mx.example.org", "--identity", "helo"});
    EXPECT_EQ(word(named, "result"), "fail");
}

TEST_F(Authentication, SpfTroubleIsAVerdictToo) {
    EXPECT_EQ(word(ask({"spf", "check", "--ip", "192.0.2.1", "--from", "a@slow.test"}), "result"),
              "temperror");
    EXPECT_EQ(word(ask({"spf", "check", "--ip", "192.0.2.1", "--from", "a@none.test"}), "result"),
              "none");
    EXPECT_EQ(
        word(ask({"spf", "check", "--ip", "192.0.2.1", "--from", "", "--helo", ""}), "result"),
        "none");
}

TEST_F(Authentication, DmarcAndAllTogether) {
    auto const pass = ask({"dmarc", "check", "plain.eml", "--ip", "192.0.2.1", "--from",
                           "joe@example.org", "--helo", "mx.example.org"});
    EXPECT_EQ(word(pass, "result"), "pass");
    EXPECT_EQ(word(pass, "policy"), "reject");
    EXPECT_EQ(word(pass, "disposition"), "none");
    EXPECT_EQ(word(pass.at("alignment").as_object(), "spf"), "pass");
    EXPECT_EQ(word(pass.at("alignment").as_object(), "dkim"), "fail");

    auto const fail = ask({"dmarc", "check", "plain.eml", "--ip", "198.51.100.1", "--from",
                           "evil@evil.test", "--helo", "evil.test"});
    EXPECT_EQ(word(fail, "result"), "fail");
    EXPECT_EQ(word(fail, "disposition"), "quarantine");  // RFC 9989 §7.4

    auto const all = ask({"auth-check", "plain.eml", "--ip", "192.0.2.1", "--from",
                          "joe@example.org", "--helo", "mx.example.org", "--hostname", "us.test"});
    EXPECT_EQ(word(all, "result"), "pass");
    EXPECT_EQ(word(all.at("iprev").as_object(), "result"), "pass");
    EXPECT_EQ(word(all.at("arc").as_object(), "result"), "none");
    EXPECT_THAT(word(all, "header"), HasSubstr("Authentication-Results: us.test;"));
    EXPECT_THAT(dawk({"auth-check", "plain.eml", "--ip", "192.0.2.1", "--from", "joe@example.org",
                      "--helo", "mx.example.org", "--zone", "zone.json"})
                    .out,
                HasSubstr("dmarc: pass (SPF passed for example.org)\n"));
}

TEST_F(Authentication, ASignedMessageWithBareLineFeeds) {
    auto key = std::make_shared<crypto::PrivateKey>(
        crypto::PrivateKey::generate(crypto::KeyKind::ed25519));
    std::string const content = "From: joe@example.org\r\nSubject: x\r\n\r\nHi\r\n";
    auto const header = mail::HeaderSection::parse(content).value();
    dkim::SigningKey signing;
    signing.domain = "example.org";
    signing.selector = "s1";
    signing.key = key;
    dkim::Signer signer({signing}, header, from_millis(1'700'000'000'000));
    signer.body(std::string_view(content).substr(header.body_offset()));
    auto unix_text = signer.finish().value() + content;
    std::erase(unix_text, '\r');
    write("signed.eml", unix_text);
    write("zone.json",
          "{\"s1._domainkey.example.org\": {\"TXT\": [\"" + dkim::key_record(*key) + "\"]}}");
    auto const good = ask({"dkim", "verify", "signed.eml", "--now", "2023-11-15T00:00:00Z"});
    EXPECT_EQ(word(good, "result"), "pass") << word(good, "reason");
    auto const& signature = good.at("signatures").as_array().at(0).as_object();
    EXPECT_EQ(word(signature, "algorithm"), "ed25519-sha256");
    write("signed.eml", unix_text + "more\n");
    EXPECT_EQ(word(ask({"dkim", "verify", "signed.eml", "--now", "1700000100"}), "result"), "fail");
    EXPECT_EQ(word(ask({"dkim", "verify", "plain.eml"}), "result"), "none");
    EXPECT_EQ(word(ask({"arc", "verify", "plain.eml"}), "result"), "none");
}

TEST_F(Authentication, WhatIsWrongIsSaid) {
    auto const code = [&](std::vector<std::string> const& words) { return dawk(words).code; };
    EXPECT_EQ(code({"spf", "check", "--ip", "192.0.2.300", "--from", "a@b.test"}), 64);
    EXPECT_EQ(code({"spf", "check", "--ip", "192.0.2.3"}), 64);
    EXPECT_EQ(code({"spf", "check", "--from", "a@b.test"}), 64);
    EXPECT_EQ(code({"dkim", "verify", "none.eml", "--zone", "zone.json"}), 66);
    EXPECT_EQ(code({"dkim", "verify", "plain.eml", "--zone", "none.json"}), 66);
    EXPECT_EQ(code({"dkim", "verify", "plain.eml", "--zone", "zone.json", "--now", "today"}), 64);
    write("bad.json", "{\"example.org\": {\"TXT\": [1]}}");
    auto const bad = dawk({"dkim", "verify", "plain.eml", "--zone", "bad.json"});
    EXPECT_EQ(bad.code, 65);
    EXPECT_THAT(bad.err, HasSubstr("bad.json: example.org TXT: "));
}

}  // namespace
}  // namespace dawk::cmd
