// The trace fields a mail server writes: Received when it takes a message over, Return-Path when it
// puts one into a mailbox.
//
//     envelope.trace = mail::received_field({.helo = origin.helo, .client_address =
//     origin.client_address,
//                                            .by = hostname, .with = origin.protocol, .id =
//                                            id.text(), .time = now});
//
// Everything that comes from the peer is checked or made harmless here: no text can leave its
// comment, its field or its line. The result is whole lines with CRLF, folded at 78 where it can
// be. Standards: RFC 5321 §4.4; RFC 3848; RFC 6531 §3.7.3, §4.3; RFC 8314 §4.3.
#pragma once

#include <optional>
#include <string>

#include "dawk/base/time.hpp"
#include "dawk/mail/address.hpp"

namespace dawk::mail {

struct ReceivedInfo {
    std::string helo{};            // as the client gave it; "" for mail that came by no protocol
    std::string client_name{};     // confirmed reverse name, "" if none
    std::string client_address{};  // "192.0.2.1", "2001:db8::1", "" if none
    std::string by{};              // our name
    std::string with{};            // "ESMTPS", "UTF8SMTPSA", "LMTP" ...; "" for none
    std::string tls{};             // "TLSv1.3 TLS_AES_256_GCM_SHA384", "" without TLS
    std::string id{};
    // Only when the transaction has this one recipient: with more, blind copies would be told to
    // all.
    std::optional<Address> sole_recipient{};
    bool smtputf8 = false;  // the header may hold UTF-8
    WallTime time{};
    int zone_minutes = 0;
};

std::string received_field(ReceivedInfo const& info);

// "Return-Path: <a@b.example>" CRLF; "<>" for the null path. RFC 5321 §4.4: once, at final
// delivery, after all others were removed.
std::string return_path_field(Address const& reverse_path);

// "Delivered-To: a@b.example" CRLF, against loops of forwarding.
std::string delivered_to_field(Address const& recipient);

}  // namespace dawk::mail
