#include "dawk/spf/spf.hpp"

#include <algorithm>
#include <utility>
#include <variant>
#include <vector>

#include "dawk/base/ascii.hpp"
#include "dawk/mail/idna.hpp"
#include "dawk/spf/budget.hpp"
#include "dawk/spf/macro.hpp"
#include "dawk/spf/record.hpp"

namespace dawk::spf {
namespace {

constexpr unsigned terms_max = 10;     // RFC 7208 §4.6.4
constexpr unsigned void_max = 2;       // RFC 7208 §4.6.4
constexpr std::size_t names_max = 10;  // RFC 7208 §4.6.4: of one mx or ptr
constexpr std::size_t explanation_max = 1024;
constexpr int depth_max = 20;  // include and redirect; terms_max ends them before

// What one check shares over includes and redirects.
struct Run {
    MacroContext macros;  // domain changes on the way down and up
    unsigned terms = 0;
    unsigned void_lookups = 0;
    bool validated = false;  // macros.validated_name has been looked for
    std::string record;      // the first
    bool is_late = false;    // the time for all of it is over (§4.6.4)
};

// The verdict on one domain. error and reason are of the deciding term.
struct Step {
    Result result = Result::none;
    std::string reason;
    std::string exp;         // domain-spec of the explanation that applies, "" if none
    std::string exp_domain;  // %{d} in it
};

enum class Match { no, yes, temporary, permanent };
struct MatchStep {
    Match match = Match::no;
    std::string reason;  // of the errors
};

MatchStep permanent(std::string reason) {
    return {Match::permanent, std::move(reason)};
}
MatchStep temporary(dns::Question const& question, dns::Answer const& answer) {
    return {Match::temporary, "DNS " + dns::to_string(question.type) + " of " + question.name +
                                  ": " + dns::to_string(answer.status)};
}

dns::Inquiry<Step> check_domain(Run& run, std::string domain, int depth);

void note_time(Run& run, dns::Answer const& answer) {
    run.is_late |= answer.status == dns::Status::timeout && answer.error_detail == out_of_time;
}

bool count_void(Run& run, dns::Answer const& answer) {
    bool const is_void =
        answer.status == dns::Status::nxdomain || answer.status == dns::Status::no_data;
    if (is_void) ++run.void_lookups;
    return run.void_lookups <= void_max;
}

bool any_in(Run const& run, Directive const& directive, dns::Answer const& answer) {
    auto const bits = run.macros.ip.is_v6 ? directive.bits6 : directive.bits4;
    return std::any_of(answer.addresses.begin(), answer.addresses.end(),
                       [&](std::string const& text) {
                           auto const address = Ip::parse(text);
                           return address && run.macros.ip.is_in(*address, bits);
                       });
}

dns::Type address_type(Run const& run) {
    return run.macros.ip.is_v6 ? dns::Type::aaaa : dns::Type::a;
}

// The addresses of one name against the client's (§5.3).
dns::Inquiry<MatchStep> match_name(Run& run, Directive const& directive, std::string name) {
    dns::Question const question{std::move(name), address_type(run)};
    auto const answer = co_await dns::ask(question);
    if (answer.temporary()) co_return temporary(question, answer);
    if (!count_void(run, answer)) co_return permanent("more than 2 void look-ups");
    MatchStep step;
    if (any_in(run, directive, answer)) step.match = Match::yes;
    co_return step;
}

// §5.4
dns::Inquiry<MatchStep> match_mx(Run& run, Directive const& directive, std::string name) {
    dns::Question const question{std::move(name), dns::Type::mx};
    auto const answer = co_await dns::ask(question);
    if (answer.temporary()) co_return temporary(question, answer);
    if (!count_void(run, answer)) co_return permanent("more than 2 void look-ups");
    auto hosts = answer.mx;
    std::stable_sort(hosts.begin(), hosts.end(),
                     [](auto const& a, auto const& b) { return a.preference < b.preference; });
    std::size_t asked = 0;
    for (auto const& host : hosts) {
        if (!is_queryable(host.exchange)) continue;
        // §4.6.4: not that there are more than ten is an error, but to ask for more.
        if (++asked > names_max) co_return permanent("more than 10 MX names of " + question.name);
        auto step = co_await match_name(run, directive, host.exchange);
        if (step.match != Match::no) co_return step;
    }
    co_return MatchStep();
}

bool is_under(std::string_view name, std::string_view domain) {
    if (ascii::iequals(name, domain)) return true;
    return name.size() > domain.size() && ascii::iends_with(name, domain) &&
           name[name.size() - domain.size() - 1] == '.';
}

// The names of the client's address that are confirmed by their own addresses (§5.5), 10 at most.
// A failing look-up on the way only makes the list shorter.
dns::Inquiry<std::vector<std::string>> validated_names(Run& run) {
    std::vector<std::string> names;
    dns::Question const question{dns::reverse_name(run.macros.ip.text()), dns::Type::ptr};
    auto const answer = co_await dns::ask(question);
    note_time(run, answer);
    if (answer.status != dns::Status::ok) {
        (void)count_void(run, answer);
        co_return names;
    }
    Directive const whole;
    for (std::size_t i = 0; i < std::min(answer.names.size(), names_max); ++i) {
        auto const name = ascii::to_lower(answer.names[i]);
        if (!is_queryable(name)) continue;
        dns::Question const forward{name, address_type(run)};
        auto const addresses = co_await dns::ask(forward);
        note_time(run, addresses);
        if (any_in(run, whole, addresses)) names.push_back(name);
    }
    co_return names;
}

dns::Inquiry<MatchStep> match_ptr(Run& run, std::string target) {
    auto const names = co_await validated_names(run);
    MatchStep step;
    if (run.is_late)
        step = MatchStep{Match::temporary, std::string(out_of_time)};
    else if (run.void_lookups > void_max)
        step = permanent("more than 2 void look-ups");
    else if (std::any_of(names.begin(), names.end(),
                         [&](auto const& n) { return is_under(n, target); })) {
        step.match = Match::yes;
    }
    co_return step;
}

// %{p} (§7.3): a validated name, best the domain itself, then one below it, then any.
dns::Inquiry<int> need_validated_name(Run& run) {
    if (run.validated) co_return 0;
    run.validated = true;
    auto const names = co_await validated_names(run);
    auto const& domain = run.macros.domain;
    std::string best = names.empty() ? "unknown" : names.front();
    for (auto const& name : names) {
        if (!is_under(best, domain) && is_under(name, domain)) best = name;
        if (ascii::iequals(name, domain)) best = name;
    }
    run.macros.validated_name = best;
    co_return 0;
}

// The target-name of a term; nothing when the expansion is no name (§4.8: then it does not match).
dns::Inquiry<std::optional<std::string>> target_of(Run& run, std::string domain_spec) {
    if (domain_spec.empty()) co_return run.macros.domain;
    if (uses_validated_name(domain_spec)) {
        auto const found = co_await need_validated_name(run);
        (void)found;
    }
    co_return expand_domain(domain_spec, run.macros);
}

dns::Inquiry<MatchStep> match_include(Run& run, std::string target, int depth) {
    auto const outer = run.macros.domain;
    auto const step = co_await check_domain(run, std::move(target), depth + 1);
    run.macros.domain = outer;
    MatchStep out;
    switch (step.result) {  // §5.2
        case Result::pass:
            out.match = Match::yes;
            break;
        case Result::fail:
        case Result::softfail:
        case Result::neutral:
            break;
        case Result::temperror:
            out = MatchStep{Match::temporary, step.reason};
            break;
        case Result::permerror:
            out = permanent(step.reason);
            break;
        case Result::none:
            out = permanent("the included domain has no SPF record");
            break;
    }
    co_return out;
}

dns::Inquiry<MatchStep> match_exists(Run& run, std::string target) {
    dns::Question const question{std::move(target),
                                 dns::Type::a};  // A even for IPv6 clients (§5.7)
    auto const answer = co_await dns::ask(question);
    if (answer.temporary()) co_return temporary(question, answer);
    if (!count_void(run, answer)) co_return permanent("more than 2 void look-ups");
    MatchStep step;
    if (!answer.addresses.empty()) step.match = Match::yes;
    co_return step;
}

bool looks_up(Mechanism m) {
    return m != Mechanism::all && m != Mechanism::ip4 && m != Mechanism::ip6;
}

dns::Inquiry<MatchStep> match(Run& run, Directive const& directive, int depth) {
    MatchStep out;
    auto const& ip = run.macros.ip;
    if (directive.mechanism == Mechanism::all) out.match = Match::yes;
    if (directive.mechanism == Mechanism::ip4 && !ip.is_v6 &&
        ip.is_in(directive.network, directive.bits4)) {
        out.match = Match::yes;
    }
    if (directive.mechanism == Mechanism::ip6) {
        // A client with IPv4 also matches ip6:::ffff:a.b.c.d of the same address (§5: mapped is
        // IPv4).
        auto const mapped = Ip::parse(directive.network.text());
        bool const same = mapped && !mapped->is_v6 && directive.bits6 >= 96;
        if (ip.is_v6 && ip.is_in(directive.network, directive.bits6)) out.match = Match::yes;
        if (same && !ip.is_v6 && ip.is_in(*mapped, directive.bits6 - 96)) out.match = Match::yes;
    }
    if (!looks_up(directive.mechanism)) co_return out;
    if (++run.terms > terms_max) co_return permanent("more than 10 terms that look up");
    // RFC 8616 §4: such terms match nothing, whatever the macro would make of the octets.
    if (!ascii::is_ascii(run.macros.sender_local) && uses_local_part(directive.domain_spec))
        co_return out;
    auto target = co_await target_of(run, directive.domain_spec);
    if (run.is_late) co_return MatchStep{Match::temporary, std::string(out_of_time)};
    if (!target) {
        if (directive.mechanism == Mechanism::include)
            out = permanent("bad domain in " + directive.text);
        co_return out;
    }
    switch (directive.mechanism) {
        case Mechanism::include:
            co_return co_await match_include(run, std::move(*target), depth);
        case Mechanism::a:
            co_return co_await match_name(run, directive, std::move(*target));
        case Mechanism::mx:
            co_return co_await match_mx(run, directive, std::move(*target));
        case Mechanism::ptr:
            co_return co_await match_ptr(run, std::move(*target));
        default:
            co_return co_await match_exists(run, std::move(*target));
    }
}

Result result_of(Qualifier qualifier) {
    switch (qualifier) {
        case Qualifier::pass:
            return Result::pass;
        case Qualifier::fail:
            return Result::fail;
        case Qualifier::softfail:
            return Result::softfail;
        case Qualifier::neutral:
            return Result::neutral;
    }
    return Result::neutral;
}

Step failed(Result result, std::string reason) {
    Step step;
    step.result = result;
    step.reason = std::move(reason);
    return step;
}

// §4.4, §4.5
dns::Inquiry<std::variant<Record, Step>> fetch_record(Run& run, std::string domain) {
    dns::Question const question{std::move(domain), dns::Type::txt};
    auto const answer = co_await dns::ask(question);
    if (answer.temporary()) co_return failed(Result::temperror, temporary(question, answer).reason);
    std::vector<std::string> records;
    std::copy_if(answer.texts.begin(), answer.texts.end(), std::back_inserter(records),
                 [](auto const& text) { return is_spf1(text); });
    if (records.empty()) co_return failed(Result::none, "no SPF record for " + question.name);
    if (records.size() > 1)
        co_return failed(Result::permerror, "more than one SPF record for " + question.name);
    if (run.record.empty()) run.record = records.front();
    auto record = parse_record(records.front());
    if (!record) co_return failed(Result::permerror, record.error().reason);
    co_return std::move(*record);
}

dns::Inquiry<Step> follow_redirect(Run& run, std::string domain_spec, int depth) {
    if (++run.terms > terms_max)
        co_return failed(Result::permerror, "more than 10 terms that look up");
    auto target = co_await target_of(run, std::move(domain_spec));
    if (run.is_late) co_return failed(Result::temperror, std::string(out_of_time));
    if (!target) co_return failed(Result::permerror, "bad domain in redirect");
    auto step = co_await check_domain(run, std::move(*target), depth + 1);
    if (step.result == Result::none)
        step = failed(Result::permerror, "redirect to a domain without SPF record");
    co_return step;
}

dns::Inquiry<Step> check_domain(Run& run, std::string domain, int depth) {
    // §4.3: a malformed domain, or one of a single label, has no record.
    bool const is_literal = domain.starts_with('[');
    if (depth > depth_max || is_literal || !is_queryable(domain) ||
        domain.find('.') == domain.npos) {
        co_return failed(Result::none, "not a domain name: " + ascii::printable(domain, 80));
    }
    run.macros.domain = domain;
    auto fetched = co_await fetch_record(run, domain);
    if (auto* const step = std::get_if<Step>(&fetched)) co_return std::move(*step);
    auto const record = std::get<Record>(std::move(fetched));
    for (auto const& directive : record.directives) {
        run.macros.domain = domain;
        auto const found = co_await match(run, directive, depth);
        if (found.match == Match::no) continue;
        if (found.match == Match::temporary) co_return failed(Result::temperror, found.reason);
        if (found.match == Match::permanent) co_return failed(Result::permerror, found.reason);
        auto step = failed(result_of(directive.qualifier), domain + " matched " + directive.text);
        step.exp = record.exp.value_or("");
        step.exp_domain = domain;
        co_return step;
    }
    if (!record.redirect)
        co_return failed(Result::neutral, "nothing of " + domain + " matched");  // §4.7
    run.macros.domain = domain;
    co_return co_await follow_redirect(run, *record.redirect, depth);
}

// §6.2: the explanation of a fail, or "" on any trouble.
dns::Inquiry<std::string> explain(Run& run, Step const& step) {
    std::string const nothing;
    if (step.result != Result::fail || step.exp.empty()) co_return nothing;
    run.macros.domain = step.exp_domain;
    auto const target = co_await target_of(run, step.exp);
    if (!target) co_return nothing;
    dns::Question const question{*target, dns::Type::txt};
    auto const answer = co_await dns::ask(question);
    if (answer.texts.size() != 1) co_return nothing;
    auto const& text = answer.texts.front();
    if (text.size() > explanation_max || !is_explanation(text)) co_return nothing;
    if (uses_validated_name(text)) {
        auto const found = co_await need_validated_name(run);
        (void)found;
    }
    auto expanded = expand(text, run.macros, explanation_max);
    co_return expanded&& ascii::is_ascii(*expanded) ? std::move(*expanded) : nothing;
}

dns::Inquiry<Verdict> run_check(Run& run, std::string domain) {
    Verdict verdict;
    verdict.domain = domain;
    auto const step = co_await check_domain(run, domain, 0);
    verdict.result = step.result;
    verdict.reason = step.reason;
    verdict.explanation = co_await explain(run, step);
    verdict.terms = run.terms;
    verdict.void_lookups = run.void_lookups;
    verdict.record = std::move(run.record);
    co_return verdict;
}

// RFC 8616 §4: internationalised domains are checked, and put into macros, as A-labels.
std::string a_labels(std::string domain) {
    if (ascii::is_ascii(domain)) return domain;
    auto converted = mail::to_a_labels(domain);
    return converted ? std::move(*converted) : domain;
}

dns::Inquiry<Verdict> check_identity(Query query, std::string local, std::string sender_domain,
                                     std::string domain) {
    domain = a_labels(std::move(domain));
    sender_domain = a_labels(std::move(sender_domain));
    query.helo = a_labels(std::move(query.helo));
    Run run;
    auto const ip = Ip::parse(query.ip);
    if (!ip) {
        Verdict verdict;
        verdict.reason = "no client address";
        co_return verdict;
    }
    run.macros.ip = *ip;
    run.macros.sender_local = local.empty() ? "postmaster" : std::move(local);  // §4.3
    run.macros.sender_domain = std::move(sender_domain);
    run.macros.helo = query.helo;
    run.macros.receiver = query.receiver;
    run.macros.now = query.now;
    if (domain.ends_with('.')) domain.pop_back();
    auto lowered = ascii::to_lower(domain);
    co_return co_await run_check(run, std::move(lowered));
}

}  // namespace

std::string_view to_string(Result result) noexcept {
    switch (result) {
        case Result::none:
            return "none";
        case Result::neutral:
            return "neutral";
        case Result::pass:
            return "pass";
        case Result::fail:
            return "fail";
        case Result::softfail:
            return "softfail";
        case Result::temperror:
            return "temperror";
        case Result::permerror:
            return "permerror";
    }
    return "none";
}

dns::Inquiry<Verdict> check(Query query) {
    if (query.sender.empty()) return check_helo(std::move(query));
    auto domain = query.sender.substr(query.sender.rfind('@') + 1);  // all of it without "@"
    return check_host(std::move(query), std::move(domain));
}

dns::Inquiry<Verdict> check_helo(Query query) {
    auto domain = query.helo;
    return check_identity(std::move(query), "postmaster", domain, domain);
}

dns::Inquiry<Verdict> check_host(Query query, std::string domain) {
    auto const sender = query.sender.empty() ? "postmaster@" + query.helo : query.sender;
    auto const at = sender.rfind('@');
    auto local = at == sender.npos ? std::string() : sender.substr(0, at);
    auto sender_domain = sender.substr(at + 1);
    return check_identity(std::move(query), std::move(local), std::move(sender_domain),
                          std::move(domain));
}

}  // namespace dawk::spf
