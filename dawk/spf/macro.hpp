// SPF macros (RFC 7208 §7): checked when the record is parsed, expanded with a bound on the result.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "dawk/base/time.hpp"
#include "dawk/spf/record.hpp"

namespace dawk::spf {

struct MacroContext {
    std::string sender_local, sender_domain;  // %{l} %{o}, together %{s}
    std::string domain;                       // %{d}: the current one, not the first
    std::string helo;                         // %{h}
    std::string validated_name;               // %{p}; "unknown"
    std::string receiver;                     // %{r}, explanations only
    Ip ip;                                    // %{i} %{c} %{v}
    WallTime now{};                           // %{t}, explanations only
};

bool is_macro_string(std::string_view text) noexcept;  // in a record: no c, r, t
bool is_explanation(std::string_view text) noexcept;   // c, r, t and spaces too
// domain-spec = macro-string domain-end (§7.1): ends in a macro, or ".toplabel" with an optional
// dot.
bool is_domain_spec(std::string_view text) noexcept;
bool uses_validated_name(std::string_view text) noexcept;  // %{p} occurs
bool uses_local_part(std::string_view text) noexcept;      // %{l} or %{s} occurs

// text must have been checked. Nothing when the result would pass max octets.
std::optional<std::string> expand(std::string_view text, MacroContext const& context,
                                  std::size_t max);
// expand(), then made fit for a query: at most 253 octets by dropping labels on the left (§7.3),
// lower case, no final dot. Nothing when it is no domain name (a label empty or over 63, octets
// over 127).
std::optional<std::string> expand_domain(std::string_view text, MacroContext const& context);
// A name that a query can be made for: 1..63 octets a label, at most 253, ASCII.
bool is_queryable(std::string_view name) noexcept;

}  // namespace dawk::spf
