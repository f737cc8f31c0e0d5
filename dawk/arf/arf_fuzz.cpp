// Any text is read without harm; what it says, put into a report of ours, comes back as it was
// written and breaks out of no field.
#include <cstdint>

#include "dawk/arf/arf.hpp"
#include "dawk/base/check.hpp"
#include "dawk/mail/mime.hpp"

using namespace dawk;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const text{reinterpret_cast<char const*>(data), size};
    auto const parsed = arf::parse(text, {.report_bytes = 4000, .values = 20});
    arf::Draft draft;
    draft.report.feedback_type = "abuse";
    draft.report.user_agent = text;
    draft.report.original_rcpt_to = {std::string(text)};
    draft.report.dkim_canonicalized_body = text;
    if (parsed) draft.report = parsed->report;
    draft.from = {"a", "a.example"};
    draft.to = {"b", "b.example"};
    draft.subject = text;
    draft.text = text;
    draft.original = text;
    draft.headers_only = size % 2 == 0;
    auto const message = arf::compose(draft);
    DAWK_CHECK(message.has_value());
    for (std::string_view rest = *message; !rest.empty();) {
        auto const end = rest.find("\r\n");
        DAWK_CHECK(end != rest.npos && end <= 998);
        rest.remove_prefix(end + 2);
    }
    auto const header = mail::HeaderSection::parse(*message);
    DAWK_CHECK(header && header->size() <= 8 && header->count("From") == 1);
    auto const again = arf::parse(*message);
    if (!again) return 0;  // an enclosed message may pass a limit
    DAWK_CHECK(again->report.incidents == draft.report.incidents);
    return 0;
}
