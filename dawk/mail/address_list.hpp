// The addresses of From, To, Cc and their kin: lists of mailboxes with display names, and groups.
//
//     auto const list = mail::parse_address_list(header.value("From"));
//     if (list && mail::mailboxes(*list).size() == 1) ...
//     mail::format_address_list("To", *list, {.utf8 = true})       // "To: ...\r\n", folded
//
// Read generously (comments, obsolete routes, empty elements, dots in names), but all or nothing: a
// list that cannot be understood wholly is an error, so that no two readers see different authors
// in it. An Address read here follows the grammar of message headers, which is wider than that of
// SMTP: check with parse_mailbox(address.text()) before mail is sent to it. Standards: RFC 5322
// §3.4, §4.4; RFC 6854; RFC 6532; RFC 2047 §5.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dawk/base/result.hpp"
#include "dawk/mail/address.hpp"

namespace dawk::mail {

struct Mailbox {
    std::string name;  // display name, decoded to UTF-8; "" for none
    Address address;

    friend bool operator==(Mailbox const&, Mailbox const&) = default;
};

// One mailbox, or a group of any number of them.
struct AddressItem {
    std::optional<std::string> group;  // its name, decoded
    std::vector<Mailbox> mailboxes;    // exactly one when this is no group

    friend bool operator==(AddressItem const&, AddressItem const&) = default;
};
using AddressList = std::vector<AddressItem>;

struct AddressListOptions {
    std::size_t mailboxes = 10'000;
    bool local_only = false;  // take "root" without a domain, as commands do
};

// The body of a field, folded or not. An empty list is a value. Errors: bad_syntax, too_many.
Result<AddressList> parse_address_list(std::string_view body, AddressListOptions options = {});

// All mailboxes, those of groups too.
std::vector<Mailbox> mailboxes(AddressList const& list);

struct AddressFormat {
    bool utf8 = false;  // write UTF-8 as it is (RFC 6532); else names become encoded words
};

// The whole field with CRLF. Errors: bad_syntax (a name with control octets or no UTF-8, an address
// that is no address), unsupported (an address beyond ASCII without utf8).
Result<std::string> format_address_list(std::string_view field, AddressList const& list,
                                        AddressFormat format = {});

}  // namespace dawk::mail
