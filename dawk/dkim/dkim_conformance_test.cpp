// Signed messages of outside suites (see their SOURCE.txt): messages that carry their keys with
// them, and the vectors of RFC 6376 and RFC 8463 with the keys the standards give.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dawk/base/ascii.hpp"
#include "dawk/base/base64.hpp"
#include "dawk/dkim/sign.hpp"
#include "dawk/dkim/verify.hpp"

namespace dawk::dkim {
namespace {

std::filesystem::path data() {
    auto const* const given = std::getenv("DAWK_TESTDATA");
    return given != nullptr ? given : DAWK_SOURCE_DIR "/../shared/testdata";
}

std::string read(std::filesystem::path const& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::string crlf(std::string const& text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r')) out += '\r';
        out += text[i];
    }
    return out;
}

std::vector<Verdict> verify(std::string const& message,
                            std::map<std::string, std::string> const& keys) {
    auto const section = mail::HeaderSection::parse(message).value();
    Options options;
    options.now = from_millis(1'300'000'000'000);
    // The messages are of many years: each is read at the time of its last signature.
    for (auto const& field : section.find("DKIM-Signature")) {
        auto const signature = parse_signature(field.body);
        if (!signature || !signature->signed_at) continue;
        options.now = std::max(options.now, from_millis(*signature->signed_at * 1000));
    }
    Verifier verifier(section, options);
    verifier.body(std::string_view(message).substr(section.body_offset()));
    return dns::run(verifier.finish(), [&keys](dns::Question const& question) {
        dns::Answer answer;
        auto const found = keys.find(question.name);
        answer.status = found == keys.end() ? dns::Status::nxdomain : dns::Status::ok;
        if (found != keys.end()) answer.texts = {found->second};
        return answer;
    });
}

TEST(DkimConformance, MessagesWithTheirKeys) {
    auto const folder = data() / "dkim-mailauth-rs" / "dkim";
    if (!std::filesystem::exists(folder)) GTEST_SKIP() << folder << " is not there";
    int messages = 0;
    for (auto const& file : std::filesystem::directory_iterator(folder)) {
        auto const text = read(file.path());
        std::map<std::string, std::string> keys;
        std::size_t at = 0;
        while (true) {  // "name record" lines, a blank line, the message
            auto const end = text.find('\n', at);
            auto line = text.substr(at, end - at);
            if (line.ends_with('\r')) line.pop_back();
            at = end + 1;
            if (line.empty()) break;
            keys[line.substr(0, line.find(' '))] = line.substr(line.find(' ') + 1);
        }
        auto const verdicts = verify(crlf(text.substr(at)), keys);
        EXPECT_FALSE(verdicts.empty()) << file.path();
        for (auto const& v : verdicts) {
            EXPECT_EQ(v.result, Result::pass) << file.path() << " " << v.domain << ": " << v.reason;
        }
        ++messages;
    }
    EXPECT_EQ(messages, 6);
}

TEST(DkimConformance, VectorsOfTheStandards) {
    auto const folder = data() / "dkim-dkimpy" / "data";
    if (!std::filesystem::exists(folder)) GTEST_SKIP() << folder << " is not there";
    // RFC 8463 appendix A.2 gives the keys of football.example.com.
    std::map<std::string, std::string> const keys = {
        {"brisbane._domainkey.football.example.com",
         "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="},
    };
    auto const verdicts = verify(crlf(read(folder / "rfc6376.signed.msg")), keys);
    ASSERT_FALSE(verdicts.empty());
    EXPECT_EQ(verdicts.front().result, Result::pass) << verdicts.front().reason;
}

// The suite of dkimpy: its messages signed with its keys, verified with its records. Exceptions:
// message.mbox and test2.message are signed by keys that the suite does not hold (their fields must
// parse, degenerate folding and all); test_nofrom.message is no message to us, and the server never
// signs one without an author (mta/signing_test).
class Dkimpy : public ::testing::Test {
  protected:
    void SetUp() override {
        folder_ = data() / "dkim-dkimpy" / "data";
        if (!std::filesystem::exists(folder_)) GTEST_SKIP() << folder_ << " is not there";
    }
    std::string text(char const* name) const { return crlf(read(folder_ / name)); }
    std::string record(char const* name) const {
        return std::string(ascii::trim(read(folder_ / name)));
    }
    crypto::PrivateKey ed25519(char const* name) const {
        // RFC 8410 §7: the PKCS#8 form of 32 octets.
        std::string der = "\x30\x2e\x02\x01";
        der += std::string("\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20", 12);
        der += base64::decode(record(name)).value();
        return crypto::PrivateKey::from_pem("-----BEGIN PRIVATE KEY-----\n" + base64::encode(der) +
                                            "\n-----END PRIVATE KEY-----\n")
            .value();
    }
    static std::string sign(std::string const& message, crypto::PrivateKey key, Canonical header,
                            Canonical body) {
        SigningKey how;
        how.domain = "example.com";
        how.selector = "test";
        how.key = std::make_shared<crypto::PrivateKey const>(std::move(key));
        how.header_form = header;
        how.body_form = body;
        auto const section = mail::HeaderSection::parse(message).value();
        Signer signer({how}, section, from_millis(1'300'000'000'000));
        signer.body(std::string_view(message).substr(section.body_offset()));
        return signer.finish().value() + message;
    }
    static Verdict check(std::string const& message, std::string const& key) {
        return verify(message, {{"test._domainkey.example.com", key}}).front();
    }
    std::filesystem::path folder_;
};

TEST_F(Dkimpy, SignsAndVerifiesItsMessagesInAllForms) {
    auto const rsa = crypto::PrivateKey::from_pem(read(folder_ / "test.private")).value();
    auto const ed = ed25519("ed25519test.key");
    for (auto const* name : {"test.message", "test_extra.message", "ed25519test.msg", "rfc6376.msg",
                             "rfc6376.signed.msg"}) {
        for (auto const header : {Canonical::simple, Canonical::relaxed}) {
            for (auto const body : {Canonical::simple, Canonical::relaxed}) {
                auto const by_rsa = sign(text(name), rsa, header, body);
                EXPECT_EQ(check(by_rsa, record("test.txt")).result, Result::pass) << name;
                EXPECT_EQ(check(by_rsa, record("test2.txt")).result, Result::pass)
                    << name << ": k=rsa is the default";
                auto const by_ed = sign(text(name), ed, header, body);
                EXPECT_EQ(check(by_ed, record("ed25519test.dns")).result, Result::pass) << name;
                EXPECT_EQ(check(by_ed, record("test.txt")).result, Result::permerror) << name;
            }
        }
    }
}

TEST_F(Dkimpy, ItsBadRecordsAreToldApart) {
    auto const rsa = crypto::PrivateKey::from_pem(read(folder_ / "test.private")).value();
    auto const message = sign(text("test.message"), rsa, Canonical::relaxed, Canonical::relaxed);
    auto const reason = [&](char const* name) {
        auto const verdict = check(message, record(name));
        EXPECT_EQ(verdict.result, Result::permerror) << name;
        return verdict.reason;
    };
    EXPECT_EQ(reason("badk.txt"), "the key is of another kind than the signature");
    EXPECT_EQ(reason("badversion.txt"), "the key record's version is not DKIM1");
    EXPECT_EQ(reason("test_bad.txt"), "p= is no key of its kind");
    EXPECT_EQ(reason("test_tlsrpt.txt"), "the key is not for mail");
    EXPECT_EQ(reason("eximtest.dns"), "the key is of another kind than the signature");
}

TEST_F(Dkimpy, ChangesToItsMessages) {
    auto const rsa = crypto::PrivateKey::from_pem(read(folder_ / "test.private")).value();
    auto const signed_text = sign(text("test.message"), rsa, Canonical::relaxed, Canonical::simple);
    auto const key = record("test.txt");
    EXPECT_EQ(check(signed_text + "foo\r\n", key).reason, "the body was changed");
    EXPECT_EQ(check(signed_text + "\r\n\r\n", key).result, Result::pass);
    EXPECT_EQ(check("Received: from nowhere\r\n" + signed_text, key).result, Result::pass);
    EXPECT_EQ(check("From: evil <evil@example.org>\r\n" + signed_text, key).result, Result::fail);
    auto without_from = signed_text;
    auto const from = without_from.find("From: Test");
    without_from.erase(from, without_from.find("\r\n", from) + 2 - from);
    EXPECT_EQ(check(without_from, key).result, Result::fail);
}

TEST_F(Dkimpy, FieldsOfKeysItDoesNotHoldParse) {
    for (auto const* name : {"message.mbox", "test2.message"}) {
        auto const verdicts = verify(text(name), {});
        ASSERT_EQ(verdicts.size(), 1U) << name;
        EXPECT_THAT(verdicts.front().reason, ::testing::StartsWith("no key at ")) << name;
        EXPECT_EQ(verdicts.front().algorithm, "rsa-sha256");
    }
    // Made by an Exim of 2017 after a draft of RFC 8463: well-formed, and no signature of today.
    auto const old =
        verify(text("ed25519test2.msg"), {{"sed._domainkey.test.ex", record("eximtest.dns")}});
    ASSERT_EQ(old.size(), 1U);
    EXPECT_EQ(old.front().algorithm, "ed25519-sha256");
    EXPECT_NE(old.front().result, Result::permerror) << old.front().reason;
}

TEST_F(Dkimpy, TheKeyOfRfc8463IsDeterministic) {
    auto const key = ed25519("rfc8032_7_1.key");
    EXPECT_EQ(base64::encode(key.public_der()), "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
    auto const message = text("rfc6376.msg");
    EXPECT_EQ(sign(message, key, Canonical::simple, Canonical::simple),
              sign(message, key, Canonical::simple, Canonical::simple));
}

// The signed messages that the standards print, with the keys that they print.
class Printed : public ::testing::Test {
  protected:
    // False: the standard is not there.
    bool open(char const* name) {
        text_ = read(data().parent_path() / "rfc" / name);
        return !text_.empty();
    }
    // From its last line that begins so to "Joe.", without the margin; what a continuation line
    // begins with, when fold is given, is that.
    std::string message(std::string const& first, std::string const& fold = "") const {
        auto const end = text_.find("\n   Joe.\n", text_.rfind("\n   " + first));
        std::string out;
        for (auto at = text_.rfind("\n   " + first) + 1; at <= end + 1;) {
            auto const next = text_.find('\n', at) + 1;
            std::string_view line(text_.data() + at, next - 1 - at);
            if (!line.empty()) line.remove_prefix(3);
            if (!fold.empty() && line.starts_with(' ')) {
                out += fold;
                line.remove_prefix(line.find_first_not_of(' '));
            }
            out.append(line).append("\r\n");
            at = next;
        }
        return out;
    }
    // The strings between the parentheses behind the name.
    std::string key(std::string const& name) const {
        auto const begin = text_.find('(', text_.find("\n" + name));
        std::string out;
        bool inside = false;
        for (auto at = begin; at < text_.find(')', begin); ++at) {
            if (text_[at] == '"')
                inside = !inside;
            else if (inside)
                out += text_[at];
        }
        return out;
    }

  private:
    std::string text_;
};

TEST_F(Printed, Rfc8463AppendixA) {
    if (!open("rfc8463.txt")) GTEST_SKIP() << "rfc8463.txt is not there";
    std::string const domain = "._domainkey.football.example.com";
    auto const verdicts = verify(
        message("DKIM-Signature: v=1; a=ed25519-sha256;"),
        {{"brisbane" + domain, key("brisbane" + domain)}, {"test" + domain, key("test" + domain)}});
    ASSERT_EQ(verdicts.size(), 2U);
    for (auto const& verdict : verdicts)
        EXPECT_EQ(verdict.result, Result::pass) << verdict.algorithm << ": " << verdict.reason;
    EXPECT_EQ(verdicts[0].algorithm, "ed25519-sha256");
    EXPECT_EQ(verdicts[1].key_bits, 1024U);
}

// The key is that of appendix C. What was signed, and the print does not show: lines are folded
// with six spaces, and one space stands behind the full stop in the body (its hash is that of RFC
// 8463).
TEST_F(Printed, Rfc6376AppendixA) {
    if (!open("rfc6376.txt")) GTEST_SKIP() << "rfc6376.txt is not there";
    auto signed_text = message("DKIM-Signature: v=1; a=rsa-sha256; s=brisbane;", "      ");
    auto const stop = signed_text.find(".  Are");
    ASSERT_NE(stop, signed_text.npos);
    signed_text.erase(stop + 1, 1);
    auto const verdicts =
        verify(signed_text, {{"brisbane._domainkey.example.com", key("   brisbane IN  TXT")}});
    ASSERT_EQ(verdicts.size(), 1U);
    EXPECT_EQ(verdicts[0].result, Result::pass) << verdicts[0].reason;
}

}  // namespace
}  // namespace dawk::dkim
