// Internationalised domain names: from what people write (U-labels) to what DNS asks (A-labels),
// and back.
//
//     mail::to_a_labels("b\u00fccher.example")        // "xn--bcher-kva.example"
//     mail::to_u_labels("xn--bcher-kva.example")      // for people only; compare and look up
//     A-labels
//
// UTS #46 mapping, non-transitional, then the IDNA 2008 rules (libidn2). A name that is all ASCII
// is only lowered, so that "_dmarc.example.org" and odd A-labels pass to DNS as they are.
// Standards: RFC 5890; RFC 5891; RFC 5892; RFC 5893; RFC 3492; UTS #46.
#pragma once

#include <string>
#include <string_view>

#include "dawk/base/result.hpp"

namespace dawk::mail {

// Errors: bad_syntax (not UTF-8, control octets, no valid label), too_long (63 and 255 octets).
Result<std::string> to_a_labels(std::string_view domain);

// Labels that are no valid A-labels stay as they are; never fails on ASCII.
std::string to_u_labels(std::string_view domain);

}  // namespace dawk::mail
