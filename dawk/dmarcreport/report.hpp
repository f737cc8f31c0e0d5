// The content of a DMARC aggregate report: who sent how many messages in the name of a domain, and
// what became of them. Values only; read by parse.hpp, written by compose.hpp.
//
// Words are those of the schemas, in lower case; "" where a report leaves something out. Domains
// are kept as given, in lower case.
// Standards: RFC 9990 §3.1 and its appendix A; RFC 7489 appendix C (the schema before).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace dawk::dmarcreport {

// Why the disposition is not what the policy asked for. Besides those of RFC 9990 §3.1.6
// ("local_policy", "mailing_list", "other", "policy_test_mode", "trusted_forwarder") the older
// schema has "forwarded" and "sampled_out".
struct Reason {
    std::string type, comment;
    friend auto operator<=>(Reason const&, Reason const&) = default;
};

struct DkimResult {
    std::string domain, selector, result, human_result;
    friend auto operator<=>(DkimResult const&, DkimResult const&) = default;
};

struct SpfResult {
    std::string domain, scope, result, human_result;
    friend auto operator<=>(SpfResult const&, SpfResult const&) = default;
};

// One <record>: messages that are alike in all of this but their number.
struct Record {
    std::string source_ip;
    std::string disposition;  // "none", "pass", "quarantine", "reject"
    std::string dkim, spf;    // "pass" or "fail": did something aligned pass?
    std::vector<Reason> reasons;
    std::string header_from, envelope_from, envelope_to;
    std::vector<DkimResult> dkim_results;
    std::vector<SpfResult> spf_results;

    bool passed() const noexcept { return dkim == "pass" || spf == "pass"; }
    friend auto operator<=>(Record const&, Record const&) = default;
};
struct Row {
    Record record;
    std::uint64_t count = 0;
    friend auto operator<=>(Row const&, Row const&) = default;
};

struct Policy {
    std::string domain;
    std::string p, sp, np;    // "none", "quarantine", "reject"
    std::string adkim, aspf;  // "r", "s"
    std::string fo;
    std::string testing;           // "y", "n"
    std::string discovery_method;  // "treewalk", "psl"
    std::string version_published;
    friend auto operator<=>(Policy const&, Policy const&) = default;
};

struct Report {
    std::string version;
    bool has_namespace = false;  // of RFC 9990
    std::string org_name, email, extra_contact_info, report_id, generator;
    std::vector<std::string> errors;
    std::int64_t begin = 0, end = 0;  // seconds since 1970, both of the period
    Policy policy;
    std::vector<Row> rows;
    std::uint64_t skipped = 0;  // records that said nothing: no address, no count
    friend bool operator==(Report const&, Report const&) = default;
};

inline constexpr char xml_namespace[] = "urn:ietf:params:xml:ns:dmarc-2.0";

}  // namespace dawk::dmarcreport
