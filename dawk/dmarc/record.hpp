// A DMARC policy record (RFC 9989 §4.7, §4.8): unknown tags and bad values of known ones are
// ignored, but for what discovery says of p, sp and np (§4.10.1).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dawk::dmarc {

enum class Policy : std::uint8_t { none, quarantine, reject };
enum class Psd : std::uint8_t { unsaid, yes, no };
std::string_view to_string(Policy policy) noexcept;

struct Record {
    // False: p, sp or np cannot be used, and no rua saves it; the record still says where an
    // organization is, but to the mail of those for whom it would count DMARC does not apply
    // (§4.10.1).
    bool applies = true;
    Policy p = Policy::none;
    std::optional<Policy> sp, np;
    bool strict_dkim = false, strict_spf = false;
    bool testing = false;  // t=y: one level milder
    Psd psd = Psd::unsaid;
    std::vector<std::string> rua, ruf;  // URIs, the obsolete size behind "!" with them
    // fo=: "0", all mechanisms failed to bring an aligned pass; "1", any of them did; "d", "s": a
    // signature failed, SPF failed, aligned or not.
    bool report_all_failures = true, report_any_failure = false;
    bool report_dkim = false, report_spf = false;
    std::string text;
};

// Does it start with v=DMARC1? Others at the same name are not DMARC's and are discarded (§4.10
// step 2).
bool is_dmarc1(std::string_view text) noexcept;

struct Parsed {
    std::optional<Record> record;  // nothing: not DMARC's
    std::string problem;           // what was wrong, also when a record came of it
};
Parsed parse_record(std::string_view text);

}  // namespace dawk::dmarc
