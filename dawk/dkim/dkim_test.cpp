#include <gtest/gtest.h>

#include "dawk/base/ascii.hpp"
#include "dawk/base/base64.hpp"
#include "dawk/dkim/sign.hpp"
#include "dawk/dkim/tags.hpp"
#include "dawk/dkim/verify.hpp"

namespace dawk::dkim {
namespace {

const auto now = from_millis(1'700'000'000'000);

std::string hashed(Canonical form, std::vector<std::string_view> const& pieces,
                   std::optional<std::uint64_t> length = std::nullopt) {
    BodyHash body(form, length);
    for (auto const piece : pieces) body.update(piece);
    return body.finish();
}
std::string sha(std::string_view text) {
    return crypto::digest(crypto::Hash::sha256, text);
}

TEST(BodyHash, CanonicalFormsOfTheStandard) {
    // RFC 6376 §3.4.5
    std::string_view const body = " C \r\nD \t E\r\n\r\n\r\n";
    EXPECT_EQ(hashed(Canonical::relaxed, {body}), sha(" C\r\nD E\r\n"));
    EXPECT_EQ(hashed(Canonical::simple, {body}), sha(" C \r\nD \t E\r\n"));
    EXPECT_EQ(hashed(Canonical::simple, {}), sha("\r\n"));
    EXPECT_EQ(hashed(Canonical::relaxed, {}), sha(""));
    EXPECT_EQ(hashed(Canonical::relaxed, {" \t\r\n\r\n"}), sha(""));
    EXPECT_EQ(hashed(Canonical::relaxed, {"no end"}), sha("no end\r\n"));
    EXPECT_EQ(hashed(Canonical::simple, {"\r\n\r\nx"}), sha("\r\n\r\nx\r\n"));
    EXPECT_EQ(hashed(Canonical::simple, {body}, 4), sha(" C \r"));
}

// The plain reading of the rules, without streaming: what the fast one must equal.
std::string plain_relaxed(std::string const& body) {
    std::string out, line;
    std::size_t at = 0;
    bool text = false;
    while (at < body.size()) {
        auto const end = body.find("\r\n", at);
        line = body.substr(at, end == body.npos ? body.npos : end - at);
        at = end == body.npos ? body.size() : end + 2;
        std::string squeezed;
        for (char const c : line) {
            bool const space = c == ' ' || c == '\t';
            if (space && !squeezed.empty() && squeezed.back() == ' ') continue;
            squeezed += space ? ' ' : c;
        }
        if (squeezed.ends_with(' ')) squeezed.pop_back();
        out += squeezed + "\r\n";
    }
    while (out.ends_with("\r\n\r\n")) out.resize(out.size() - 2);
    text = out != "\r\n";
    return text ? out : "";
}

TEST(BodyHash, AnyCutGivesTheSameHash) {
    std::uint64_t state = 42;
    auto const next = [&state](std::uint64_t bound) {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        return (state >> 33U) % bound;
    };
    std::vector<std::string_view> const parts = {
        " ", "\t", "\r\n", "\r\n", "word", "a", " x", "long text that goes on ", "\r\n\r\n"};
    for (int round = 0; round < 2000; ++round) {
        std::string body;
        for (auto n = next(20); n > 0; --n) body += parts[next(parts.size())];
        auto const relaxed = hashed(Canonical::relaxed, {body});
        auto const simple = hashed(Canonical::simple, {body});
        EXPECT_EQ(relaxed, sha(plain_relaxed(body)));
        auto const cut = next(body.size() + 1);
        auto const view = std::string_view(body);
        EXPECT_EQ(hashed(Canonical::relaxed, {view.substr(0, cut), view.substr(cut)}), relaxed);
        EXPECT_EQ(hashed(Canonical::simple, {view.substr(0, cut), view.substr(cut)}), simple);
        BodyHash one(Canonical::relaxed, std::nullopt), other(Canonical::simple, std::nullopt);
        for (std::size_t i = 0; i < body.size(); ++i) {
            one.update(view.substr(i, 1));
            other.update(view.substr(i, 1));
        }
        EXPECT_EQ(one.finish(), relaxed);
        EXPECT_EQ(other.finish(), simple);
    }
}

TEST(TagList, ParsesWhatTheGrammarAllows) {
    auto const tags = TagList::parse(" v=1 ; a = rsa-sha256;b=aa\r\n bb=;");
    ASSERT_TRUE(tags);
    EXPECT_EQ(tags->get("a"), "rsa-sha256");
    EXPECT_EQ(without_space(*tags->get("b")), "aabb=");
    EXPECT_FALSE(TagList::parse("a=1; a=2")) << "a name twice";
    EXPECT_FALSE(TagList::parse("a"));
    EXPECT_FALSE(TagList::parse("1a=1"));
    EXPECT_FALSE(TagList::parse(std::string_view("a=\0", 3)));
}

TEST(Signature, TheValueIsTakenOutAndNothingElse) {
    EXPECT_EQ(without_signature_value("DKIM-Signature: a=x; b=AA\r\n BB; bh=b=;\r\n"),
              "DKIM-Signature: a=x; b=; bh=b=;\r\n");
    EXPECT_EQ(without_signature_value("DKIM-Signature: b=AA\r\n BB\r\n"), "DKIM-Signature: b=\r\n");
}

struct Fixture : ::testing::Test {
    std::string header =
        "From: Joe <joe@example.org>\r\nTo: sue@example.net\r\nSubject: Is  dinner\r\n ready?\r\n"
        "Date: Fri, 11 Jul 2003 21:00:37 -0700\r\nMessage-ID: <1@example.org>\r\n";
    std::string body = "Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n";
    std::map<std::string, std::string> keys;

    SigningKey make(crypto::KeyKind kind, std::string selector) {
        static auto const rsa = std::make_shared<crypto::PrivateKey const>(
            crypto::PrivateKey::generate(crypto::KeyKind::rsa));
        static auto const ed = std::make_shared<crypto::PrivateKey const>(
            crypto::PrivateKey::generate(crypto::KeyKind::ed25519));
        SigningKey key;
        key.domain = "example.org";
        key.selector = std::move(selector);
        key.key = kind == crypto::KeyKind::rsa ? rsa : ed;
        keys[key.selector + "._domainkey.example.org"] = key_record(*key.key);
        return key;
    }
    std::string sign(std::vector<SigningKey> with) const {
        auto const section = mail::HeaderSection::parse(header).value();
        Signer signer(std::move(with), section, now);
        signer.body(body);
        return signer.finish().value() + header + "\r\n" + body;
    }
    std::vector<Verdict> verify(std::string const& message, Options options = {}) const {
        auto const section = mail::HeaderSection::parse(message).value();
        if (options.now == WallTime{}) options.now = now;
        Verifier verifier(section, options);
        verifier.body(std::string_view(message).substr(section.body_offset()));
        return dns::run(verifier.finish(), [this](dns::Question const& question) {
            dns::Answer answer;
            auto const found = keys.find(question.name);
            answer.status = found == keys.end() ? dns::Status::nxdomain : dns::Status::ok;
            if (found != keys.end()) answer.texts = {found->second};
            if (question.name.starts_with("broken.")) answer.status = dns::Status::servfail;
            return answer;
        });
    }
    static std::string replaced(std::string text, std::string_view from, std::string_view to) {
        auto const at = text.find(from);
        EXPECT_NE(at, text.npos) << from;
        return text.replace(at, from.size(), to);
    }
};

TEST_F(Fixture, BothAlgorithmsSignSideBySide) {
    auto ed = make(crypto::KeyKind::ed25519, "ed");
    ed.header_form = ed.body_form = Canonical::simple;
    auto const message = sign({make(crypto::KeyKind::rsa, "rsa"), ed});
    auto const verdicts = verify(message);
    ASSERT_EQ(verdicts.size(), 2U);
    for (auto const& v : verdicts) EXPECT_EQ(v.result, Result::pass) << v.algorithm << v.reason;
    EXPECT_EQ(verdicts[0].algorithm, "rsa-sha256");
    EXPECT_EQ(verdicts[0].b_prefix.size(), 8U);
    for (std::size_t at = message.find("\r\n"), last = 0; at != message.npos;
         last = at + 2, at = message.find("\r\n", last)) {
        EXPECT_LE(at - last, 78U) << "lines fold";
    }
}

TEST_F(Fixture, ChangesThatAreAllowedKeepIt) {
    auto const message = sign({make(crypto::KeyKind::rsa, "rsa")});
    EXPECT_EQ(verify(message + "\r\n\r\n")[0].result, Result::pass);
    EXPECT_EQ(verify(replaced(message, "Is  dinner\r\n ready?", "Is dinner ready?  "))[0].result,
              Result::pass);
    EXPECT_EQ(verify("X-Other: 1\r\n" + message)[0].result, Result::pass);
    EXPECT_EQ(verify(replaced(message, "game.  Are", "game. \t Are"))[0].result, Result::pass);
    EXPECT_EQ(verify(replaced(message, "\r\nTo:", "\r\ntO:"))[0].result, Result::pass);
}

TEST_F(Fixture, AnyOtherChangeBreaksIt) {
    auto const message = sign({make(crypto::KeyKind::rsa, "rsa")});
    auto const b = message.find("\tb=");
    auto const signed_from = message.find("From: Joe");
    for (std::size_t i = 0; i < message.size(); ++i) {
        auto changed = message;
        changed[i] = static_cast<char>(changed[i] ^ 2);
        bool const in_value = i > b + 2 && i < signed_from;
        auto const section = mail::HeaderSection::parse(changed);
        if (!section || in_value) continue;
        auto const verdicts = verify(changed);
        bool const passes = !verdicts.empty() && verdicts[0].result == Result::pass;
        // Space becomes '"', CR and LF become others: all of them count; names and d= too.
        EXPECT_FALSE(passes) << i << " " << message.substr(i, 20);
    }
    EXPECT_EQ(verify(replaced(message, "\r\nSubject:", "\r\nSubject: More\r\nSubject:"))[0].result,
              Result::fail)
        << "over-signed";
    EXPECT_EQ(verify("From: evil@example.org\r\n" + message)[0].result, Result::fail)
        << "over-signed";
    EXPECT_EQ(verify(message + "more\r\n")[0].result, Result::fail);
}

// RFC 6376 §5.4: h= may name more signatures than there are, but never the one it stands in.
TEST_F(Fixture, ASignatureThatOversignsItsKindDoesNotCoverItself) {
    auto key = make(crypto::KeyKind::ed25519, "ed");
    auto const inner = sign({key});
    header = inner.substr(0, inner.find("\r\n\r\n") + 2);
    key.oversigned.push_back("DKIM-Signature");
    auto const message = sign({key});
    EXPECT_EQ(verify(message)[0].result, Result::pass);
    EXPECT_EQ(verify(message)[1].result, Result::pass);
    EXPECT_EQ(verify("DKIM-Signature: another\r\n" + message)[1].result, Result::fail);
    EXPECT_EQ(verify(message.substr(0, message.find("\r\nDKIM")) + "\r\n" +
                     message.substr(message.find("\r\nFrom") + 2))[0]
                  .result,
              Result::fail);
}

TEST_F(Fixture, PaddingMayBeMissing) {  // base64string, RFC 6376 §2.10
    auto const message = sign({make(crypto::KeyKind::ed25519, "ed")});
    auto const bare =
        replaced(replaced(message, "=;\r\n\tb=", ";\r\n\tb="), "==\r\nFrom", "\r\nFrom");
    EXPECT_EQ(verify(bare)[0].reason, "a signed field was changed, or the key is another");
    auto const value = replaced(message, "==\r\nFrom", "\r\nFrom");
    EXPECT_EQ(verify(value)[0].result, Result::pass) << "b= is not signed itself";
    EXPECT_EQ(verify(replaced(message, "==\r\nFrom", "===\r\nFrom"))[0].reason, "b= is no base64");
}

TEST_F(Fixture, ACarriageReturnAloneIsText) {
    auto const message = sign({make(crypto::KeyKind::ed25519, "ed")});
    EXPECT_EQ(verify(replaced(message, "sue@", "sue\r@"))[0].result, Result::fail);
    EXPECT_EQ(verify(replaced(message, "dinner\r\n ready", "dinner\r ready"))[0].result,
              Result::fail);
}

TEST_F(Fixture, ReasonsAreSaid) {
    auto const message = sign({make(crypto::KeyKind::rsa, "rsa")});
    auto const first = [&](std::string const& m) { return verify(m)[0]; };
    EXPECT_EQ(first(replaced(message, "a=rsa-sha256", "a=rsa-sha1")).result, Result::policy);
    EXPECT_EQ(first(replaced(message, "a=rsa-sha256", "a=dsa-sha256")).result, Result::permerror);
    EXPECT_EQ(first(replaced(message, "v=1", "v=2")).result, Result::permerror);
    EXPECT_EQ(first(replaced(message, "v=1", "v=2")).domain, "example.org") << "as it says";
    EXPECT_EQ(first(replaced(message, "s=rsa", "s=none")).reason,
              "no key at none._domainkey.example.org");
    EXPECT_EQ(first(replaced(message, "s=rsa", "s=broken")).result, Result::temperror);
    EXPECT_EQ(
        first(replaced(message, "d=example.org;", "d=example.org; i=joe@example.com;")).reason,
        "i= is not within d=");
    EXPECT_EQ(first(replaced(message, "h=From:From", "h=To")).reason, "From is not signed");
    keys["rsa._domainkey.example.org"] = "v=DKIM1; p=";
    EXPECT_EQ(first(message).reason, "the key is revoked");
    EXPECT_EQ(first(message).failure, "revoked");
    keys["rsa._domainkey.example.org"] = "v=DKIM1; k=ed25519; p=AAAA";
    EXPECT_EQ(first(message).result, Result::permerror);
    keys["rsa._domainkey.example.org"] =
        key_record(crypto::PrivateKey::generate(crypto::KeyKind::rsa, 768));
    EXPECT_EQ(first(message).result, Result::policy) << "RFC 8301 §3.2";
}

TEST_F(Fixture, TimesCount) {
    auto key = make(crypto::KeyKind::ed25519, "ed");
    key.valid_for = std::chrono::hours(1);
    auto const message = sign({key});
    Options late;
    late.now = now + std::chrono::hours(2);
    EXPECT_EQ(verify(message, late)[0].reason, "the signature has expired");
    Options early;
    early.now = now - std::chrono::hours(1);
    EXPECT_EQ(verify(message, early)[0].reason, "the signature was made in the future");
}

TEST_F(Fixture, AnOpenEndIsSaid) {
    auto key = make(crypto::KeyKind::rsa, "rsa");
    auto const message = sign({key});
    auto const section = mail::HeaderSection::parse(message).value();
    // l= is never generated; build one by hand to see it named.
    std::string const field =
        "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=rsa; h=from; l=5; "
        "bh=" +
        base64::encode(hashed(Canonical::relaxed, {body}, 5)) + "; b=";
    auto const plain = mail::HeaderSection::parse(header).value();
    auto const digest =
        header_digest(plain, {"from"}, Canonical::relaxed, field, crypto::Hash::sha256);
    auto const verdict = verify(field + base64::encode(key.key->sign_digest(digest).value()) +
                                "\r\n" + header + "\r\n" + body)[0];
    EXPECT_EQ(verdict.result, Result::pass);
    EXPECT_TRUE(verdict.signs_length);
    EXPECT_FALSE(verdict.covers_body);
}

TEST_F(Fixture, OnlySoManySignaturesAreLookedAt) {
    auto const key = make(crypto::KeyKind::ed25519, "ed");
    auto const message = sign(std::vector<SigningKey>(12, key));
    auto const verdicts = verify(message);
    ASSERT_EQ(verdicts.size(), 12U);
    EXPECT_EQ(verdicts[9].result, Result::pass);
    EXPECT_EQ(verdicts[10].result, Result::policy);
}

}  // namespace
}  // namespace dawk::dkim
