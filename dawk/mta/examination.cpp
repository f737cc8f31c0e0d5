#include "dawk/mta/examination.hpp"

#include <algorithm>
#include <utility>

#include "dawk/base/ascii.hpp"
#include "dawk/base/check.hpp"
#include "dawk/mta/inquire.hpp"
#include "dawk/mta/signing.hpp"

namespace dawk::mta {
namespace {

using mailauth::Action;
using mailauth::Decision;
using mailauth::Finding;

// Shorter than the time to live of nearly all records.
constexpr Duration reuse_max = std::chrono::seconds(30);

struct Choice {
    Finding finding;
    std::string AuthActions::*word;
};
constexpr Choice choices[] = {
    {Finding::spf_fail, &AuthActions::spf_fail},
    {Finding::spf_softfail, &AuthActions::spf_softfail},
    {Finding::spf_permerror, &AuthActions::spf_permerror},
    {Finding::helo_fail, &AuthActions::helo_fail},
    {Finding::dkim_fail, &AuthActions::dkim_fail},
    {Finding::dmarc_none, &AuthActions::dmarc_none},
    {Finding::dmarc_quarantine, &AuthActions::dmarc_quarantine},
    {Finding::dmarc_reject, &AuthActions::dmarc_reject},
    {Finding::dmarc_permerror, &AuthActions::dmarc_permerror},
};
static_assert(std::size(choices) == mailauth::findings);

Result<mailauth::Policy> make_policy(Settings const& settings) {
    mailauth::Policy out;
    for (auto const& choice : choices) {
        auto const action = mailauth::action_of(settings.auth.actions.*choice.word);
        if (!action) return Errc::bad_syntax;
        out.actions[static_cast<std::size_t>(choice.finding)] = *action;
    }
    for (auto const& rule : settings.auth_rules) {
        mailauth::Rule made{rule.from, rule.to, {}};
        for (auto const& choice : choices) {
            auto const& word = rule.actions.*choice.word;
            if (word.empty()) continue;
            auto const action = mailauth::action_of(word);
            if (!action) return Errc::bad_syntax;
            made.actions[static_cast<std::size_t>(choice.finding)] = *action;
        }
        out.rules.push_back(std::move(made));
    }
    out.trusted_sealers = settings.auth.arc_trusted;
    out.defer_on_dns_failure = settings.auth.dns_failure == "defer";
    return out;
}

// A field of ours with words that came from others: printable ASCII, one line.
std::string mark(std::string_view name, std::string_view words) {
    std::string out = std::string(name) + ": ";
    for (char const c : words.substr(0, 900)) out += ascii::is_print(c) ? c : '?';
    return out + "\r\n";
}

std::string_view dkim_word(std::vector<dkim::Verdict> const& verdicts) {
    if (verdicts.empty()) return "none";
    auto const good = std::find_if(verdicts.begin(), verdicts.end(),
                                   [](auto const& v) { return v.result == dkim::Result::pass; });
    return dkim::to_string(good == verdicts.end() ? verdicts.front().result : good->result);
}

std::string summary_of(mailauth::Report const& report, Decision const& decision) {
    auto out = "spf=" + std::string(spf::to_string(report.spf.result)) +
               " dkim=" + std::string(dkim_word(report.dkim)) +
               " dmarc=" + std::string(dmarc::to_string(report.dmarc.result));
    if (report.arc.sets > 0) out += " arc=" + std::string(arc::to_string(report.arc.result));
    if (decision.action != Action::accept && !decision.defer)
        out += ", so " + std::string(mailauth::to_string(decision.action)) + ": " + decision.reason;
    else if (!decision.overrides.empty())
        out += ", " + decision.reason;
    return out;
}

Disposition disposition_of(mailauth::Report const& report, Decision const& decision) {
    if (decision.action == Action::reject) return Disposition::reject;
    if (decision.action == Action::quarantine) return Disposition::quarantine;
    bool const passed =
        report.dmarc.result == dmarc::Result::pass && report.dmarc.requested != dmarc::Policy::none;
    return passed ? Disposition::pass : Disposition::none;
}

}  // namespace

Result<std::shared_ptr<AuthContext const>> make_auth_context(Settings const& settings) {
    auto out = std::make_shared<AuthContext>();
    auto const& auth = settings.auth;
    out->verify = auth.verify;
    out->id = auth.id.empty() ? settings.hostname : auth.id;
    out->timeout = auth.timeout;
    DAWK_TRY(out->exempt, NetworkSet::parse(auth.exempt));
    DAWK_TRY(out->forwarders, NetworkSet::parse(auth.forwarders));
    DAWK_TRY(out->policy, make_policy(settings));
    if (!auth.arc_seal.empty()) {
        auto const* const keys =
            settings.signing ? settings.signing->keys_for(auth.arc_seal) : nullptr;
        if (keys == nullptr || keys->empty()) return Errc::not_found;
        // Everybody can verify RSA; Ed25519 (RFC 8463) not yet.
        auto const rsa = std::find_if(keys->begin(), keys->end(), [](auto const& key) {
            return key.key->kind() == crypto::KeyKind::rsa;
        });
        out->seal = rsa == keys->end() ? keys->front() : *rsa;
    }
    return std::shared_ptr<AuthContext const>(std::move(out));
}

// ---- the sender ---------------------------------------------------------------------------------

SenderCheck::SenderCheck(rt::Env& env, mailauth::Client client, Duration timeout)
    : env_(env),
      client_(std::move(client)),
      begun_(env.clock.steady()),
      deadline_(begun_ + timeout),
      wake_(env.executor) {
    // What stands when the check is canceled, with its session, before it is done.
    report_.iprev.result = mailauth::Iprev::Result::temperror;
    report_.spf.result = report_.spf_helo.result = spf::Result::temperror;
}

struct SenderCheck::Done {
    explicit Done(SenderCheck& check) : check_(check) {}
    ~Done() {
        check_.done_ = true;
        check_.wake_.wake();
    }
    Done(Done const&) = delete;
    Done& operator=(Done const&) = delete;

  private:
    SenderCheck& check_;
};

Task<void> SenderCheck::run(std::shared_ptr<SenderCheck> self) {
    Done const done(*self);
    auto inquiry = mailauth::check_sender(self->client_);
    auto report =
        co_await answered(std::move(inquiry), self->env_, self->deadline_, self->look_ups_);
    self->report_ = std::move(report);
}

Task<void> SenderCheck::wait() {
    while (!done_) {
        co_await wake_.wait();
    }
}

bool SenderCheck::holds_for(mailauth::Client const& client, SteadyTime now) const noexcept {
    auto const unsure = [](spf::Verdict const& one) {
        return one.result == spf::Result::temperror;
    };
    if (done_ && (report_.iprev.result == mailauth::Iprev::Result::temperror ||
                  unsure(report_.spf_helo) || unsure(report_.spf))) {
        return false;
    }
    return now - begun_ < reuse_max && client.ip == client_.ip && client.helo == client_.helo &&
           client.sender == client_.sender && client.authserv_id == client_.authserv_id;
}

// ---- the message --------------------------------------------------------------------------------

Examination::Examination(ReceiverPorts& ports, std::shared_ptr<AuthContext const> auth,
                         std::shared_ptr<SenderCheck> sender)
    : ports_(ports),
      auth_(std::move(auth)),
      sender_(std::move(sender)),
      client_(sender_->client()) {
    client_.now = ports_.env.clock.wall();
}

void Examination::begin(mail::HeaderSection const& header) {
    header_ = &header;
    checker_.emplace(client_, header, &ports_.keys);
    if (auth_->seal) sealer_.emplace(*auth_->seal, header, ports_.env.clock.wall());
}

void Examination::body(std::string_view piece) {
    if (checker_) checker_->body(piece);
    if (sealer_) sealer_->body(piece);
}

// A reply is one for all recipients: a message is refused only if it would be for each of them;
// else those who would refuse it have it in quarantine.
Decision Examination::decide(mailauth::Report const& report, envelope::Envelope& envelope) const {
    auto const& policy = auth_->policy;
    mailauth::Circumstances where;
    where.sender_domain = envelope.reverse_path.domain;
    where.known_forwarder = auth_->forwarders.contains(client_.ip);
    std::vector<Decision> decisions;
    std::size_t const count = policy.looks_at_recipients() ? envelope.recipients.size() : 1;
    for (std::size_t i = 0; i < count; ++i) {
        where.recipient_domain = envelope.recipients[i].original.domain;
        decisions.push_back(mailauth::decide(policy, report, where));
    }
    bool const all_refuse = std::all_of(decisions.begin(), decisions.end(), [](auto const& one) {
        return one.action == Action::reject;
    });
    if (all_refuse || decisions.front().defer) return decisions.front();
    auto const milder = [](Action action) { return std::min(action, Action::quarantine); };
    for (std::size_t i = 0; i < envelope.recipients.size(); ++i) {
        auto const& one = decisions[std::min(i, count - 1)];
        envelope.recipients[i].quarantined = milder(one.action) == Action::quarantine;
    }
    auto worst =
        *std::max_element(decisions.begin(), decisions.end(),
                          [](auto const& a, auto const& b) { return a.action < b.action; });
    worst.action = milder(worst.action);
    return worst;
}

void Examination::tell(mailauth::Report const& report, Decision const& decision,
                       envelope::Envelope const& envelope) const {
    if (ports_.verdicts == nullptr || decision.defer) return;
    JudgedMessage judged{
        .at = envelope.arrived, .client = client_, .report = report, .header = *header_};
    judged.disposition = disposition_of(report, decision);
    for (auto const& one : decision.overrides) judged.overrides.push_back({one.type, one.comment});
    for (auto const& recipient : envelope.recipients)
        judged.recipients.push_back(recipient.original);
    ports_.verdicts->on_verdict(judged);
}

// What goes on to another server takes our results along under seal (RFC 8617 §5.1), good or bad.
void Examination::seal(mailauth::Report const& report, envelope::Envelope& envelope) {
    bool const goes_on = std::any_of(envelope.recipients.begin(), envelope.recipients.end(),
                                     [](auto const& recipient) {
                                         return recipient.destination.starts_with("mx:") ||
                                                recipient.destination.starts_with("smtp:");
                                     });
    if (!sealer_ || !goes_on) return;
    auto results = report.header.substr(report.header.find(';') + 1);
    results.resize(results.size() - 2);  // the line end
    auto const fields = sealer_->finish(report.arc, auth_->id, results);
    if (fields) {
        envelope.trace.insert(0, *fields);
    } else {
        summary_ += ", not sealed: " + fields.error().message();
    }
}

Task<Verdict> Examination::finish(envelope::Envelope& envelope) {
    DAWK_CHECK(checker_);
    co_await sender_->wait();
    auto look_ups = sender_->look_ups();
    look_ups.reserve(look_ups.size() + 8);
    SteadyTime const deadline = ports_.env.clock.steady() + auth_->timeout;
    auto inquiry = checker_->finish(sender_->report());
    auto const report = co_await answered(std::move(inquiry), ports_.env, deadline, look_ups);
    auto const decision = decide(report, envelope);
    facts_ = mailauth::facts(report, look_ups, decision);
    summary_ = summary_of(report, decision);
    tell(report, decision, envelope);
    Verdict verdict;
    if (decision.defer || decision.action == Action::reject) {
        verdict.code = decision.code;
        verdict.status = decision.status;
        verdict.text = decision.text + " [" + envelope.id.text() + ']';
        verdict.facts = facts_;
        verdict.note = summary_;
        co_return verdict;
    }
    envelope.trace += report.header;
    seal(report, envelope);
    if (decision.action == Action::tag) envelope.trace += mark(warning_field, decision.reason);
    if (decision.action == Action::quarantine)
        envelope.trace += mark(quarantine_field, decision.reason);
    co_return verdict;
}

}  // namespace dawk::mta
