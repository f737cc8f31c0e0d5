// Whatever is an address can be written and read again, and is the same.
#include <cstdint>

#include "dawk/base/ascii.hpp"
#include "dawk/base/check.hpp"
#include "dawk/mail/address.hpp"
#include "dawk/mail/idna.hpp"

using namespace dawk;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const text{reinterpret_cast<char const*>(data), size};
    for (bool const utf8 : {false, true}) {
        mail::AddressOptions const options{.utf8 = utf8, .need_domain = !utf8};
        if (auto const address = mail::parse_mailbox(text, options)) {
            auto const written = address->text();
            DAWK_CHECK(written.size() <= 254);
            auto const again = mail::parse_mailbox(written, options);
            DAWK_CHECK(again && *again == *address);
            for (char const c : written) DAWK_CHECK(!ascii::is_control(c));
            DAWK_CHECK(utf8 || address->is_ascii());
        }
        if (auto const domain = mail::parse_domain(text, options))
            DAWK_CHECK(mail::parse_domain(*domain, options).value() == *domain);
    }
    if (auto const name = mail::to_a_labels(text)) DAWK_CHECK(ascii::is_ascii(*name));
    (void)mail::to_u_labels(text);
    return 0;
}
