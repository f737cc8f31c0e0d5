// SPF: may this address send mail for this domain? (RFC 7208)
//
//     spf::Query query{.ip = "192.0.2.1", .helo = "mx.example.org", .sender = "a@example.org",
//     ...}; spf::Verdict verdict = dns::run(spf::check(query), look_up);      // or driven by a
//     coroutine
//
// Own evaluator: at most 10 terms that look up, 2 void look-ups, 10 names of mx (more: permerror)
// and of ptr (the rest ignored) (§4.6.4). Memory is bounded by these and by the macro limits. The
// budget of time (§4.6.4: at least 20 s) is the driver's, see budget.hpp. Standards: RFC 7208; RFC
// 8616 §4 (internationalised); RFC 8601 (result words).
#pragma once

#include <string>
#include <string_view>

#include "dawk/base/time.hpp"
#include "dawk/dns/inquiry.hpp"

namespace dawk::spf {

enum class Result { none, neutral, pass, fail, softfail, temperror, permerror };
std::string_view to_string(Result result) noexcept;

struct Query {
    std::string ip;        // of the client, textual
    std::string helo;      // as given in HELO or EHLO
    std::string sender;    // reverse-path "local@domain", "" for <>: then postmaster@helo (§2.4)
    std::string receiver;  // our host name, for explanations
    WallTime now{};
};

struct Verdict {
    Result result = Result::none;
    std::string domain;       // the one checked
    std::string reason;       // what decided: "matched ip4:192.0.2.0/24", "two SPF records"
    std::string explanation;  // of fail: the domain's own words (§6.2), "" if none
    std::string record;       // of the domain checked, "" if none was found
    unsigned terms = 0;       // that looked up
    unsigned void_lookups = 0;
};

// The MAIL FROM identity (§2.4).
dns::Inquiry<Verdict> check(Query query);
// The HELO identity (§2.3): none unless helo is a name with two labels at least.
dns::Inquiry<Verdict> check_helo(Query query);
// check_host() of §4 as such: the domain apart from the sender that the macros see.
dns::Inquiry<Verdict> check_host(Query query, std::string domain);

}  // namespace dawk::spf
