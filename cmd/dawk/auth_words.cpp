// Verdicts as JSON and as text.
#include <algorithm>

#include "dawk/base/ascii.hpp"

#include "cmd/dawk/auth.hpp"

namespace dawk::cmd {
namespace {

Json strings(std::vector<std::string> const& list) {
    return Json::array_of(list, [](auto const& text) { return Json(text); });
}

std::string line(std::string_view method, std::string_view result, std::string const& reason) {
    return std::string(method) + ": " + std::string(result) +
           (reason.empty() ? "" : " (" + ascii::printable(reason, 500) + ')') + '\n';
}

std::string detail(std::string_view name, std::string_view value) {
    if (value.empty()) return {};
    return "  " + std::string(name) + ": " + ascii::printable(value, 500) + '\n';
}

// Of several signatures: a good one is enough; else what might still become good, then the rest in
// the order of how much it says.
dkim::Verdict const* telling(std::vector<dkim::Verdict> const& verdicts) {
    using Result = dkim::Result;
    for (auto const result : {Result::pass, Result::temperror, Result::fail, Result::policy,
                              Result::permerror, Result::neutral}) {
        auto const found = std::find_if(verdicts.begin(), verdicts.end(),
                                        [&](auto const& v) { return v.result == result; });
        if (found != verdicts.end()) return &*found;
    }
    return nullptr;
}

Json signature_of(dkim::Verdict const& v) {
    return Json::object({{"result", dkim::to_string(v.result)},
                         {"reason", v.reason},
                         {"domain", v.domain},
                         {"selector", v.selector},
                         {"identity", v.identity},
                         {"algorithm", v.algorithm},
                         {"key_bits", std::uint64_t{v.key_bits}},
                         {"testing", v.testing},
                         {"length_limited", v.signs_length},
                         {"covers_body", v.covers_body},
                         {"b", v.b_prefix},
                         {"headers", strings(v.fields)}});
}

std::string explanation_of(dmarc::Verdict const& v) {
    switch (v.result) {
        case dmarc::Result::pass:
            return v.author_domain + " stands behind this message";
        case dmarc::Result::fail:
            return v.policy_domain + " asks for " + std::string(dmarc::to_string(v.requested)) +
                   " where a message that names " + v.author_domain + " does not pass";
        case dmarc::Result::none:
            return "no policy was published for " + v.author_domain;
        case dmarc::Result::temperror:
            return "DNS did not answer; try again later";
        case dmarc::Result::permerror:
            return "no single author domain can be read from the message, so that nobody's policy "
                   "applies";
    }
    return {};
}

// What a receiver does with nothing else to go by: p=reject alone is no reason to reject (RFC 9989
// §7.4).
std::string_view disposition_of(dmarc::Verdict const& v) {
    if (v.result != dmarc::Result::fail || v.requested == dmarc::Policy::none) return "none";
    return "quarantine";
}

}  // namespace

Members members_of(spf::Verdict const& v) {
    return {{"result", spf::to_string(v.result)},
            {"reason", v.reason},
            {"explanation", v.explanation},
            {"domain", v.domain},
            {"record", v.record.empty() ? Json() : Json(v.record)},
            {"dns_terms", std::uint64_t{v.terms}},
            {"void_lookups", std::uint64_t{v.void_lookups}}};
}

Members members_of(std::vector<dkim::Verdict> const& verdicts) {
    auto const* const best = telling(verdicts);
    auto const good = std::count_if(verdicts.begin(), verdicts.end(),
                                    [](auto const& v) { return v.result == dkim::Result::pass; });
    return {{"result", dkim::to_string(best != nullptr ? best->result : dkim::Result::none)},
            {"reason", best != nullptr ? best->reason : "the message is not signed"},
            {"explanation",
             std::to_string(good) + " of " + std::to_string(verdicts.size()) + " signatures pass"},
            {"signatures", Json::array_of(verdicts, signature_of)}};
}

Members members_of(arc::Verdict const& v) {
    return {
        {"result", arc::to_string(v.result)},
        {"reason", v.reason},
        {"explanation",
         v.result == arc::Result::fail ? "a chain that fails counts as if it were not there" : ""},
        {"sets", std::uint64_t{v.sets}},
        {"oldest_pass", std::uint64_t{v.oldest_pass}},
        {"sealers", strings(v.sealers)},
        {"last_results", v.last_results}};
}

Members members_of(dmarc::Verdict const& v) {
    auto const aligned = [](bool yes) { return Json(yes ? "pass" : "fail"); };
    bool const found = v.record.has_value();
    return {{"result", dmarc::to_string(v.result)},
            {"reason", v.reason},
            {"explanation", explanation_of(v)},
            {"domain", v.author_domain},
            {"policy", found ? Json(dmarc::to_string(v.requested)) : Json()},
            {"published", found ? Json(dmarc::to_string(v.published)) : Json()},
            {"tag", found ? Json(v.published_tag) : Json()},
            {"testing", found && v.record->testing},
            {"disposition", disposition_of(v)},
            {"alignment",
             Json::object({{"spf", aligned(v.spf_aligned)}, {"dkim", aligned(v.dkim_aligned)}})},
            {"aligned_domain", v.aligned_domain},
            {"policy_domain", v.policy_domain},
            {"organizational_domain", v.organizational_domain},
            {"record", found ? Json(v.record->text) : Json()}};
}

Members members_of(mailauth::Iprev const& v) {
    return {{"result", mailauth::to_string(v.result)}, {"reason", v.reason}, {"name", v.name}};
}

std::string text_of(std::string_view method, spf::Verdict const& v) {
    return line(method, spf::to_string(v.result), v.reason) + detail("domain", v.domain) +
           detail("explanation", v.explanation);
}

std::string text_of(std::vector<dkim::Verdict> const& verdicts) {
    if (verdicts.empty()) return line("dkim", "none", "the message is not signed");
    std::string out;
    for (auto const& v : verdicts) {
        out += line("dkim", dkim::to_string(v.result), v.reason);
        auto what = "d=" + v.domain + " s=" + v.selector;
        if (!v.algorithm.empty()) what += " a=" + v.algorithm;
        if (v.key_bits > 0) what += ", " + std::to_string(v.key_bits) + " bits";
        if (v.testing) what += ", the key is for testing";
        out += detail("signature", what);
    }
    return out;
}

std::string text_of(arc::Verdict const& v) {
    auto out = line("arc", arc::to_string(v.result), v.reason);
    for (std::size_t i = 0; i < v.sealers.size(); ++i)
        out += detail("set " + std::to_string(i + 1), "sealed by " + v.sealers[i]);
    return out;
}

std::string text_of(dmarc::Verdict const& v) {
    auto out =
        line("dmarc", dmarc::to_string(v.result), v.reason) + detail("domain", v.author_domain);
    if (!v.record) return out;
    out += detail("policy", std::string(dmarc::to_string(v.requested)) + " (" + v.published_tag +
                                "= at " + v.policy_domain + ')');
    out += detail("aligned", v.spf_aligned && v.dkim_aligned ? "spf, dkim"
                             : v.spf_aligned                 ? "spf"
                             : v.dkim_aligned                ? "dkim"
                                                             : "nothing");
    return out + detail("disposition", disposition_of(v));
}

std::string text_of(mailauth::Iprev const& v) {
    return line("iprev", mailauth::to_string(v.result), v.name.empty() ? v.reason : v.name);
}

}  // namespace dawk::cmd
