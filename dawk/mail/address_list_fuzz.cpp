// A list that was understood can be written, and reads again as the same list.
#include <cstdint>

#include "dawk/base/check.hpp"
#include "dawk/mail/address_list.hpp"
#include "dawk/mail/encoded_word.hpp"
#include "dawk/mail/header.hpp"
#include "dawk/mail/message_id.hpp"

using namespace dawk;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const text{reinterpret_cast<char const*>(data), size};
    (void)mail::parse_message_ids(text);
    auto const list = mail::parse_address_list(text, {.mailboxes = 100});
    if (!list) return 0;
    auto const field = mail::format_address_list("To", *list, {.utf8 = true});
    if (!field) return 0;  // a domain of the wider grammar, a group without a name
    auto const header = mail::HeaderSection::parse(*field);
    DAWK_CHECK(header && header->size() == 1);
    auto const again = mail::parse_address_list((*header)[0].body, {.mailboxes = 100});
    DAWK_CHECK(again && again->size() == list->size());
    auto const before = mail::mailboxes(*list);
    auto const after = mail::mailboxes(*again);
    DAWK_CHECK(before.size() == after.size());
    for (std::size_t i = 0; i < before.size(); ++i) {
        DAWK_CHECK(before[i].address == after[i].address);
        DAWK_CHECK(mail::decode_text(before[i].name) == mail::decode_text(after[i].name));
    }
    return 0;
}
