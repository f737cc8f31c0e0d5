#include "dawk/mta/seen.hpp"

#include <algorithm>

#include "dawk/base/ascii.hpp"

namespace dawk::mta {
namespace {

using dmarcreport::DkimResult;
using dmarcreport::Record;

constexpr std::size_t name_bytes_max = 255;
constexpr std::size_t words_bytes_max = 200;
constexpr std::size_t signatures_max = 20;  // ours; RFC 9990 §3.1.3 allows 100 a row
constexpr std::size_t header_bytes_max = 32U << 10U;

std::string name_of(std::string_view text) {
    return ascii::to_lower(ascii::printable(text, name_bytes_max));
}

std::string domain_of(std::string_view sender) {
    auto const at = sender.rfind('@');
    return at == sender.npos ? std::string() : name_of(sender.substr(at + 1));
}

std::string word_of(Disposition disposition) {
    switch (disposition) {
        case Disposition::pass:
            return "pass";
        case Disposition::quarantine:
            return "quarantine";
        case Disposition::reject:
            return "reject";
        case Disposition::none:
            break;
    }
    return "none";
}

std::string policy_word(std::optional<dmarc::Policy> const& policy) {
    return policy ? std::string(dmarc::to_string(*policy)) : std::string();
}

std::string fo_of(dmarc::Record const& record) {
    std::string out = record.report_any_failure ? ":1" : record.report_all_failures ? ":0" : "";
    if (record.report_dkim) out += ":d";
    if (record.report_spf) out += ":s";
    return out.substr(1);
}

dmarcreport::Policy policy_of(std::string const& domain, dmarc::Record const& record) {
    dmarcreport::Policy out;
    out.domain = name_of(domain);
    out.p = dmarc::to_string(record.p);
    out.sp = policy_word(record.sp);
    out.np = policy_word(record.np);
    out.adkim = record.strict_dkim ? "s" : "r";
    out.aspf = record.strict_spf ? "s" : "r";
    out.fo = fo_of(record);
    out.testing = record.testing ? "y" : "n";
    out.discovery_method = "treewalk";
    return out;
}

// RFC 9990 §3.1.3: those that passed, in alignment first.
int rank_of(dkim::Verdict const& verdict, dmarc::Verdict const& dmarc) {
    if (verdict.result != dkim::Result::pass) return 3;
    if (ascii::iequals(verdict.domain, dmarc.author_domain)) return 0;
    return ascii::iequals(verdict.domain, dmarc.aligned_domain) ? 1 : 2;
}

std::vector<DkimResult> dkim_results(mailauth::Report const& report) {
    std::vector<dkim::Verdict const*> order;
    for (auto const& verdict : report.dkim)
        if (verdict.result != dkim::Result::none) order.push_back(&verdict);
    std::stable_sort(order.begin(), order.end(), [&](auto const* a, auto const* b) {
        return rank_of(*a, report.dmarc) < rank_of(*b, report.dmarc);
    });
    if (order.size() > signatures_max) order.resize(signatures_max);
    std::vector<DkimResult> out;
    for (auto const* verdict : order) {
        bool const passed = verdict->result == dkim::Result::pass;
        out.push_back({name_of(verdict->domain),
                       ascii::printable(verdict->selector, name_bytes_max),
                       std::string(dkim::to_string(verdict->result)),
                       passed ? "" : ascii::printable(verdict->reason, words_bytes_max)});
    }
    return out;
}

std::vector<dmarcreport::Reason> reasons_of(JudgedMessage const& judged) {
    std::vector<dmarcreport::Reason> out;
    for (auto const& one : judged.overrides)
        out.push_back({one.type, ascii::printable(one.comment, words_bytes_max)});
    auto const& dmarc = judged.report.dmarc;
    bool const by_testing = dmarc.result == dmarc::Result::fail && dmarc.record->testing &&
                            dmarc.requested != dmarc.published;
    auto const names_it = [](auto const& one) { return one.type == "policy_test_mode"; };
    if (by_testing && std::none_of(out.begin(), out.end(), names_it))
        out.push_back({"policy_test_mode", ""});
    return out;
}

Disposition disposition_of(JudgedMessage const& judged) {
    auto const& dmarc = judged.report.dmarc;
    if (dmarc.result != dmarc::Result::pass) return judged.disposition;
    if (judged.disposition == Disposition::reject || judged.disposition == Disposition::quarantine)
        return judged.disposition;
    return dmarc.requested == dmarc::Policy::none ? Disposition::none : Disposition::pass;
}

Record record_of(JudgedMessage const& judged) {
    auto const& report = judged.report;
    Record out;
    out.source_ip = name_of(judged.client.ip);
    out.disposition = word_of(disposition_of(judged));
    out.dkim = report.dmarc.dkim_aligned ? "pass" : "fail";
    out.spf = report.dmarc.spf_aligned ? "pass" : "fail";
    out.reasons = reasons_of(judged);
    out.header_from = name_of(report.dmarc.author_domain);
    out.envelope_from = domain_of(judged.client.sender);
    out.dkim_results = dkim_results(report);
    if (report.spf.domain.empty()) return out;
    bool const passed = report.spf.result == spf::Result::pass;
    out.spf_results = {{name_of(report.spf.domain), "mfrom",
                        std::string(spf::to_string(report.spf.result)),
                        passed ? "" : ascii::printable(report.spf.reason, words_bytes_max)}};
    return out;
}

// The first of several signatures that failed, whoever made it.
dkim::Verdict const* failed_signature(mailauth::Report const& report) {
    auto const found = std::find_if(report.dkim.begin(), report.dkim.end(),
                                    [](auto const& v) { return !v.failure.empty(); });
    return found == report.dkim.end() ? nullptr : &*found;
}

// The first of the author's domain that did not pass.
dkim::Verdict const* authors_signature(mailauth::Report const& report) {
    auto const found = std::find_if(report.dkim.begin(), report.dkim.end(), [&](auto const& v) {
        return ascii::iequals(v.domain, report.dmarc.author_domain) &&
               v.result != dkim::Result::pass;
    });
    return found == report.dkim.end() ? nullptr : &*found;
}

// Which failure the domain wants to hear of by its fo= (RFC 9989 §4.7), as RFC 6591 §3.3 and RFC
// 9991 call it; "" for none.
std::string_view wanted_failure(mailauth::Report const& report) {
    auto const& dmarc = report.dmarc;
    auto const& record = *dmarc.record;
    if (record.ruf.empty() || record.psd == dmarc::Psd::yes) return {};  // RFC 9991 §3
    bool const is_judged =
        dmarc.result == dmarc::Result::fail || dmarc.result == dmarc::Result::pass;
    if (!is_judged) return {};
    bool const all = !dmarc.dkim_aligned && !dmarc.spf_aligned;
    bool const any = !dmarc.dkim_aligned || !dmarc.spf_aligned;
    if ((record.report_all_failures && all) || (record.report_any_failure && any)) return "dmarc";
    auto const* const signature = failed_signature(report);
    if (record.report_dkim && signature != nullptr) return signature->failure;
    if (record.report_spf && report.spf.result == spf::Result::fail) return "spf";
    return {};
}

void describe_signature(dkim::Verdict const& signature, arf::Report& out) {
    out.dkim_domain = signature.domain;
    out.dkim_selector = signature.selector;
    out.dkim_identity = signature.identity;
}

std::string field_body(std::string_view field) {
    auto const colon = field.find(':');
    return std::string(ascii::trim(field.substr(colon == field.npos ? 0 : colon + 1)));
}

std::string_view delivery_word(Disposition disposition) {
    if (disposition == Disposition::reject) return "reject";
    return disposition == Disposition::quarantine ? "policy" : "delivered";
}

}  // namespace

std::optional<reports::Seen> seen_of(JudgedMessage const& judged) {
    auto const& dmarc = judged.report.dmarc;
    if (!dmarc.record || dmarc.record->rua.empty() || judged.client.ip.empty()) return std::nullopt;
    reports::Seen out;
    out.day = reports::day_of(judged.at);
    out.policy = policy_of(dmarc.policy_domain, *dmarc.record);
    out.rua = dmarc.record->rua;
    out.row = {record_of(judged), 1};
    return out;
}

std::optional<FailureSeen> failure_of(JudgedMessage const& judged) {
    auto const& dmarc = judged.report.dmarc;
    auto const kind = dmarc.record ? wanted_failure(judged.report) : std::string_view();
    if (kind.empty()) return std::nullopt;
    // Nothing about bounces and reports: two reporters must not keep each other busy (RFC 9991 §6).
    auto const automatic = judged.header.value("Auto-Submitted");
    if (judged.client.sender.empty() || (!automatic.empty() && !ascii::iequals(automatic, "no")))
        return std::nullopt;
    FailureSeen out;
    out.policy_domain = dmarc.policy_domain;
    out.author_domain = dmarc.author_domain;
    out.ruf = dmarc.record->ruf;
    auto& r = out.report;
    r.feedback_type = "auth-failure";
    r.auth_failure = kind;
    r.arrival = judged.at;
    r.original_mail_from = ascii::printable(judged.client.sender, words_bytes_max);
    r.source_ip = judged.client.ip;
    r.reported_domain = {dmarc.author_domain};
    r.authentication_results = {field_body(judged.report.header)};
    r.delivery_result = delivery_word(judged.disposition);
    // RFC 9991 §4: which of them failed to bring an aligned identifier.
    if (!dmarc.dkim_aligned) r.identity_alignment = "dkim";
    if (!dmarc.spf_aligned) r.identity_alignment += r.identity_alignment.empty() ? "spf" : ", spf";
    if (r.identity_alignment.empty()) r.identity_alignment = "none";
    if (kind == "spf" && !judged.report.spf.record.empty()) {
        r.spf_dns = "txt : " + name_of(judged.report.spf.domain) + " : \"" +
                    ascii::printable(judged.report.spf.record, words_bytes_max) + '"';
    } else if (kind != "spf") {
        auto const* const signature =
            kind == "dmarc" ? authors_signature(judged.report) : failed_signature(judged.report);
        if (signature != nullptr) describe_signature(*signature, r);
    }
    // Who got it is not the domain's business (RFC 9991 §7).
    out.original = judged.header.block_without({"To", "Cc", "Bcc", "Delivered-To", "Received",
                                                "X-Original-To", "Envelope-To", "Resent-To"});
    if (out.original.size() > header_bytes_max) out.original.resize(header_bytes_max);
    return out;
}

}  // namespace dawk::mta
