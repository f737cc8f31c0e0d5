// DMARC: does who the From field names stand behind this message? (RFC 9989)
//
//     auto authors = dmarc::author_domains(header);
//     dmarc::Input input{authors, spf_domain, spf_passed, dkim_domains_that_passed};
//     dmarc::Verdict verdict = dns::run(dmarc::evaluate(input), look_up);
//
// Finds records by the DNS tree walk, at most 8 queries a walk; no public suffix list. What is done
// about the verdict is local policy: p=reject alone is no reason to reject (§7.4, §5.4).
// Standards: RFC 9989; RFC 8601 §2.7 and RFC 9989 §9.2 (result words).
#pragma once

#include <string>
#include <vector>

#include "dawk/dmarc/record.hpp"
#include "dawk/dns/inquiry.hpp"
#include "dawk/mail/header.hpp"

namespace dawk::dmarc {

enum class Result { none, pass, fail, temperror, permerror };
std::string_view to_string(Result result) noexcept;

// What the From field (or fields) of a message names: domains as A-labels, lower case, each once,
// in order. problem is set where it cannot be understood wholly; then nobody's policy can be
// applied.
struct Authors {
    std::vector<std::string> domains;
    std::string problem;
};
Authors author_domains(mail::HeaderSection const& header);

struct Input {
    Authors authors;
    std::string spf_domain;  // of MAIL FROM; HELO does not count here (§4.4.2), but for <> (§3.2.4)
    bool spf_passed = false;
    std::vector<std::string> dkim_passed;  // d= of each good signature
    // temperror: where such an identifier would be aligned, failure cannot be said (§5.3.6). One
    // that would not be changes nothing, or a sender could excuse his forgery by a zone of his own.
    bool spf_unsure = false;
    std::vector<std::string> dkim_unsure;
};

struct Verdict {
    Result result = Result::none;
    std::string reason;  // in words
    std::string author_domain;
    std::string policy_domain;          // where the record was found
    std::string organizational_domain;  // of the author domain
    Policy published = Policy::none;    // what the record asks for this author domain
    Policy requested = Policy::none;    // the same after t=y
    char const* published_tag = "p";    // "p", "sp" or "np"
    bool spf_aligned = false, dkim_aligned = false;
    std::string aligned_domain;  // the identifier that made it pass
    std::optional<Record> record;
};

dns::Inquiry<Verdict> evaluate(Input input);

// The organizational domain alone (§4.10.2), for reports.
dns::Inquiry<std::string> organizational_domain(std::string domain);

}  // namespace dawk::dmarc
