#include "dawk/dmarc/dmarc.hpp"

#include <algorithm>
#include <map>

#include "dawk/base/ascii.hpp"
#include "dawk/mail/address_list.hpp"
#include "dawk/mail/idna.hpp"

namespace dawk::dmarc {

std::string_view to_string(Result result) noexcept {
    switch (result) {
        case Result::none:
            return "none";
        case Result::pass:
            return "pass";
        case Result::fail:
            return "fail";
        case Result::temperror:
            return "temperror";
        case Result::permerror:
            return "permerror";
    }
    return "none";
}

Authors author_domains(mail::HeaderSection const& header) {
    Authors out;
    auto const fields = header.find("From");
    if (fields.size() != 1) {
        out.problem = fields.empty() ? "no From field" : "more than one From field";
    }
    for (auto const& field : fields) {
        auto const list = mail::parse_address_list(field.body);
        if (!list) {
            out.problem = "the From field cannot be read";
            continue;
        }
        for (auto const& mailbox : mail::mailboxes(*list)) {
            auto domain = mail::to_a_labels(mailbox.address.domain);
            if (!domain || mailbox.address.has_literal()) {
                out.problem = "the From field names no domain";
                continue;
            }
            if (domain->ends_with('.')) domain->pop_back();
            if (std::find(out.domains.begin(), out.domains.end(), *domain) == out.domains.end()) {
                out.domains.push_back(std::move(*domain));
            }
        }
    }
    if (out.problem.empty() && out.domains.empty()) out.problem = "the From field names no domain";
    if (out.problem.empty() && out.domains.size() > 1)
        out.problem = "the From field names several domains";
    return out;
}

namespace {

constexpr std::size_t labels_after_jump = 7;  // RFC 9989 §4.10 step 4

struct Found {
    std::optional<Record> record;
    std::string problem;
    bool temporary = false;
};

// The records of one evaluation, each asked for once.
using Memory = std::map<std::string, Found>;

dns::Inquiry<Found> record_at(Memory& memory, std::string domain) {
    if (auto const known = memory.find(domain); known != memory.end()) co_return known->second;
    dns::Question const question{"_dmarc." + domain, dns::Type::txt};
    auto const answer = co_await dns::ask(question);
    Found found;
    found.temporary = answer.temporary();
    if (found.temporary)
        found.problem = "DNS TXT of " + question.name + ": " + dns::to_string(answer.status);
    std::vector<std::string> texts;
    std::copy_if(answer.texts.begin(), answer.texts.end(), std::back_inserter(texts),
                 [](auto const& text) { return is_dmarc1(text); });
    if (texts.size() > 1) found.problem = "more than one DMARC record at " + question.name;
    if (texts.size() == 1) {
        auto parsed = parse_record(texts.front());
        found.record = std::move(parsed.record);
        found.problem = std::move(parsed.problem);
    }
    memory[domain] = found;
    co_return found;
}

std::string parent(std::string const& domain) {
    auto const dot = domain.find('.');
    return dot == domain.npos ? std::string() : domain.substr(dot + 1);
}

std::size_t count_labels(std::string const& domain) {
    return static_cast<std::size_t>(std::count(domain.begin(), domain.end(), '.')) + 1;
}

// Step 4: one label off, or down to seven.
std::string next_target(std::string const& domain) {
    auto target = parent(domain);
    while (!target.empty() && count_labels(target) > labels_after_jump) target = parent(target);
    return target;
}

// What a walk from a domain up to its top met, longest name first.
struct Step {
    std::string domain;
    Record record;
};
struct Walk {
    std::vector<Step> steps;
    bool temporary = false;
    std::string problem;
};

dns::Inquiry<Walk> walk(Memory& memory, std::string start) {
    Walk out;
    auto target = std::move(start);
    for (bool first = true; !target.empty(); first = false) {
        auto found = co_await record_at(memory, target);
        if (found.temporary) {
            out.temporary = true;
            out.problem = found.problem;
            co_return out;
        }
        if (found.record) {
            bool const last = found.record->psd != Psd::unsaid;
            out.steps.push_back(Step{target, std::move(*found.record)});
            if (last) co_return out;
        }
        target = first ? next_target(target) : parent(target);
    }
    co_return out;
}

// §4.10.2. The one label below a psd=y domain, on the way to `start`.
std::string below(std::string const& start, std::string const& psd) {
    auto domain = start;
    while (count_labels(domain) > count_labels(psd) + 1) domain = parent(domain);
    return domain;
}

std::string organizational_of(Walk const& walk, std::string const& start) {
    for (auto const& step : walk.steps) {
        if (step.record.psd == Psd::no) return step.domain;
        if (step.record.psd == Psd::yes && step.domain != start) return below(start, step.domain);
    }
    return walk.steps.empty() ? start : walk.steps.back().domain;
}

// The record that applies to the author domain (§4.10.1), and the tag to read in it.
struct Discovery {
    std::optional<Step> step;
    bool is_own = false;
};

Discovery discover(Walk const& walk, std::string const& author, std::string const& organizational) {
    auto const at = [&](std::string const& domain) -> Step const* {
        auto const found = std::find_if(walk.steps.begin(), walk.steps.end(),
                                        [&](auto const& step) { return step.domain == domain; });
        return found == walk.steps.end() ? nullptr : &*found;
    };
    if (auto const* own = at(author)) return {*own, true};
    if (auto const* org = at(organizational)) return {*org, false};
    // The public suffix domain, where the organizational one says nothing.
    if (!walk.steps.empty() && walk.steps.back().record.psd == Psd::yes)
        return {walk.steps.back(), false};
    return {};
}

Policy milder(Policy policy) {
    return policy == Policy::reject ? Policy::quarantine : Policy::none;
}

// Which policy the record asks for; true when DNS did not say whether the author domain exists.
dns::Inquiry<bool> set_policy(Verdict& verdict, Record const& record, bool is_own) {
    verdict.published = record.p;
    bool unsure = false;
    if (!is_own) {
        bool exists = true;
        if (record.np) {
            dns::Question const question{verdict.author_domain, dns::Type::a};
            auto const answer = co_await dns::ask(question);
            exists = answer.status != dns::Status::nxdomain;  // §3.2.13
            unsure = answer.temporary();
        }
        if (!exists) {
            verdict.published = *record.np;
            verdict.published_tag = "np";
        } else if (record.sp) {
            verdict.published = *record.sp;
            verdict.published_tag = "sp";
        }
    }
    verdict.requested = record.testing ? milder(verdict.published) : verdict.published;
    co_return unsure;
}

bool is_under(std::string_view name, std::string_view domain) {
    if (!name.ends_with(domain)) return false;
    return name.size() == domain.size() || name[name.size() - domain.size() - 1] == '.';
}

std::string_view last_label(std::string_view name) {
    return name.substr(name.rfind('.') + 1);
}

// §4.10.2. 1: aligned, 0: not, -1: DNS did not say. An organization is the name itself or one above
// it: nobody is asked about names that lie elsewhere.
dns::Inquiry<int> is_aligned(Memory& memory, std::string identifier, std::string author,
                             std::string organizational, bool strict) {
    if (identifier == author) co_return 1;
    if (strict) co_return 0;
    if (organizational.empty()) co_return last_label(identifier) == last_label(author) ? -1 : 0;
    if (!is_under(identifier, organizational)) co_return 0;
    auto const found = co_await walk(memory, identifier);
    if (found.temporary) co_return -1;
    co_return organizational_of(found, identifier) == organizational ? 1 : 0;
}

std::string normal(std::string const& domain) {
    auto a = mail::to_a_labels(domain);
    return a ? ascii::to_lower(*a) : ascii::to_lower(domain);
}

Verdict with(Verdict verdict, Result result, std::string reason) {
    verdict.result = result;
    verdict.reason = std::move(reason);
    return verdict;
}

// Would one of those that DNS did not let us judge have been aligned, or may it have been?
dns::Inquiry<bool> could_align(Memory& memory, Input const& input, Record const& record,
                               Verdict const& verdict) {
    for (auto const& domain : input.dkim_unsure) {
        auto const aligned = co_await is_aligned(memory, normal(domain), verdict.author_domain,
                                                 verdict.organizational_domain, record.strict_dkim);
        if (aligned != 0) co_return true;
    }
    if (!input.spf_unsure || input.spf_domain.empty()) co_return false;
    auto const aligned =
        co_await is_aligned(memory, normal(input.spf_domain), verdict.author_domain,
                            verdict.organizational_domain, record.strict_spf);
    co_return aligned != 0;
}

// Tries every authenticated identifier; the verdict says which aligned. Returns whether one was
// unsure.
dns::Inquiry<bool> align(Memory& memory, Input const& input, Record const& record,
                         Verdict& verdict) {
    bool unsure = false;
    for (auto const& domain : input.dkim_passed) {
        auto const aligned = co_await is_aligned(memory, normal(domain), verdict.author_domain,
                                                 verdict.organizational_domain, record.strict_dkim);
        unsure |= aligned < 0;
        if (aligned != 1) continue;
        verdict.dkim_aligned = true;
        verdict.aligned_domain = domain;
        break;
    }
    if (!input.spf_passed || input.spf_domain.empty()) co_return unsure;
    auto const aligned =
        co_await is_aligned(memory, normal(input.spf_domain), verdict.author_domain,
                            verdict.organizational_domain, record.strict_spf);
    verdict.spf_aligned = aligned == 1;
    if (verdict.spf_aligned && !verdict.dkim_aligned) verdict.aligned_domain = input.spf_domain;
    co_return unsure || aligned < 0;
}

}  // namespace

dns::Inquiry<Verdict> evaluate(Input input) {
    Memory memory;
    Verdict verdict;
    if (!input.authors.domains.empty()) verdict.author_domain = input.authors.domains.front();
    // §5.3.1, §11.5: not exactly one author domain must not be a way around DMARC.
    if (!input.authors.problem.empty())
        co_return with(verdict, Result::permerror, input.authors.problem);
    auto const found = co_await walk(memory, verdict.author_domain);
    // With a record of the author domain itself a failure above it leaves open only what is aligned
    // by a common organization.
    bool const own = !found.steps.empty() && found.steps.front().domain == verdict.author_domain;
    if (found.temporary && !own) co_return with(verdict, Result::temperror, found.problem);
    if (!found.temporary)
        verdict.organizational_domain = organizational_of(found, verdict.author_domain);
    auto const discovery = discover(found, verdict.author_domain, verdict.organizational_domain);
    if (!discovery.step) {
        auto const& problem = memory[verdict.author_domain].problem;
        co_return with(verdict, Result::none, problem.empty() ? "no DMARC record" : problem);
    }
    auto const& record = discovery.step->record;
    if (!record.applies)
        co_return with(verdict, Result::none, memory[discovery.step->domain].problem);
    verdict.policy_domain = discovery.step->domain;
    verdict.record = record;
    auto const policy_unsure = co_await set_policy(verdict, record, discovery.is_own);
    auto const unsure = co_await align(memory, input, record, verdict);
    if (verdict.dkim_aligned || verdict.spf_aligned) {
        auto const* const by = verdict.dkim_aligned ? "DKIM" : "SPF";
        auto reason = std::string(by) + " passed for " + verdict.aligned_domain;
        co_return with(verdict, Result::pass, std::move(reason));
    }
    auto const open = co_await could_align(memory, input, record, verdict);
    if (unsure || open) {  // §5.3.6
        co_return with(verdict, Result::temperror,
                       "DNS did not answer for an identifier that might align");
    }
    if (policy_unsure) {
        co_return with(verdict, Result::temperror,
                       "DNS did not say whether " + verdict.author_domain + " exists");
    }
    co_return with(verdict, Result::fail,
                   "nothing that passed is aligned with " + verdict.author_domain);
}

dns::Inquiry<std::string> organizational_domain(std::string domain) {
    Memory memory;
    auto const found = co_await walk(memory, domain);
    co_return organizational_of(found, domain);
}

}  // namespace dawk::dmarc
