#include "dawk/mailauth/policy.hpp"

#include <algorithm>

#include "dawk/base/ascii.hpp"

namespace dawk::mailauth {

std::string_view to_string(Action action) noexcept {
    switch (action) {
        case Action::accept:
            return "accept";
        case Action::tag:
            return "tag";
        case Action::quarantine:
            return "quarantine";
        case Action::reject:
            return "reject";
    }
    return "accept";
}

std::optional<Action> action_of(std::string_view word) noexcept {
    for (auto const action : {Action::accept, Action::tag, Action::quarantine, Action::reject})
        if (word == to_string(action)) return action;
    return std::nullopt;
}

Actions default_actions() noexcept {
    Actions out{};
    for (auto const finding :
         {Finding::dmarc_quarantine, Finding::dmarc_reject, Finding::dmarc_permerror})
        out[static_cast<std::size_t>(finding)] = Action::quarantine;
    return out;
}

bool Policy::looks_at_recipients() const noexcept {
    return std::any_of(rules.begin(), rules.end(), [](Rule const& r) { return !r.to.empty(); });
}

bool matches_domain(std::string_view pattern, std::string_view domain) noexcept {
    if (pattern.starts_with('.')) {
        return domain.size() > pattern.size() && ascii::iends_with(domain, pattern);
    }
    return ascii::iequals(pattern, domain);
}

std::string vouching_sealer(std::vector<std::string> const& trusted, arc::Verdict const& chain) {
    if (chain.result != arc::Result::pass) return {};
    for (std::size_t i = chain.sealers.size(); i-- > 0;) {
        auto const& sealer = chain.sealers[i];
        bool const on_list = std::any_of(trusted.begin(), trusted.end(), [&](auto const& pattern) {
            return matches_domain(pattern, sealer);
        });
        if (!on_list || i >= chain.results.size()) return {};
        auto const saw = authres::parse(chain.results[i]);
        if (!saw) return {};
        bool const passed =
            std::any_of(saw->results.begin(), saw->results.end(),
                        [](auto const& r) { return r.method == "dmarc" && r.result == "pass"; });
        if (passed) return sealer;
    }
    return {};
}

namespace {

constexpr std::size_t text_max = 400;

bool is_any(std::vector<std::string> const& patterns, std::string_view domain) {
    return std::any_of(patterns.begin(), patterns.end(),
                       [&](auto const& pattern) { return matches_domain(pattern, domain); });
}

bool fits(Rule const& rule, Report const& report, Circumstances const& circumstances) {
    bool const from = rule.from.empty() || is_any(rule.from, report.dmarc.author_domain) ||
                      is_any(rule.from, circumstances.sender_domain);
    return from && (rule.to.empty() || is_any(rule.to, circumstances.recipient_domain));
}

Actions actions_for(Policy const& policy, Report const& report, Circumstances const& where) {
    auto out = policy.actions;
    auto const rule = std::find_if(policy.rules.begin(), policy.rules.end(),
                                   [&](Rule const& r) { return fits(r, report, where); });
    if (rule == policy.rules.end()) return out;
    for (std::size_t i = 0; i < findings; ++i)
        if (rule->actions[i]) out[i] = *rule->actions[i];
    return out;
}

struct Found {
    Finding finding;
    std::string reason;  // "spf=fail (...)"
    std::string text;    // of a refusal
};

std::string bounded(std::string const& text) {
    return ascii::printable(text, text_max);
}

std::string spf_text(std::string const& what, spf::Verdict const& verdict) {
    auto out = "SPF " + what + " for " + verdict.domain;
    // RFC 7208 §6.2: the explanation is marked as the domain's own words.
    if (!verdict.explanation.empty())
        out += "; " + verdict.domain + " explains: " + verdict.explanation;
    return bounded(out);
}

void find_spf(Report const& report, std::vector<Found>& out) {
    using Result = spf::Result;
    auto const add = [&](Finding finding, spf::Verdict const& v, std::string const& what,
                         char const* name) {
        auto const word = std::string(spf::to_string(v.result));
        out.push_back(
            {finding, name + ("=" + word) + " (" + bounded(v.reason) + ')', spf_text(what, v)});
    };
    auto const& spf = report.spf;
    if (spf.result == Result::fail) add(Finding::spf_fail, spf, "check failed", "spf");
    if (spf.result == Result::softfail) add(Finding::spf_softfail, spf, "check soft-failed", "spf");
    if (spf.result == Result::permerror)
        add(Finding::spf_permerror, spf, "record is in error", "spf");
    if (report.spf_helo.result == Result::fail)
        add(Finding::helo_fail, report.spf_helo, "check of the HELO name failed", "spf helo");
}

void find_dkim(Report const& report, std::vector<Found>& out) {
    auto const any = [&](dkim::Result result) {
        return std::any_of(report.dkim.begin(), report.dkim.end(),
                           [&](auto const& v) { return v.result == result; });
    };
    if (any(dkim::Result::pass) || any(dkim::Result::temperror)) return;
    // RFC 6376 §3.6.1: a signature by a key that is being tested (t=y) is as good as none.
    auto const found = std::find_if(report.dkim.begin(), report.dkim.end(),
                                    [](auto const& v) { return !v.testing; });
    if (found == report.dkim.end()) return;
    auto const& first = *found;
    out.push_back(
        {Finding::dkim_fail,
         "dkim=" + std::string(dkim::to_string(first.result)) + " (" + bounded(first.reason) + ')',
         bounded("No DKIM signature passes: " + first.reason)});
}

void find_dmarc(Report const& report, std::vector<Found>& out) {
    auto const& v = report.dmarc;
    auto const reason =
        "dmarc=" + std::string(dmarc::to_string(v.result)) + " (" + bounded(v.reason) + ')';
    if (v.result == dmarc::Result::permerror)
        out.push_back(
            {Finding::dmarc_permerror, reason, bounded("DMARC cannot be evaluated: " + v.reason)});
    if (v.result != dmarc::Result::fail) return;
    auto const finding = v.requested == dmarc::Policy::reject       ? Finding::dmarc_reject
                         : v.requested == dmarc::Policy::quarantine ? Finding::dmarc_quarantine
                                                                    : Finding::dmarc_none;
    out.push_back(
        {finding, reason,
         bounded("DMARC check failed for " + v.author_domain + " (policy of " + v.policy_domain +
                 ": " + std::string(dmarc::to_string(v.requested)) + ')')});
}

// STANDARDS: IANA's registry of enhanced status codes, RFC 7372 §3; 5.7.26 for DMARC.
std::string_view status_of(Finding finding) noexcept {
    switch (finding) {
        case Finding::spf_fail:
        case Finding::spf_softfail:
        case Finding::helo_fail:
            return "5.7.23";
        case Finding::spf_permerror:
            return "5.7.24";
        case Finding::dkim_fail:
            return "5.7.20";
        case Finding::dmarc_none:
        case Finding::dmarc_quarantine:
        case Finding::dmarc_reject:
        case Finding::dmarc_permerror:
            return "5.7.26";
    }
    return "5.7.1";
}

// DNS did not answer what the verdict hangs on; a DMARC pass needs no SPF.
bool defer(Report const& report, Decision& out) {
    if (report.dmarc.result == dmarc::Result::temperror) {
        out.status = "4.7.26";
        out.text = bounded("DMARC cannot be evaluated now: " + report.dmarc.reason);
    } else if (report.spf.result == spf::Result::temperror &&
               report.dmarc.result != dmarc::Result::pass) {
        out.status = "4.7.24";
        out.text = bounded("SPF cannot be evaluated now: " + report.spf.reason);
    } else {
        return false;
    }
    out.defer = true;
    out.code = 451;
    return true;
}

// Who else vouches for a message that does not pass; "" if nobody.
std::optional<Override> excuse(Policy const& policy, Report const& report,
                               Circumstances const& circumstances) {
    if (circumstances.known_forwarder)
        return Override{"trusted_forwarder", "the client is a known forwarder"};
    auto const sealer = vouching_sealer(policy.trusted_sealers, report.arc);
    if (sealer.empty()) return std::nullopt;
    return Override{"local_policy",
                    "arc=pass, and the trusted sealer " + bounded(sealer) + " saw DMARC pass"};
}

// What RFC 9990 wants to be told where what is done is not what the domain asked for.
void note_policy(Report const& report, Action action, std::vector<Override>& out) {
    auto const& v = report.dmarc;
    if (v.result != dmarc::Result::fail) return;
    if (v.record && v.record->testing && v.published != v.requested)
        out.push_back({"policy_test_mode", "t=y: " + std::string(dmarc::to_string(v.published)) +
                                               " is asked for as " +
                                               std::string(dmarc::to_string(v.requested))});
    auto const asked = v.requested == dmarc::Policy::reject       ? Action::reject
                       : v.requested == dmarc::Policy::quarantine ? Action::quarantine
                                                                  : Action::accept;
    auto const done = action == Action::tag ? Action::accept : action;
    if (asked == done) return;
    out.push_back(
        {"local_policy", "the domain asks for " + std::string(dmarc::to_string(v.requested)) +
                             ", this server's choice is " + std::string(to_string(action))});
}

}  // namespace

Decision decide(Policy const& policy, Report const& report, Circumstances const& circumstances) {
    Decision out;
    std::vector<Found> found;
    find_spf(report, found);
    find_dkim(report, found);
    find_dmarc(report, found);
    auto const excused = found.empty() ? std::nullopt : excuse(policy, report, circumstances);
    if (excused) {
        out.overrides.push_back(*excused);
        out.reason = found.back().reason + ", overridden: " + excused->comment;
        return out;
    }
    auto const actions = actions_for(policy, report, circumstances);
    Found const* worst = nullptr;
    for (auto const& one : found) {
        auto const action = actions[static_cast<std::size_t>(one.finding)];
        if (worst != nullptr && action < out.action) continue;  // of equals, the last: DMARC
        out.action = action;
        worst = &one;
    }
    if (worst != nullptr) {
        out.code = 550;
        out.status = status_of(worst->finding);
        out.text = worst->text;
        out.reason = worst->reason;
    }
    note_policy(report, out.action, out.overrides);
    if (policy.defer_on_dns_failure && out.action != Action::reject) defer(report, out);
    return out;
}

}  // namespace dawk::mailauth
