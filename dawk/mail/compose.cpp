#include "dawk/mail/compose.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "dawk/base/ascii.hpp"
#include "dawk/mail/base64.hpp"
#include "dawk/mail/content.hpp"
#include "dawk/mail/date.hpp"
#include "dawk/mail/encoded_word.hpp"
#include "dawk/mail/field.hpp"
#include "dawk/mail/header.hpp"
#include "dawk/mail/message_id.hpp"
#include "dawk/mail/quoted_printable.hpp"

namespace dawk::mail {
namespace {

constexpr std::size_t line_size_max = 998;       // RFC 5322 §2.1.1
constexpr std::size_t raw_word_max = 900;        // fits a line
constexpr std::size_t source_piece = 57 * 1024;  // whole lines of base64

constexpr std::array<std::string_view, 18> own_fields{"date",
                                                      "from",
                                                      "sender",
                                                      "reply-to",
                                                      "to",
                                                      "cc",
                                                      "bcc",
                                                      "subject",
                                                      "message-id",
                                                      "in-reply-to",
                                                      "references",
                                                      "mime-version",
                                                      "content-type",
                                                      "content-transfer-encoding",
                                                      "content-disposition",
                                                      "content-id",
                                                      "return-path",
                                                      "received"};

class MemorySource final : public BodySource {
  public:
    explicit MemorySource(std::string octets) : octets_(std::move(octets)) {}
    Result<std::size_t> read(std::span<char> buffer) override {
        auto const size = std::min(buffer.size(), octets_.size() - taken_);
        std::memcpy(buffer.data(), octets_.data() + taken_, size);
        taken_ += size;
        return size;
    }

  private:
    std::string octets_;
    std::size_t taken_ = 0;
};

bool has_long_word(std::string_view text) noexcept {
    while (!text.empty()) {
        auto const word = text.substr(0, text.find(' '));
        if (word.size() > raw_word_max) return true;
        text.remove_prefix(std::min(word.size() + 1, text.size()));
    }
    return false;
}

bool is_field_name(std::string_view name) noexcept {
    return !name.empty() && name.size() < 77 &&
           std::ranges::all_of(name, [](char c) { return c > 32 && c < 127 && c != ':'; });
}

bool is_type_name(std::string_view type) noexcept {
    auto const parsed = parse_content_type(type);
    return type.size() <= 127 && parsed.params.empty() && ascii::iequals(parsed.name(), type);
}

std::string crlf_lines(std::string_view text) {
    std::string out;
    out.reserve(text.size() + text.size() / 32);
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\r' || text[i] == '\n') {
            if (text.substr(i).starts_with("\r\n")) ++i;
            out += "\r\n";
        } else {
            out += text[i];
        }
    }
    if (!out.empty() && !out.ends_with("\r\n")) out += "\r\n";
    return out;
}

bool is_seven_bit(std::string_view text) noexcept {
    while (!text.empty()) {
        auto const line = text.substr(0, text.find("\r\n"));
        bool const odd = std::ranges::any_of(line, [](char c) {
            return ascii::is_eight_bit(c) || (ascii::is_control(c) && c != '\t');
        });
        if (odd || line.size() > line_size_max || line.starts_with("--=_")) return false;
        text.remove_prefix(std::min(line.size() + 2, text.size()));
    }
    return true;
}

// A text part, its header fields included; boundaries start with "=_", which no encoding can
// produce.
std::string text_part(std::string_view subtype, std::string_view text) {
    auto const lines = crlf_lines(text);
    auto const start = "Content-Type: text/" + std::string{subtype} + "; charset=";
    if (is_seven_bit(lines)) return start + "us-ascii\r\n\r\n" + lines;
    auto const eight_bit =
        static_cast<std::size_t>(std::ranges::count_if(lines, ascii::is_eight_bit));
    std::string body;
    if (eight_bit > lines.size() / 3) {
        Base64Encoder encoder;
        encoder.feed(lines, body);
        encoder.finish(body);
        return start + "utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n" + body;
    }
    QuotedPrintableEncoder encoder{QuotedPrintableEncoder::Kind::text};
    encoder.feed(lines, body);
    encoder.finish(body);
    return start + "utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" + body;
}

// Builds the header of the message; the first error sticks.
class HeaderWriter {
  public:
    explicit HeaderWriter(Draft const& draft) : draft_(draft) {}

    void raw(std::string_view name, std::string_view value) {
        text_.append(name).append(": ").append(value).append("\r\n");
    }
    void addresses(std::string_view name, AddressList const& list) {
        if (list.empty()) return;
        auto const field = format_address_list(name, list, {.utf8 = draft_.utf8});
        if (!field) return fail(field.error());
        text_ += *field;
    }
    void unstructured(std::string_view name, std::string_view value) {
        if (has_forbidden(value)) return fail(Errc::bad_syntax);
        bool const as_it_is =
            draft_.utf8 && !has_long_word(value) && value.find("=?") == std::string_view::npos;
        FieldBuilder field{name};
        field.add_words(as_it_is ? std::string{value} : encode_text(value));
        text_ += std::move(field).finish();
    }
    void ids(std::string_view name, std::vector<std::string> const& ids) {
        if (ids.empty()) return;
        FieldBuilder field{name};
        for (auto const& given : ids) {
            auto const bare = given.starts_with('<') && given.ends_with('>')
                                  ? given.substr(1, given.size() - 2)
                                  : given;
            auto const parsed = parse_message_ids('<' + bare + '>');
            bool const good = parsed.size() == 1 && parsed[0] == bare && !has_forbidden(bare) &&
                              bare.find('@') != std::string::npos && bare.size() <= raw_word_max &&
                              bare.find('<') == std::string::npos &&
                              (draft_.utf8 || ascii::is_ascii(bare));
            if (!good) return fail(Errc::bad_syntax);
            field.add('<' + bare + '>');
        }
        text_ += std::move(field).finish();
    }
    Result<std::string> finish() && {
        if (error_) return error_;
        return std::move(text_);
    }
    void fail(ErrorCode error) {
        if (!error_) error_ = error;
    }

  private:
    Draft const& draft_;
    std::string text_;
    ErrorCode error_;
};

Result<std::string> message_header(Draft const& draft) {
    HeaderWriter out{draft};
    auto const authors = mailboxes(draft.from).size();
    bool const sender_wrong =
        draft.sender.size() > 1 || mailboxes(draft.sender).size() != draft.sender.size();
    if (draft.from.empty() || sender_wrong || (authors != 1 && draft.sender.empty()))
        return Errc::bad_syntax;
    out.raw("Date", format_date(draft.date, draft.zone_minutes));
    out.addresses("From", draft.from);
    out.addresses("Sender", draft.sender);
    out.addresses("Reply-To", draft.reply_to);
    out.addresses("To", draft.to);
    out.addresses("Cc", draft.cc);
    if (!draft.subject.empty()) out.unstructured("Subject", draft.subject);
    out.ids("Message-ID", {draft.message_id});
    out.ids("In-Reply-To", draft.in_reply_to);
    out.ids("References", draft.references);
    for (auto const& [name, value] : draft.fields) {
        bool const own = std::ranges::find(own_fields, ascii::to_lower(name)) != own_fields.end();
        if (own || !is_field_name(name)) return Errc::bad_syntax;
        out.unstructured(name, value);
    }
    out.raw("MIME-Version", "1.0");
    return std::move(out).finish();
}

Result<std::string> attachment_header(Attachment const& attachment, bool utf8) {
    auto const type = ascii::to_lower(attachment.type);
    if (type.starts_with("multipart/") || type.starts_with("message/")) return Errc::unsupported;
    if (!is_type_name(type) || !attachment.source || has_forbidden(attachment.file_name))
        return Errc::bad_syntax;
    FieldBuilder content_type{"Content-Type"};
    content_type.add(type);
    FieldBuilder disposition{"Content-Disposition"};
    disposition.add(attachment.is_inline ? "inline" : "attachment");
    if (!attachment.file_name.empty())
        disposition.append(";").add_words(format_parameter("filename", attachment.file_name, utf8));
    auto out = std::move(content_type).finish() + std::move(disposition).finish();
    auto const& id = attachment.content_id;
    if (!id.empty()) {
        bool const good = parse_message_ids('<' + id + '>') == std::vector<std::string>{id} &&
                          ascii::is_ascii(id);
        if (!good) return Errc::bad_syntax;
        out += "Content-ID: <" + id + ">\r\n";
    }
    return out + "Content-Transfer-Encoding: base64\r\n\r\n";
}

std::string multipart_start(std::string_view subtype, std::string const& boundary) {
    return "Content-Type: multipart/" + std::string{subtype} + ";\r\n boundary=\"" + boundary +
           "\"\r\n\r\n";
}

// Text, html, or both as alternatives.
std::string body_part(Draft const& draft) {
    if (draft.html.empty()) return text_part("plain", draft.text);
    if (draft.text.empty()) return text_part("html", draft.html);
    auto const boundary = "=_alt_" + draft.unique;
    return multipart_start("alternative", boundary) + "--" + boundary + "\r\n" +
           text_part("plain", draft.text) + "\r\n--" + boundary + "\r\n" +
           text_part("html", draft.html) + "\r\n--" + boundary + "--\r\n";
}

bool is_good_unique(std::string_view unique) noexcept {
    return !unique.empty() && unique.size() <= 60 && std::ranges::all_of(unique, ascii::is_alnum);
}

}  // namespace

std::unique_ptr<BodySource> make_body_source(std::string octets) {
    return std::make_unique<MemorySource>(std::move(octets));
}

Result<Composer> Composer::make(Draft draft) {
    bool const multipart =
        !draft.attachments.empty() || (!draft.text.empty() && !draft.html.empty());
    if (multipart && !is_good_unique(draft.unique)) return Errc::bad_syntax;
    DAWK_TRY(auto header, message_header(draft));
    Composer composer;
    composer.needs_smtputf8_ = !ascii::is_ascii(header);
    if (draft.attachments.empty()) {
        composer.pieces_.push_back({std::move(header) + body_part(draft), nullptr});
        return composer;
    }
    auto const boundary = "=_mix_" + draft.unique;
    auto text = std::move(header) + multipart_start("mixed", boundary) + "--" + boundary + "\r\n" +
                body_part(draft);
    for (auto& attachment : draft.attachments) {
        DAWK_TRY(auto const part, attachment_header(attachment, draft.utf8));
        if (!ascii::is_ascii(part)) composer.needs_smtputf8_ = true;
        text += "\r\n--" + boundary + "\r\n" + part;
        composer.pieces_.push_back({std::move(text), std::move(attachment.source)});
        text.clear();
    }
    composer.pieces_.push_back({"\r\n--" + boundary + "--\r\n", nullptr});
    return composer;
}

// Whole lines of base64, but for the last piece.
Result<std::string> Composer::encoded_piece(BodySource& source) {
    std::string buffer(source_piece, '\0');
    std::size_t filled = 0;
    while (filled < buffer.size()) {
        DAWK_TRY(auto const size, source.read(std::span{buffer}.subspan(filled)));
        if (size == 0) break;
        filled += size;
    }
    std::string out;
    Base64Encoder encoder;
    encoder.feed(std::string_view{buffer}.substr(0, filled), out);
    encoder.finish(out);
    return out;
}

Result<bool> Composer::next(std::string& chunk) {
    chunk.clear();
    while (chunk.empty() && next_ < pieces_.size()) {
        auto& piece = pieces_[next_];
        if (!text_given_) {
            chunk = std::move(piece.text);
            text_given_ = true;
        } else if (piece.source) {
            DAWK_TRY(chunk, encoded_piece(*piece.source));
            if (chunk.empty()) piece.source.reset();
        } else {
            ++next_;
            text_given_ = false;
        }
    }
    return !chunk.empty();
}

Result<std::string> compose_message(Draft draft) {
    DAWK_TRY(auto composer, Composer::make(std::move(draft)));
    std::string whole;
    std::string chunk;
    while (true) {
        DAWK_TRY(bool const more, composer.next(chunk));
        if (!more) return whole;
        whole += chunk;
    }
}

}  // namespace dawk::mail
