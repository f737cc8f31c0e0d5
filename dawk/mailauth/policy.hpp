// What is done about the verdicts: the operator's choices, by finding, with rules for some domains;
// what overrides them; and the reply that a refusal gets.
//
//     Decision decision = decide(policy, report, {.sender_domain = ..., .recipient_domain = ...});
//     if (decision.action == Action::reject) refuse(decision.code, decision.status, decision.text);
//
// Pure. The worst action of all findings counts. p=reject alone is no reason to reject: without
// another choice of the operator such mail is quarantined (RFC 9989 §7.4).
// Standards: RFC 9989 §5.4, §7.4; RFC 9990 (words of overrides); RFC 8617 §7.2; RFC 7208 §8;
// RFC 7372 (status codes).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dawk/mailauth/mailauth.hpp"

namespace dawk::mailauth {

// From the mildest to the worst.
enum class Action : std::uint8_t { accept, tag, quarantine, reject };
std::string_view to_string(Action action) noexcept;
std::optional<Action> action_of(std::string_view word) noexcept;

enum class Finding : std::uint8_t {
    spf_fail,
    spf_softfail,
    spf_permerror,
    helo_fail,
    dkim_fail,         // signed, and no signature passes
    dmarc_none,        // DMARC fails, and the domain asks for nothing
    dmarc_quarantine,  // DMARC fails, and the domain asks for that
    dmarc_reject,
    dmarc_permerror,  // not exactly one usable author domain
};
constexpr std::size_t findings = 9;

using Actions = std::array<Action, findings>;
Actions default_actions() noexcept;

// For mail of these domains (author or MAIL FROM) to these domains of ours; an empty list means
// all, ".example.org" all below. Choices that are not made are those of the policy.
struct Rule {
    std::vector<std::string> from, to;
    std::array<std::optional<Action>, findings> actions{};
};

struct Policy {
    Actions actions = default_actions();
    std::vector<Rule> rules;                   // the first that fits counts
    std::vector<std::string> trusted_sealers;  // of ARC: domains
    bool defer_on_dns_failure = false;
    // The decision can differ between recipients of one message.
    bool looks_at_recipients() const noexcept;
};

struct Circumstances {
    std::string sender_domain;     // of MAIL FROM
    std::string recipient_domain;  // ours
    bool known_forwarder = false;  // the client is one
};

// Why the domain's wish or the operator's choice was not followed; words of RFC 9990.
struct Override {
    std::string type;     // "trusted_forwarder", "local_policy", "policy_test_mode" ...
    std::string comment;  // for people
    friend bool operator==(Override const&, Override const&) = default;
};

struct Decision {
    Action action = Action::accept;
    bool defer = false;       // DNS failed, and the operator wants no verdict without it: 451
    std::uint16_t code = 0;   // of a refusal
    std::string_view status;  // of static text
    std::string text;         // of a refusal, printable and bounded; also the words of a tag
    std::string reason;       // "dmarc=fail (...)"; "" when nothing was found
    std::vector<Override> overrides;
};

Decision decide(Policy const& policy, Report const& report, Circumstances const& circumstances);

// Did a sealer on the list see DMARC pass, in a chain that holds? Its name, or "". Only the newest
// sets count, as far as all of them are of sealers on the list.
std::string vouching_sealer(std::vector<std::string> const& trusted, arc::Verdict const& chain);

// "example.org" itself, ".example.org" everything below it; without case.
bool matches_domain(std::string_view pattern, std::string_view domain) noexcept;

}  // namespace dawk::mailauth
