#include "dawk/mail/compose.hpp"

#include <random>

#include <gtest/gtest.h>

#include "dawk/base/ascii.hpp"
#include "dawk/mail/encoded_word.hpp"
#include "dawk/mail/mime.hpp"

namespace dawk::mail {
namespace {

AddressList one(std::string name, std::string_view address) {
    return {{std::nullopt, {{std::move(name), *parse_mailbox(address, {.utf8 = true})}}}};
}

Draft draft() {
    Draft d;
    d.from = one("J\xC3\xBCrgen", "j@a.example");
    d.to = one("", "b@b.example");
    d.subject =
        "Gr\xC3\xBC\xC3\x9F"
        "e";
    d.date = from_millis(1'700'000'000'000);
    d.message_id = "1@a.example";
    d.text = "Hello\n";
    d.unique = "abc123";
    return d;
}

void expect_lines(std::string_view text) {
    while (!text.empty()) {
        auto const end = text.find("\r\n");
        ASSERT_NE(end, std::string_view::npos);
        EXPECT_LE(end, 998U);
        EXPECT_EQ(text.substr(0, end).find_first_of(std::string_view{"\r\n\0", 3}),
                  std::string_view::npos);
        text.remove_prefix(end + 2);
    }
}

TEST(Composer, PlainMessage) {
    EXPECT_EQ(*compose_message(draft()),
              "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n"
              "From: =?utf-8?Q?J=C3=BCrgen?= <j@a.example>\r\n"
              "To: b@b.example\r\n"
              "Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\n"
              "Message-ID: <1@a.example>\r\n"
              "MIME-Version: 1.0\r\n"
              "Content-Type: text/plain; charset=us-ascii\r\n\r\n"
              "Hello\r\n");
}

TEST(Composer, International) {
    auto d = draft();
    d.utf8 = true;
    d.to = one("", "\xC3\xBC@b.example");
    auto const c = Composer::make(std::move(d));
    EXPECT_TRUE(c->needs_smtputf8());
    d = draft();
    d.to = one("", "\xC3\xBC@b.example");
    EXPECT_EQ(Composer::make(std::move(d)).error(), Errc::unsupported);
    d = draft();
    EXPECT_FALSE(Composer::make(std::move(d))->needs_smtputf8());
    d = draft();
    d.utf8 = true;
    EXPECT_NE(compose_message(std::move(d))
                  ->find("Subject: Gr\xC3\xBC\xC3\x9F"
                         "e\r\n"),
              std::string::npos);
}

TEST(Composer, NoInputCanAddAField) {
    auto const error = [](auto change) {
        auto d = draft();
        change(d);
        auto const c = Composer::make(std::move(d));
        return c ? ErrorCode{} : c.error();
    };
    std::string const evil = "x\r\nBcc: y@z.example";
    EXPECT_EQ(error([&](Draft& d) { d.subject = evil; }), Errc::bad_syntax);
    EXPECT_EQ(error([&](Draft& d) { d.subject = "x\ny"; }), Errc::bad_syntax);
    EXPECT_EQ(error([&](Draft& d) { d.from = one(evil, "a@b.example"); }), Errc::bad_syntax);
    EXPECT_EQ(error([&](Draft& d) { d.to[0].mailboxes[0].address.local = evil; }),
              Errc::bad_syntax);
    EXPECT_EQ(error([&](Draft& d) { d.message_id = "a@b>\r\nX: y"; }), Errc::bad_syntax);
    EXPECT_EQ(error([&](Draft& d) { d.references = {"a@b> <c@d"}; }), Errc::bad_syntax);
    EXPECT_EQ(error([&](Draft& d) { d.fields = {{"X-A: b\r\nX", "y"}}; }), Errc::bad_syntax);
    EXPECT_EQ(error([&](Draft& d) { d.fields = {{"X-A", evil}}; }), Errc::bad_syntax);
    EXPECT_EQ(error([&](Draft& d) { d.fields = {{"BCC", "y@z.example"}}; }), Errc::bad_syntax);
    EXPECT_EQ(error([&](Draft& d) { d.unique = "a\"\r\nb", d.html = "x"; }), Errc::bad_syntax);
    auto const attach = [&](std::string name, std::string type, std::string id) {
        return error([&](Draft& d) {
            d.attachments.push_back({name, type, make_body_source("x"), false, id});
        });
    };
    EXPECT_EQ(attach(evil, "a/b", ""), Errc::bad_syntax);
    EXPECT_EQ(attach("a", "a/b\r\nX: y", ""), Errc::bad_syntax);
    EXPECT_EQ(attach("a", "a/b; x=y", ""), Errc::bad_syntax);
    EXPECT_EQ(attach("a", "a/b", "i@d>\r\n"), Errc::bad_syntax);
    EXPECT_EQ(attach("a", "message/rfc822", ""), Errc::unsupported);
    EXPECT_EQ(attach("a", "a/b", "i@d"), ErrorCode{});
}

TEST(Composer, AuthorsAreComplete) {  // RFC 5322 §3.6.2
    auto d = draft();
    d.from.clear();
    EXPECT_FALSE(Composer::make(std::move(d)));
    d = draft();
    d.from.push_back(d.from[0]);
    EXPECT_FALSE(Composer::make(std::move(d)));
    d = draft();
    d.from.push_back(d.from[0]);
    d.sender = one("", "s@a.example");
    EXPECT_TRUE(Composer::make(std::move(d)));
    d = draft();
    d.message_id.clear();
    EXPECT_FALSE(Composer::make(std::move(d)));
}

TEST(Composer, RoundTripsThroughTheScanner) {
    std::mt19937 random{7};
    std::vector<std::string> const letters{
        " ",  "a",    "b",    "\n",   "=", ".", "\xC3\xA9", "\xE3\x81\x93", "--=_mix_abc123\n",
        "\t", "\r\n", "\x01", "From "};
    auto const text = [&](std::size_t max) {
        std::string out;
        for (auto n = random() % max; n > 0; --n) out += letters[random() % letters.size()];
        return out;
    };
    for (int i = 0; i < 40; ++i) {
        auto d = draft();
        d.text = text(400);
        d.html = i % 3 == 0 ? text(400) + "x" : "";
        std::vector<std::string> contents;
        for (auto n = random() % 3; n > 0; --n) {
            std::string bytes(random() % 70'000, '\0');
            for (auto& c : bytes) c = static_cast<char>(random());
            contents.push_back(bytes);
            d.attachments.push_back({"\xC3\xA9 \"" + std::to_string(n) + "\".bin",
                                     "application/x-test", make_body_source(bytes)});
        }
        auto const normal = [](std::string const& t) {
            std::string out;
            for (std::size_t k = 0; k < t.size(); ++k) {
                bool const end = t[k] == '\r' || t[k] == '\n';
                if (t.compare(k, 2, "\r\n") == 0) ++k;
                end ? out += "\r\n" : out += t[k];
            }
            return out.empty() || out.ends_with("\r\n") ? out : out + "\r\n";
        };
        auto const wanted_text = normal(d.text);
        auto const wanted_html = normal(d.html);
        auto const message = compose_message(std::move(d));
        ASSERT_TRUE(message);
        expect_lines(*message);
        EXPECT_TRUE(ascii::is_ascii(*message));
        auto const parts = *parse_mime(*message);
        EXPECT_EQ(decode_text(parts[0].header.first("Subject")->body),
                  "Gr\xC3\xBC\xC3\x9F"
                  "e");
        std::vector<std::string> got;
        for (auto const& part : parts) {
            EXPECT_FALSE(part.is_cut);
            if (part.is_container) continue;
            if (part.type.name() == "text/plain") {
                EXPECT_EQ(decoded_text(part, *message), wanted_text);
            }
            if (part.type.name() == "text/html") {
                EXPECT_EQ(decoded_text(part, *message), wanted_html);
            }
            if (part.type.type != "application") continue;
            EXPECT_TRUE(file_name(part).starts_with("\xC3\xA9 \""));
            got.push_back(decoded_body(part, *message));
        }
        EXPECT_EQ(got, contents);
    }
}

class Zeros final : public BodySource {
  public:
    explicit Zeros(std::uint64_t size) : left_(size) {}
    Result<std::size_t> read(std::span<char> buffer) override {
        auto const size =
            static_cast<std::size_t>(std::min<std::uint64_t>({buffer.size(), left_, 1000}));
        std::fill_n(buffer.begin(), size, '\0');
        left_ -= size;
        return size;
    }

  private:
    std::uint64_t left_;
};

class Broken final : public BodySource {
  public:
    Result<std::size_t> read(std::span<char>) override { return Errc::io_error; }
};

TEST(Composer, LargeAttachmentsNeedLittleMemory) {
    auto d = draft();
    std::uint64_t const size = 20U << 20U;
    d.attachments.push_back({.file_name = "big", .source = std::make_unique<Zeros>(size)});
    auto c = Composer::make(std::move(d));
    std::uint64_t total = 0;
    std::size_t largest = 0;
    std::string chunk;
    MimeScanner scanner;
    while (true) {
        auto const more = c->next(chunk);
        ASSERT_TRUE(more);
        if (!*more) break;
        total += chunk.size();
        largest = std::max(largest, chunk.size());
        ASSERT_FALSE(scanner.feed(chunk));
    }
    ASSERT_FALSE(scanner.finish());
    EXPECT_LT(largest, 100'000U);
    EXPECT_GT(total, size * 4 / 3);
    auto const& part = scanner.parts().back();
    EXPECT_EQ(part.body_end - part.body_begin, (size + 2) / 3 * 4 + ((size + 56) / 57) * 2);
}

TEST(Composer, AFailingSourceFailsTheMessage) {
    auto d = draft();
    d.attachments.push_back({.file_name = "big", .source = std::make_unique<Broken>()});
    EXPECT_EQ(compose_message(std::move(d)).error(), Errc::io_error);
}

}  // namespace
}  // namespace dawk::mail
