// What a next hop that lacks 8BITMIME or BINARYMIME gets instead of a content it cannot take.
//
//     auto converted = downgrade(content, envelope.body, session.extensions());
//
// Nothing when the content can go as it is, or cannot be converted: then the session finds the
// obstacle and the recipients fail with 5.6.3. Standards: RFC 6152 §3; RFC 3030 §3.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "dawk/envelope/envelope.hpp"
#include "dawk/smtp/extensions.hpp"

namespace dawk::mta {

struct Downgraded {
    std::string content;
    envelope::Body body = envelope::Body::seven_bit;
};

std::optional<Downgraded> downgrade(std::string_view content, envelope::Body body,
                                    smtp::Extensions const& offered);

}  // namespace dawk::mta
