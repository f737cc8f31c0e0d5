// What a next hop that lacks 8BITMIME or BINARYMIME gets instead of a content it cannot take.
//
//     auto converted = downgrade(content, envelope.body, session.extensions());
//
// and of a large content, which is never in memory as a whole:
//
//     if (may_need_downgrade(envelope.body, offered)) {
//         auto plan = co_await plan_downgrade(content, envelope.body, offered);   // reads it twice
//         if (plan) reader = converting_reader(content, *plan);                  // plan->size
//         octets
//     }
//
// Nothing when the content can go as it is, or cannot be converted: then the session finds the
// obstacle and the recipients fail with 5.6.3. Standards: RFC 6152 §3; RFC 3030 §3.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "dawk/envelope/envelope.hpp"
#include "dawk/mail/convert.hpp"
#include "dawk/smtp/extensions.hpp"
#include "dawk/spool/spool.hpp"

namespace dawk::mta {

struct Downgraded {
    std::string content;
    envelope::Body body = envelope::Body::seven_bit;
};

struct DowngradePlan {
    mail::ConversionPlan edits;
    std::uint64_t size = 0;  // of the content when it is converted
    envelope::Body body = envelope::Body::seven_bit;
};

std::optional<Downgraded> downgrade(std::string_view content, envelope::Body body,
                                    smtp::Extensions const& offered);

// Without a look at the content: could there be something in it that the host does not take?
bool may_need_downgrade(envelope::Body body, smtp::Extensions const& offered) noexcept;
// Errors: unsupported, and those of reading.
Task<Result<DowngradePlan>> plan_downgrade(spool::ContentPtr content, envelope::Body body,
                                           smtp::Extensions offered);
// Whether the header of a large content can go to a host without SMTPUTF8; nothing when it cannot
// be read.
Task<std::optional<bool>> has_ascii_header(spool::ContentPtr content);
std::unique_ptr<spool::Content::Reader> converting_reader(spool::ContentPtr content,
                                                          DowngradePlan const& plan);

}  // namespace dawk::mta
