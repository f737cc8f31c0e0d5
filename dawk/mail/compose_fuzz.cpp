// Whatever the composer takes, its message has one header, no foreign field, and gives the text
// back.
#include <cstdint>

#include "dawk/base/check.hpp"
#include "dawk/mail/compose.hpp"
#include "dawk/mail/mime.hpp"

using namespace dawk;

namespace {

std::string_view take(std::string_view& text) {
    auto const field = text.substr(0, text.find('\x1F'));
    text.remove_prefix(std::min(field.size() + 1, text.size()));
    return field;
}

void check_lines(std::string_view text) {
    while (!text.empty()) {
        auto const end = text.find("\r\n");
        DAWK_CHECK(end != std::string_view::npos && end <= 998);
        DAWK_CHECK(text.substr(0, end).find_first_of(std::string_view{"\r\n\0", 3}) ==
                   std::string_view::npos);
        text.remove_prefix(end + 2);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view text{reinterpret_cast<char const*>(data), size};
    mail::Draft draft;
    draft.utf8 = size % 2 == 0;
    mail::Mailbox author{std::string{take(text)},
                         {std::string{take(text)}, std::string{take(text)}}};
    draft.from = {{std::nullopt, {std::move(author)}}};
    draft.subject = take(text);
    draft.message_id = "a@b.example";
    draft.unique = "u1";
    mail::Attachment attachment;
    attachment.file_name = take(text);
    draft.fields = {{"X-Field", std::string{take(text)}}};
    draft.html = take(text);
    draft.text = text;
    std::string const octets = draft.text;
    attachment.source = mail::make_body_source(octets);
    draft.attachments.push_back(std::move(attachment));
    auto const message = mail::compose_message(std::move(draft));
    if (!message) return 0;
    check_lines(*message);
    auto const parts = mail::parse_mime(*message);
    DAWK_CHECK(parts && !parts->empty());
    auto const& header = parts->front().header;
    std::size_t known = 0;
    for (auto const name :
         {"Date", "From", "Subject", "Message-ID", "X-Field", "MIME-Version", "Content-Type"})
        known += header.count(name);
    DAWK_CHECK(known == header.size() && header.ended_by() == mail::HeaderEnd::blank_line);
    DAWK_CHECK(mail::decoded_body(parts->back(), *message) == octets);
    return 0;
}
