// Faults: what can go wrong in a random run, by name, so that each can be switched off: that is how
// a failing seed is made small.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <optional>
#include <string_view>

namespace dawk::sim {

enum class Fault : std::uint8_t {
    latency,
    tiny_reads,
    resets,
    lost_connects,
    partitions,
    hosts_down,
    hosts_silent,
    dns_fails,
    dns_changes,
    spool_slow,
    spool_fails,
    spool_full,
    mailbox_fails,
    clock_steps,
    crashes,
    restarts,
    reloads,
    operators,
    greylisting,
    rate_limits,
    transient_storms,
    refused_recipients,
    refused_content,
    slow_banners,
    slow_replies,
    drops,
    drops_after_data,
    drops_before_reply,
    wrong_replies,
    huge_replies,
    busy_banners,
    tls_fails,
    tls_vanishes,
    tls_untrusted,
    bad_clients,
    logins_refused,
    mail_policies,
    queue_orders,
};
inline constexpr std::array<std::string_view, 38> fault_names = {
    "latency",          "tiny_reads",
    "resets",           "lost_connects",
    "partitions",       "hosts_down",
    "hosts_silent",     "dns_fails",
    "dns_changes",      "spool_slow",
    "spool_fails",      "spool_full",
    "mailbox_fails",    "clock_steps",
    "crashes",          "restarts",
    "reloads",          "operators",
    "greylisting",      "rate_limits",
    "transient_storms", "refused_recipients",
    "refused_content",  "slow_banners",
    "slow_replies",     "drops",
    "drops_after_data", "drops_before_reply",
    "wrong_replies",    "huge_replies",
    "busy_banners",     "tls_fails",
    "tls_vanishes",     "tls_untrusted",
    "bad_clients",      "logins_refused",
    "mail_policies",    "queue_orders"};
using FaultSet = std::bitset<fault_names.size()>;

constexpr std::size_t index_of(Fault fault) noexcept {
    return static_cast<std::size_t>(fault);
}
std::optional<Fault> fault_named(std::string_view name) noexcept;
// Those that a seed has: about a third of them.
FaultSet faults_of(std::uint64_t seed);

}  // namespace dawk::sim
