// Address: the mailbox of an envelope, a local part and a domain (RFC 5321 §2.3.11, §4.1.2).
//
//     auto a = mail::parse_mailbox("\"john doe\"@Example.ORG");   // local: john doe, domain:
//     example.org a->text();                                                  // "john
//     doe"@example.org
//
// The local part is kept as it was meant (unquoted, case kept); the domain is kept in lower case,
// without a trailing dot, as U-labels or A-labels as received, or an address literal "[192.0.2.1]".
// It never holds a control octet; 8-bit octets only as valid UTF-8, and only where the caller
// allows. Standards: RFC 5321 §4.1.2, §4.5.3.1; RFC 6531 §3.3.
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "dawk/base/result.hpp"

namespace dawk::mail {

struct Address {
    std::string local;
    std::string domain;  // empty only for the null reverse-path, or RCPT TO:<postmaster>

    bool is_null() const noexcept { return local.empty() && domain.empty(); }
    bool is_ascii() const noexcept;
    bool has_literal() const noexcept { return domain.starts_with('['); }
    // As it stands between the angle brackets of MAIL and RCPT, quoted where the grammar needs it;
    // "" for the null path. No source route is ever generated (RFC 5321 §3.6.1, appendix C).
    std::string text() const;

    friend auto operator<=>(Address const&, Address const&) = default;
};

struct AddressOptions {
    bool utf8 = false;  // SMTPUTF8 was given (RFC 6531 §3.3)
    bool need_domain =
        true;  // false: "postmaster" alone, in any case, is an address (RFC 5321 §4.5.1)
    bool long_local = false;  // a local part of more than 64 octets, up to the limit of the whole:
                              // those that return-path schemes make (VERP, SRS, BATV); RFC 5321
                              // §4.5.3.1 asks to impose no limit where one can
};

// local-part@domain without brackets. Errors: bad_syntax, too_long (64, 255 and 254 octets,
// §4.5.3.1).
Result<Address> parse_mailbox(std::string_view text, AddressOptions options = {});

// A domain name or literal alone, checked and lowered. Errors as above.
Result<std::string> parse_domain(std::string_view text, AddressOptions options = {});

}  // namespace dawk::mail
