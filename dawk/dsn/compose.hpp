// Delivery status notifications: the message that tells a sender what became of his mail.
//
//     dsn::Request const request{&envelope, {{0, dsn::Kind::failed}}, envelope.reverse_path, id,
//     now}; auto const report = dsn::compose(settings, request, {first_octets_of_content,
//     is_all_of_it});
//     // then a new envelope: null reverse-path, report.smtputf8, .body, .require_tls, NOTIFY=NEVER
//
// Who gets one, and about what, is decided in decide.hpp; this only writes. The text part is for
// people, the second part for machines, the third gives back the header of the original, or all of
// it when it is small and the sender may have it. Words of a remote server are quoted and made
// harmless; no part can be broken out of. The size is bounded by the settings and the number of
// recipients. Standards: RFC 3464; RFC 6522; RFC 3461 §6; RFC 6533; RFC 3834 §5 (Auto-Submitted);
// RFC 8689 §5.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dawk/envelope/envelope.hpp"

namespace dawk::dsn {

enum class Kind : std::uint8_t { failed, delayed, delivered, relayed, expanded };
std::string_view to_string(Kind kind) noexcept;  // the Action of RFC 3464 §2.3.3

struct Reported {
    std::uint32_t recipient = 0;  // index into the envelope's recipients
    Kind kind = Kind::failed;
    friend bool operator==(Reported const&, Reported const&) = default;
};

struct Settings {
    std::string hostname{};  // Reporting-MTA, Message-ID
    mail::Address from{};    // default: mailer-daemon@hostname
    std::string from_name = "Mail Delivery System";
    std::size_t content_size_max = 64U << 10U;  // larger originals come back as their header
    std::size_t header_size_max = 32U << 10U;   // of the copied header
    std::size_t diagnostic_size_max = 1000;     // of one remote answer
};

struct Request {
    envelope::Envelope const* subject = nullptr;  // whose fate is told
    std::vector<Reported> recipients{};           // never empty
    mail::Address to{};                           // reverse-path of the subject, or postmaster
    MessageId id{};                               // of the report
    WallTime now{};
    bool to_postmaster = false;  // a bounce that could not be delivered itself
};

struct Original {
    std::string_view octets{};  // the content from its start; settings.content_size_max are enough
    bool is_whole = false;
};

struct Message {
    std::string content{};  // CRLF lines
    envelope::Body body = envelope::Body::seven_bit;
    bool smtputf8 = false;
    bool require_tls = false;  // RFC 8689 §5
};

Message compose(Settings const& settings, Request const& request, Original original);

}  // namespace dawk::dsn
