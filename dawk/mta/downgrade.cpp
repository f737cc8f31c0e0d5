#include "dawk/mta/downgrade.hpp"

#include "dawk/mail/convert.hpp"
#include "dawk/smtp/dot_stuffer.hpp"

namespace dawk::mta {

using envelope::Body;

std::optional<Downgraded> downgrade(std::string_view content, Body body,
                                    smtp::Extensions const& offered) {
    bool const binary_goes = offered.chunking && offered.binary_mime;
    bool const is_fine = body == Body::binary
                             ? binary_goes
                             : offered.eight_bit_mime || !smtp::has_eight_bit(content);
    if (is_fine) return std::nullopt;
    auto const target =
        offered.eight_bit_mime ? mail::Transport::eight_bit : mail::Transport::seven_bit;
    mail::ConversionPlanner planner(target);
    if (planner.feed(content)) return std::nullopt;
    auto plan = planner.finish();
    if (!plan) return std::nullopt;
    Downgraded result;
    result.body = offered.eight_bit_mime ? Body::eight_bit : Body::seven_bit;
    mail::Converter converter(*std::move(plan));
    converter.feed(content, result.content);
    converter.finish(result.content);
    return result;
}

}  // namespace dawk::mta
