#include "cmd/dawk-sim/search.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <deque>

namespace dawk::cmd_sim {
namespace {

constexpr std::size_t log_lines_shown = 60;

sim::PlayOptions play_options(Options const& options, std::uint64_t seed) {
    sim::PlayOptions out;
    out.seed = seed;
    out.scenario = options.scenario;
    out.without = options.without;
    out.scale = static_cast<double>(options.scale_percent) / 100;
    return out;
}

std::string names_of(sim::FaultSet const& faults) {
    std::string text;
    for (std::size_t i = 0; i < faults.size(); ++i)
        if (faults[i]) text += (text.empty() ? "" : ",") + std::string(sim::fault_names[i]);
    return text;
}

std::string command_for(Options const& options, sim::PlayOptions const& play) {
    std::string text = "dawk-sim --seed " + std::to_string(play.seed);
    if (!play.scenario.empty()) text += " --scenario " + play.scenario;
    if (!options.mutation.empty()) text += " --mutation " + options.mutation;
    if (play.without.any()) text += " --without " + names_of(play.without);
    if (options.scale_percent != 100) text += " --scale " + std::to_string(options.scale_percent);
    return text;
}

// Switches off what the violation does not need.
sim::PlayOptions shrink(sim::PlayOptions play, sim::Invariant invariant) {
    auto const has = sim::faults_of(play.seed);
    for (std::size_t i = 0; i < has.size(); ++i) {
        if (!has[i] || play.without[i]) continue;
        auto smaller = play;
        smaller.without.set(i);
        auto const result = sim::play(smaller);
        if (result.violation && result.violation->invariant == invariant) play = smaller;
    }
    return play;
}

// The words of the violation that look like a letter's token.
std::string token_in(std::string const& text) {
    for (std::size_t at = 0; at + 1 < text.size(); ++at) {
        bool const begins = at == 0 || text[at - 1] == ' ';
        if (!begins || text[at] != 't' || text[at + 1] < '0' || text[at + 1] > '9') continue;
        return text.substr(at, text.find_first_of(" ,", at) - at);
    }
    return {};
}

// The shortest log that tells of it: lines about its letter, and those about machines.
std::string shortened(std::string const& log, std::string const& token) {
    std::deque<std::string_view> lines;
    std::string_view rest = log;
    while (!rest.empty()) {
        auto const end = rest.find('\n');
        auto const line = rest.substr(0, end);
        rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
        bool const wanted = token.empty() || line.find(token) != line.npos ||
                            line.find("power") != line.npos || line.find("comes up") != line.npos ||
                            line.find("has stopped") != line.npos ||
                            line.find("healed") != line.npos || line.find("ORACLE") != line.npos;
        if (wanted) lines.push_back(line);
        bool const is_it = line.find("ORACLE") != line.npos;
        if (is_it) break;
        if (lines.size() > log_lines_shown) lines.pop_front();
    }
    std::string out;
    for (auto const line : lines) out += "    " + std::string(line) + "\n";
    return out;
}

void tell(Options const& options, sim::PlayOptions play, sim::Violation const& violation) {
    std::printf("seed %llu breaks \"%s\" at %s: %s\n", static_cast<unsigned long long>(play.seed),
                std::string(to_string(violation.invariant)).c_str(), violation.at.c_str(),
                violation.text.c_str());
    if (options.shrinks && play.scenario.empty()) play = shrink(play, violation.invariant);
    auto traced = play;
    traced.traces = true;
    auto const again = sim::play(traced);
    auto const& last = again.violation ? *again.violation : violation;
    if (play.scenario.empty()) {
        auto const faults = names_of(sim::faults_of(play.seed) & ~play.without);
        std::printf("faults it needs: %s\n", faults.empty() ? "none" : faults.c_str());
    }
    std::printf("then: %s: %s\n%s", last.at.c_str(), last.text.c_str(),
                shortened(again.log, token_in(last.text)).c_str());
    std::printf("replay: %s\n", command_for(options, play).c_str());
}

void add(sim::OracleCounts& sum, sim::OracleCounts const& one) {
    sum.letters += one.letters;
    sum.acknowledged += one.acknowledged;
    sum.delivered += one.delivered;
    sum.relayed += one.relayed;
    sum.failed += one.failed;
    sum.expired += one.expired;
    sum.deferred += one.deferred;
    sum.reports += one.reports;
    sum.double_reports += one.double_reports;
    sum.lost_replies += one.lost_replies;
    sum.crash_windows += one.crash_windows;
    sum.folder_windows += one.folder_windows;
    sum.duplicates += one.duplicates;
    sum.crashes += one.crashes;
    sum.commits += one.commits;
}

void print(sim::OracleCounts const& c, std::uint64_t events, double days) {
    auto const n = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
    std::printf(
        "letters %llu, acknowledged %llu; recipients: delivered %llu, relayed %llu, "
        "failed %llu, expired %llu; deferrals %llu\n",
        n(c.letters), n(c.acknowledged), n(c.delivered), n(c.relayed), n(c.failed), n(c.expired),
        n(c.deferred));
    std::printf(
        "reports %llu (to postmasters, of mail without sender: %llu); crashes %llu; "
        "commits %llu\n",
        n(c.reports), n(c.double_reports), n(c.crashes), n(c.commits));
    std::printf(
        "arrived twice %llu; allowed: lost replies %llu, crash windows %llu, folders not "
        "synced %llu\n",
        n(c.duplicates), n(c.lost_replies), n(c.crash_windows), n(c.folder_windows));
    std::printf("events %llu, virtual days %.1f\n", n(events), days);
}

// In lines of a readable length.
void print(sim::Tally const& tally) {
    std::printf("what happened:");
    std::size_t column = 0;
    auto const text = tally.text();
    for (std::size_t at = 0; at < text.size();) {
        auto const end = std::min(text.find(", ", at), text.size());
        if (column == 0) std::printf("\n ");
        std::printf(" %s%s", text.substr(at, end - at).c_str(), end == text.size() ? "" : ",");
        column += end - at + 2;
        if (column > 90) column = 0;
        at = end + 2;
    }
    std::printf("\n");
}

double days_of(Duration d) {
    return std::chrono::duration<double, std::ratio<86'400>>(d).count();
}

}  // namespace

int run_one(Options const& options) {
    auto play = play_options(options, options.first_seed);
    play.traces = !options.log_file.empty();
    auto const result = sim::play(play);
    if (play.traces) {
        std::FILE* const file = std::fopen(options.log_file.c_str(), "w");
        if (file == nullptr) {
            std::fprintf(stderr, "dawk-sim: cannot write %s\n", options.log_file.c_str());
            return 2;
        }
        bool const is_written = std::fputs(result.log.c_str(), file) >= 0;
        if (std::fclose(file) != 0 || !is_written) {
            std::fprintf(stderr, "dawk-sim: cannot write all of %s\n", options.log_file.c_str());
            return 2;
        }
    }
    for (auto const& figure : result.figures) std::printf("%s\n", figure.c_str());
    bool const was_about_letters = result.counts.letters > 0;
    if (!options.is_quiet && was_about_letters)
        print(result.counts, result.events, days_of(result.lasted));
    if (!options.is_quiet && was_about_letters) print(result.tally);
    if (!result.violation) return 0;
    tell(options, play, *result.violation);
    return 1;
}

int search(Options const& options) {
    using Clock = std::chrono::steady_clock;
    auto const begin = Clock::now();
    auto const end = begin + std::chrono::minutes(options.minutes);
    sim::OracleCounts sum;
    sim::Tally tally;
    std::uint64_t events = 0, runs = 0, failed = 0;
    double days = 0;
    for (auto seed = options.first_seed;; ++seed) {
        if (options.minutes > 0 && Clock::now() >= end) break;
        auto const play = play_options(options, seed);
        auto const result = sim::play(play);
        ++runs;
        add(sum, result.counts);
        tally.add(result.tally);
        events += result.events;
        days += days_of(result.lasted);
        if (result.violation) {
            ++failed;
            tell(options, play, *result.violation);
        }
        if (failed >= 5 || (options.minutes == 0 && seed == options.last_seed)) break;
    }
    auto const took = std::chrono::duration<double>(Clock::now() - begin).count();
    if (!options.is_quiet) {
        print(sum, events, days);
        print(tally);
        auto const missing = tally.missing();
        if (options.scenario.empty() && !missing.empty())
            std::printf("never happened: %s\n", missing.c_str());
    }
    std::printf("%llu runs, %llu broken, %.1f s\n", static_cast<unsigned long long>(runs),
                static_cast<unsigned long long>(failed), took);
    return failed == 0 ? 0 : 1;
}

}  // namespace dawk::cmd_sim
