// Happenings: what went wrong, or was done, in a run, counted where it really happened and not
// where it was planned. So a fault that never meets anybody is seen.
//
//     world.tally().add(Happening::reset);
//
// They change nothing: a run is the same with them and without.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace dawk::sim {

enum class Happening : std::uint8_t {
    slow_link,
    short_read,
    reset,
    connect_lost,
    connect_refused,
    partition,
    half_open,
    host_down,
    host_silent,
    dns_servfail,
    dns_nxdomain,
    dns_timeout,
    lame_exchanger,
    foreign_exchanger,
    commit_slow,
    commit_failed,
    spool_full,
    spool_broken,
    content_failed,
    commit_survived,
    commit_forgotten,
    file_sync_failed,
    file_system_full,
    clock_forward,
    clock_back,
    power_cut,
    silent_power_cut,
    restart,
    reload,
    retry_by_hand,
    hold_by_hand,
    release_by_hand,
    remove_by_hand,
    greylisted,
    over_rate,
    crowded,
    transient_refusal,
    recipient_refused,
    content_deferred,
    content_refused,
    slow_banner,
    slow_reply,
    dropped,
    dropped_in_content,
    dropped_before_reply,
    wrong_reply,
    garbled_final_reply,
    huge_reply,
    banner_421,
    banner_554,
    starttls_refused,
    starttls_nonsense,
    starttls_vanished,
    untrusted_certificate,
    login_taken,
    login_refused,
    client_pipelines,
    client_drops,
    client_half_open,
    client_slow,
    client_smuggles,
    crossed_shards,
    spf_pass,
    spf_fail,
    spf_error,
    dkim_pass,
    dmarc_pass,
    dmarc_fail,
    quarantined,
    refused_by_policy,
};
inline constexpr std::array<std::string_view, 70> happening_names = {
    // clang-format off
    "slow_link", "short_read", "reset", "connect_lost", "connect_refused", "partition", "half_open",
    "host_down", "host_silent", "dns_servfail", "dns_nxdomain", "dns_timeout", "lame_exchanger",
    "foreign_exchanger", "commit_slow", "commit_failed", "spool_full", "spool_broken",
    "content_failed", "commit_survived", "commit_forgotten", "file_sync_failed", "file_system_full",
    "clock_forward", "clock_back", "power_cut", "silent_power_cut", "restart", "reload",
    "retry_by_hand", "hold_by_hand", "release_by_hand", "remove_by_hand", "greylisted", "over_rate",
    "crowded", "transient_refusal", "recipient_refused", "content_deferred", "content_refused",
    "slow_banner", "slow_reply", "dropped", "dropped_in_content", "dropped_before_reply",
    "wrong_reply", "garbled_final_reply", "huge_reply", "banner_421", "banner_554",
    "starttls_refused", "starttls_nonsense", "starttls_vanished", "untrusted_certificate",
    "login_taken", "login_refused", "client_pipelines", "client_drops", "client_half_open",
    "client_slow", "client_smuggles", "crossed_shards", "spf_pass", "spf_fail", "spf_error",
    "dkim_pass", "dmarc_pass", "dmarc_fail", "quarantined", "refused_by_policy"};
// clang-format on

class Tally {
  public:
    void add(Happening what, std::uint64_t times = 1) noexcept {
        counts_[static_cast<std::size_t>(what)] += times;
    }
    void add(Tally const& other) noexcept {
        for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
    }
    std::uint64_t operator[](Happening what) const noexcept {
        return counts_[static_cast<std::size_t>(what)];
    }
    // "reset 12, greylisted 3": what happened.
    std::string text() const {
        std::string out;
        for (std::size_t i = 0; i < counts_.size(); ++i) {
            if (counts_[i] == 0) continue;
            out += out.empty() ? "" : ", ";
            out += std::string(happening_names[i]) + " " + std::to_string(counts_[i]);
        }
        return out;
    }
    // Names of those that did not happen.
    std::string missing() const {
        std::string out;
        for (std::size_t i = 0; i < counts_.size(); ++i) {
            if (counts_[i] != 0) continue;
            out += (out.empty() ? "" : ", ") + std::string(happening_names[i]);
        }
        return out;
    }

  private:
    std::array<std::uint64_t, happening_names.size()> counts_{};
};

}  // namespace dawk::sim
