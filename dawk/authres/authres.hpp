// Authentication-Results: what was checked, for those who read the message later (RFC 8601).
//
//     std::string field = authres::compose("mx.dawk.test", {{"spf", "pass", "", {{"smtp",
//     "mailfrom", "a@b"}}}}); bool forged = authres::has_id(field_body, "mx.dawk.test");    // of
//     ours in incoming mail: delete it (§5)
//
// Every value is written so that it stays one value: a token or dot-atom as it is, an address as
// such, all else as a quoted string; no peer's octet can end the field, open a comment or add a
// result. Standards: RFC 8601 §2.2, §5; RFC 5322 §3.2; RFC 6008 (header.b).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dawk::authres {

struct Property {
    std::string type;  // "smtp", "header", "body", "policy"
    std::string name;  // "mailfrom", "d"
    std::string value;
    friend bool operator==(Property const&, Property const&) = default;
};
struct MethodResult {
    std::string method;  // "spf", "dkim", "dmarc", "arc", "iprev", "auth"
    std::string result;  // "pass"
    std::string reason;  // for people; "" for none
    std::vector<Property> properties;
    friend bool operator==(MethodResult const&, MethodResult const&) = default;
};

// The whole field, folded, with CRLF; "none" when there are no results.
std::string compose(std::string_view authserv_id, std::vector<MethodResult> const& results,
                    std::string_view field_name = "Authentication-Results");

struct Parsed {
    std::string authserv_id;
    std::vector<MethodResult> results;
};
// The body of a field. Nothing when it does not follow the grammar; then nothing of it may be
// believed.
std::optional<Parsed> parse(std::string_view body);

// Does the field carry this authserv-id? Case, comments and a version number do not count. A field
// that cannot be parsed counts as carrying it when its first word is the id: rather one deleted too
// many.
bool has_id(std::string_view body, std::string_view authserv_id);

}  // namespace dawk::authres
