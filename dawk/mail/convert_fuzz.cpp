// A converted message is ASCII in lines, has the structure it had, and decodes to the same octets.
#include <cstdint>

#include "dawk/base/ascii.hpp"
#include "dawk/base/check.hpp"
#include "dawk/mail/convert.hpp"

using namespace dawk;

namespace {

Result<std::string> convert(std::string_view content, mail::Transport target, std::size_t cut) {
    mail::ConversionPlanner planner{target};
    for (auto rest = content; !rest.empty(); rest.remove_prefix(std::min(cut, rest.size())))
        if (auto const error = planner.feed(rest.substr(0, cut))) return error;
    DAWK_TRY(auto plan, planner.finish());
    mail::Converter converter{std::move(plan)};
    std::string out;
    for (auto rest = content; !rest.empty(); rest.remove_prefix(std::min(cut, rest.size())))
        converter.feed(rest.substr(0, cut), out);
    converter.finish(out);
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const content{reinterpret_cast<char const*>(data), size};
    for (auto const target : {mail::Transport::seven_bit, mail::Transport::eight_bit}) {
        auto const whole = convert(content, target, size + 1);
        auto const bytes = convert(content, target, 1);
        DAWK_CHECK(whole.has_value() == bytes.has_value());
        if (!whole) continue;
        DAWK_CHECK(*whole == *bytes);
        DAWK_CHECK(target == mail::Transport::eight_bit || ascii::is_ascii(*whole));
        auto const before = mail::parse_mime(content);
        auto const after = mail::parse_mime(*whole);
        DAWK_CHECK(before && after && before->size() == after->size());
        for (std::size_t i = 0; i < before->size(); ++i) {
            auto const& part = (*before)[i];
            DAWK_CHECK(part.type.name() == (*after)[i].type.name() &&
                       part.depth == (*after)[i].depth);
            if (!part.is_container)
                DAWK_CHECK(mail::decoded_body(part, content) ==
                           mail::decoded_body((*after)[i], *whole));
        }
    }
    return 0;
}
