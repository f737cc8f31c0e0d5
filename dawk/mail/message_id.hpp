// Message identifiers: the contents of Message-ID, In-Reply-To, References.
//
//     mail::parse_message_ids("<a@x.example> (was: ...) <b@y.example>")     // {"a@x.example",
//     "b@y.example"} mail::make_message_id(id.text(), "mx.example")                        //
//     "<...@mx.example>"
//
// Standards: RFC 5322 §3.6.4, §4.5.4.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dawk::mail {

// The identifiers in their order, without brackets and white space; all else (obsolete phrases,
// comments) is passed over. At most max of them.
std::vector<std::string> parse_message_ids(std::string_view body, std::size_t max = 1000);

// left: made of atoms by the caller; host: our name.
std::string make_message_id(std::string_view left, std::string_view host);

}  // namespace dawk::mail
