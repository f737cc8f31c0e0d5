// A report of anything reads the same however it is cut; a report of ours holds its form whatever
// words of others it carries, and reads back as it was meant.
#include <cstdint>

#include "dawk/base/check.hpp"
#include "dawk/dsn/compose.hpp"
#include "dawk/dsn/parse.hpp"
#include "dawk/dsn/unitext.hpp"
#include "dawk/mail/mime.hpp"

using namespace dawk;

namespace {

Result<dsn::ParsedReport> read(std::string_view text, std::size_t cut) {
    dsn::ReportReader reader{{.status_size_bytes = 1000, .recipients = 10}};
    for (; !text.empty(); text.remove_prefix(std::min(cut, text.size())))
        if (auto const error = reader.feed(text.substr(0, cut))) return error;
    return reader.finish();
}

std::string take(std::string_view& text) {
    auto const field = text.substr(0, text.find('\x1F'));
    text.remove_prefix(std::min(field.size() + 1, text.size()));
    return std::string{field};
}

void check_composed(std::string_view text) {
    envelope::Envelope e;
    e.reverse_path = {"s", "a.example"};
    e.smtputf8 = text.size() % 2 == 0;
    e.envid = take(text);
    e.header_subject = take(text);
    e.header_message_id = take(text);
    envelope::Recipient r;
    r.address = {"r", "b.example"};
    r.orcpt = take(text);
    r.last.status = take(text);
    r.last.text = take(text);
    r.last.remote_host = take(text);
    r.last.code = 550;
    e.recipients = {r, r};
    dsn::Settings settings;
    settings.hostname = "mx.example";
    auto const message = dsn::compose(
        settings,
        {&e, {{0, dsn::Kind::failed}, {1, dsn::Kind::delayed}}, e.reverse_path, e.id, {}, false},
        {text, true});
    for (std::string_view rest = message.content; !rest.empty();) {
        auto const end = rest.find("\r\n");
        DAWK_CHECK(end != std::string_view::npos && end <= 998);
        DAWK_CHECK(rest.substr(0, end).find_first_of(std::string_view{"\r\n\0", 3}) ==
                   std::string_view::npos);
        rest.remove_prefix(end + 2);
    }
    auto const report = dsn::parse_report(message.content);
    DAWK_CHECK(report && report->recipients.size() == 2 && report->reporting_mta == "mx.example");
    for (auto const& one : report->recipients) DAWK_CHECK(one.final_recipient == "r@b.example");
    DAWK_CHECK(report->recipients[0].action == dsn::Kind::failed);
    auto const parts = mail::parse_mime(message.content);
    if (!parts) return;  // what was returned may pass a limit
    DAWK_CHECK(parts->size() >= 4 && (*parts)[3].parent == 0 && (*parts)[0].header.size() <= 11);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const text{reinterpret_cast<char const*>(data), size};
    auto const whole = read(text, size + 1);
    auto const bytes = read(text, 1);
    DAWK_CHECK(whole.has_value() == bytes.has_value());
    if (whole)
        DAWK_CHECK(whole->recipients == bytes->recipients &&
                   whole->original.block() == bytes->original.block());
    check_composed(text);
    (void)dsn::unitext_encode(dsn::unitext_decode(text));
    return 0;
}
