// Properties: a signature holds exactly as long as the canonical form of what it covers is the
// same. The form is computed here a second time, as plainly as RFC 6376 §3.4 and §5.4.2 say it, and
// messages are changed at random, octet by octet and in the ways that mail systems change them.
#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "dawk/base/ascii.hpp"
#include "dawk/dkim/sign.hpp"
#include "dawk/dkim/verify.hpp"

namespace dawk::dkim {
namespace {

auto const now = from_millis(1'700'000'000'000);

using Lines = std::vector<std::string>;

Lines lines_of(std::string_view text) {
    Lines out;
    while (!text.empty()) {
        auto const end = std::min(text.find("\r\n"), text.size());
        out.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 2, text.size()));
    }
    return out;
}

// "Reduce all sequences of WSP within a line to a single SP character", and more for fields.
std::string squeezed(std::string_view text) {
    std::string out;
    for (char const c : text) {
        bool const space = c == ' ' || c == '\t';
        if (space && out.ends_with(' ')) continue;
        out += space ? ' ' : c;
    }
    return out;
}

std::string without_end_space(std::string text) {
    while (text.ends_with(' ') || text.ends_with('\t')) text.pop_back();
    return text;
}

std::string plain_body(std::string_view body, Canonical form) {
    auto lines = lines_of(body);
    if (form == Canonical::relaxed)
        for (auto& line : lines) line = without_end_space(squeezed(line));
    while (!lines.empty() && lines.back().empty()) lines.pop_back();
    std::string out;
    for (auto const& line : lines) out += line + "\r\n";
    if (out.empty() && form == Canonical::simple) out = "\r\n";
    return out;
}

std::string plain_field(mail::HeaderField const& field, Canonical form) {
    if (form == Canonical::simple) return std::string(field.raw);
    std::string unfolded;
    for (char const c : field.body)
        if (c != '\r' && c != '\n') unfolded += c;
    auto value = without_end_space(squeezed(unfolded));
    if (value.starts_with(' ')) value.erase(0, 1);
    return without_end_space(ascii::to_lower(field.name)) + ":" + value + "\r\n";
}

// What a signature over these fields covers.
std::string plain_form(std::string const& message, Lines const& names, Canonical header_form,
                       Canonical body_form) {
    auto const header = mail::HeaderSection::parse(message).value();
    std::string out;
    std::map<std::string, std::size_t> taken;
    for (auto const& name : names) {
        auto const found = header.find(name);
        auto const count = taken[ascii::to_lower(name)]++;
        if (count < found.size())
            out += plain_field(found[found.size() - 1 - count], header_form);
        else
            out += "(none)\r\n";
    }
    return out + "\r\n" +
           plain_body(std::string_view(message).substr(header.body_offset()), body_form);
}

struct Change {
    explicit Change(std::uint64_t seed) : random(seed) {}
    std::mt19937_64 random;

    std::size_t below(std::size_t limit) { return limit == 0 ? 0 : random() % limit; }
    char octet() {
        constexpr std::string_view likely = " \t\r\n:;=.aAzZ\x80";
        return below(2) == 0 ? likely[below(likely.size())] : static_cast<char>(random());
    }
    std::size_t some(std::string const& text, std::string_view what) {  // one of its places
        std::vector<std::size_t> found;
        for (auto at = text.find(what); at != text.npos; at = text.find(what, at + 1))
            found.push_back(at);
        return found.empty() ? text.npos : found[below(found.size())];
    }

    void make(std::string& m) {
        auto const at = below(m.size());
        switch (below(14)) {
            case 0:
                m[at] = static_cast<char>(m[at] ^ static_cast<char>(1U << below(8)));
                break;
            case 1:
                m[at] = octet();
                break;
            case 2:
                m.insert(at, 1, octet());
                break;
            case 3:
                m.erase(at, 1);
                break;
            case 4:
                m.insert(at, "\r\n");
                break;
            case 5:
                m += "\r\n";
                break;
            case 6:
                // Fields are taken from the bottom: one more of a kind on top is not signed.
                m.insert(0, below(2) == 0 ? "X-Other: 1\r\n" : "Reply-To: z@example.org\r\n");
                break;
            case 7:
                m.insert(0, "Subject: another\r\n");
                break;
            case 8:
                if (auto const space = some(m, " "); space != m.npos) m.insert(space, 1, '\t');
                break;
            case 9:
                if (auto const space = some(m, " "); space != m.npos) m.insert(space, "\r\n");
                break;
            case 10:
                if (auto const end = some(m, "\r\n"); end != m.npos) m.insert(end, "  ");
                break;
            case 11:
                if (auto const fold = some(m, "\r\n "); fold != m.npos) m.erase(fold, 2);
                break;
            case 12:
                m[at] =
                    ascii::is_lower(m[at]) ? static_cast<char>(m[at] - 32) : ascii::lower(m[at]);
                break;
            default:
                std::swap(m[at], m[below(m.size())]);
        }
    }
};

// Bare CR and LF never get this far: they are refused on the wire.
bool is_wire(std::string const& text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\r' && (i + 1 == text.size() || text[i + 1] != '\n')) return false;
        if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r')) return false;
    }
    return true;
}

struct DkimProperty : ::testing::TestWithParam<std::pair<Canonical, Canonical>> {
    SigningKey key;
    std::string record;
    DkimProperty() {
        key.domain = "example.org";
        key.selector = "s";
        key.header_form = GetParam().first;
        key.body_form = GetParam().second;
        key.key = std::make_shared<crypto::PrivateKey const>(
            crypto::PrivateKey::generate(crypto::KeyKind::ed25519));
        record = key_record(*key.key);
    }
    std::string field_for(std::string const& message) const {
        auto const header = mail::HeaderSection::parse(message).value();
        Signer signer({key}, header, now);
        signer.body(std::string_view(message).substr(header.body_offset()));
        return signer.finish().value();
    }
    Verdict verify(std::string const& message) const {
        auto const header = mail::HeaderSection::parse(message).value();
        Options options;
        options.now = now;
        Verifier verifier(header, options);
        verifier.body(std::string_view(message).substr(header.body_offset()));
        return dns::run(verifier.finish(),
                        [this](dns::Question const&) {
                            dns::Answer answer;
                            answer.status = dns::Status::ok;
                            answer.texts = {record};
                            return answer;
                        })
            .front();
    }
};

std::string const original =
    "Received: from a by b;\r\n\tTue, 14 Nov 2023 22:13:20 +0000\r\n"
    "From: Joe  SixPack <joe@example.org>\r\nTo: Suzie Q\r\n <suzie@example.net>\r\n"
    "Subject:  Is dinner \t ready?\r\nDate: Tue, 14 Nov 2023 22:13:20 +0000\r\n"
    "Message-ID: <1@example.org>\r\nReply-To: x@example.org\r\nReply-To: y@example.org\r\n\r\n"
    "Hi.\r\n\r\n We lost \t the game.  \r\nAre you hungry yet?\r\n \r\nJoe.\r\n\r\n\r\n";

TEST_P(DkimProperty, ItHoldsExactlyWhileTheCanonicalFormIsTheSame) {
    auto const field = field_for(original);
    auto const names = verify(field + original).fields;
    auto const [header_form, body_form] = GetParam();
    auto const form = plain_form(original, names, header_form, body_form);
    int held = 0, broken = 0;
    for (std::uint64_t seed = 0; seed < 3000; ++seed) {
        Change change(seed);
        auto message = original;
        for (auto left = 1 + change.below(3); left > 0; --left) change.make(message);
        if (!is_wire(message)) continue;
        auto const header = mail::HeaderSection::parse(message);
        if (!header || header->ended_by() != mail::HeaderEnd::blank_line || header->empty())
            continue;
        // What now belongs to the signature itself is another test.
        if (message.starts_with(' ') || message.starts_with('\t')) continue;
        if (header->has("DKIM-Signature")) continue;
        bool const same = plain_form(message, names, header_form, body_form) == form;
        auto const verdict = verify(field + message);
        ASSERT_EQ(verdict.result, same ? Result::pass : Result::fail)
            << "seed " << seed << ": " << verdict.reason << "\n"
            << message;
        ++(same ? held : broken);
    }
    EXPECT_GT(held, 100) << "changes that are allowed must have been tried";
    EXPECT_GT(broken, 1000);
}

TEST_P(DkimProperty, EachOctetOfWhatIsSignedCounts) {
    auto const field = field_for(original);
    auto const [header_form, body_form] = GetParam();
    auto const names = verify(field + original).fields;
    auto const form = plain_form(original, names, header_form, body_form);
    for (std::size_t at = 0; at < original.size(); ++at) {
        for (unsigned bit = 0; bit < 8; ++bit) {
            auto message = original;
            message[at] = static_cast<char>(message[at] ^ static_cast<char>(1U << bit));
            auto const header = mail::HeaderSection::parse(message);
            if (!is_wire(message) || !header || header->ended_by() != mail::HeaderEnd::blank_line)
                continue;
            bool const same = plain_form(message, names, header_form, body_form) == form;
            ASSERT_EQ(verify(field + message).result, same ? Result::pass : Result::fail)
                << at << "/" << bit;
        }
    }
}

// The signature field: every octet of it is signed, but for the value of b= itself, which must be
// right, too.
TEST_P(DkimProperty, EachOctetOfTheSignatureCounts) {
    auto const field = field_for(original);
    int tried = 0;
    for (std::size_t at = 0; at < field.size(); ++at) {
        auto changed = field;
        changed[at] = static_cast<char>(changed[at] ^ 1);
        auto const message = changed + original;
        auto const header = mail::HeaderSection::parse(message);
        if (!is_wire(changed) || !header || header->count("DKIM-Signature") != 1) continue;
        ++tried;
        bool const space = field[at] == ' ' || field[at] == '\t';
        EXPECT_NE(verify(message).result, Result::pass)
            << at << (space ? " space: " : ": ") << changed.substr(0, at + 1);
    }
    EXPECT_GT(tried, 300);
}

INSTANTIATE_TEST_SUITE_P(Forms, DkimProperty,
                         ::testing::Values(std::pair(Canonical::simple, Canonical::simple),
                                           std::pair(Canonical::simple, Canonical::relaxed),
                                           std::pair(Canonical::relaxed, Canonical::simple),
                                           std::pair(Canonical::relaxed, Canonical::relaxed)),
                         [](auto const& named) {
                             return std::string(to_string(named.param.first)) + "_" +
                                    std::string(to_string(named.param.second));
                         });

// However the body is cut, one pass gives the digest of the plain form.
TEST(DkimProperty, BodiesCutAnywhere) {
    for (std::uint64_t seed = 0; seed < 3000; ++seed) {
        Change change(seed);
        std::string body;
        constexpr std::string_view parts[] = {"\r\n", " ", "\t", "a", "b c", "\r\n\r\n", "  "};
        for (auto left = change.below(40); left > 0; --left) body += parts[change.below(7)];
        for (auto const form : {Canonical::simple, Canonical::relaxed}) {
            BodyHash hash(form, std::nullopt);
            for (std::size_t at = 0; at < body.size();) {
                auto const size = 1 + change.below(9);
                hash.update(std::string_view(body).substr(at, size));
                at += size;
            }
            ASSERT_EQ(hash.finish(), crypto::digest(crypto::Hash::sha256, plain_body(body, form)))
                << seed;
        }
    }
}

}  // namespace
}  // namespace dawk::dkim
