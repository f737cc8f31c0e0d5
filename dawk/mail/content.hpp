// Content-Type, Content-Disposition, Content-Transfer-Encoding: a value and its parameters.
//
//     auto const type = mail::parse_content_type(header.value("Content-Type"));
//     type.is("multipart", "report");  type.param("boundary");
//
// One reading for policy, scanner and delivery: of a parameter given twice the first counts, the
// extended form (name*) counts before the plain one, and encoded words in a quoted value are
// decoded, as readers do. What cannot be read is the default of RFC 2045 §5.2, text/plain.
// Standards: RFC 2045 §5, §6; RFC 2183; RFC 2231 (with its errata); RFC 6532.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dawk/base/result.hpp"

namespace dawk::mail {

struct Parameter {
    std::string name;   // in lower case, without the marks of RFC 2231
    std::string value;  // decoded to UTF-8

    friend bool operator==(Parameter const&, Parameter const&) = default;
};
using Parameters = std::vector<Parameter>;

// The first of that name (in lower case), or nothing.
std::optional<std::string_view> find_parameter(Parameters const& params,
                                               std::string_view name) noexcept;

struct ContentType {
    std::string type = "text";      // in lower case
    std::string subtype = "plain";  // in lower case
    Parameters params{};

    bool is(std::string_view t, std::string_view s) const noexcept {
        return type == t && subtype == s;
    }
    bool is_multipart() const noexcept { return type == "multipart"; }
    std::string_view param(std::string_view name) const noexcept;  // "" if absent
    std::string name() const { return type + '/' + subtype; }
};

struct Disposition {
    std::string kind;  // in lower case: "inline", "attachment"; "" if the field is absent or broken
    Parameters params{};
    std::string_view param(std::string_view name) const noexcept;
};

ContentType parse_content_type(std::string_view body);
Disposition parse_disposition(std::string_view body);

enum class TransferEncoding { seven_bit, eight_bit, binary, quoted_printable, base64, unknown };
// An empty body is seven_bit (RFC 2045 §6.1).
TransferEncoding parse_transfer_encoding(std::string_view body);

// name=value in one or more words separated by spaces, to be folded between them: a token, a quoted
// string, or the extended form in sections. utf8: write UTF-8 in a quoted string (RFC 6532 §3.2).
// Value: UTF-8 without control octets.
std::string format_parameter(std::string_view name, std::string_view value, bool utf8 = false);

}  // namespace dawk::mail
