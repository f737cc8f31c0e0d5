#include "cmd/dawk-sim/options.hpp"

#include <charconv>
#include <set>

#include "dawk/sim/mutations.hpp"

namespace dawk::cmd_sim {
namespace {

std::optional<std::uint64_t> number(std::string_view text) {
    std::uint64_t value = 0;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || text.empty()) return {};
    return value;
}

std::string set_seeds(Options& options, std::string const& value) {
    auto const dots = value.find("..");
    auto const first = number(value.substr(0, dots));
    auto const last = dots == value.npos ? first : number(value.substr(dots + 2));
    if (!first || !last || *first > *last) return "--seeds wants N..M, not \"" + value + "\"";
    options.first_seed = *first;
    options.last_seed = *last;
    options.is_search = true;
    return {};
}

std::string set_without(Options& options, std::string_view list) {
    for (;;) {
        auto const comma = list.find(',');
        auto const name = list.substr(0, comma);
        auto const fault = sim::fault_named(name);
        if (!fault) return "there is no fault \"" + std::string(name) + "\"; see --list";
        options.without.set(sim::index_of(*fault));
        if (comma == list.npos) return {};
        list.remove_prefix(comma + 1);
    }
}

std::string set_scale(Options& options, std::string const& value) {
    auto const percent = number(value);
    if (!percent || *percent == 0 || *percent > 10'000)
        return "--scale wants a percentage from 1 to 10000, not \"" + value + "\"";
    options.scale_percent = *percent;
    return {};
}

std::string set_number(std::uint64_t& out, std::string const& name, std::string const& value) {
    auto const read = number(value);
    if (!read) return name + " wants a number, not \"" + value + "\"";
    out = *read;
    return {};
}

std::string set(Options& options, std::string const& name, std::string const& value) {
    if (name == "--seed") {
        auto error = set_number(options.first_seed, name, value);
        options.last_seed = options.first_seed;
        return error;
    }
    if (name == "--seeds") return set_seeds(options, value);
    if (name == "--minutes") {
        options.is_search = true;
        auto error = set_number(options.minutes, name, value);
        if (error.empty() && (options.minutes == 0 || options.minutes > 100'000))
            error = "--minutes wants a number from 1 to 100000";
        return error;
    }
    if (name == "--without") return set_without(options, value);
    if (name == "--scale") return set_scale(options, value);
    if (name == "--log") {
        options.log_file = value;
        return value.empty() ? "--log wants the name of a file" : "";
    }
    if (name == "--scenario") {
        options.scenario = value;
        if (sim::scenario_named(value) == nullptr)
            return "there is no scenario \"" + value + "\"; see --list";
        return {};
    }
    if (name == "--mutation") {
        options.mutation = value;
        if (sim::mutation_named(value) == nullptr)
            return "there is no mutation \"" + value + "\"; see --list";
        return {};
    }
    return "unknown option " + name;
}

// What goes together with what: an option that would be passed over is a mistake.
std::string check_together(Options const& options, std::set<std::string> const& given) {
    auto const* const scenario = sim::scenario_named(options.scenario);
    auto const both = [&](char const* one, char const* other) {
        return given.contains(one) && given.contains(other);
    };
    if (both("--seed", "--seeds")) return "--seed and --seeds do not go together";
    if (both("--minutes", "--seeds")) return "--minutes goes on from --seed, not with --seeds";
    if (given.contains("--log") && options.is_search) return "--log is for one run, by --seed";
    if (both("--without", "--scenario")) return "--without is for random runs";
    if (given.contains("--scale") && (scenario == nullptr || !scenario->is_big))
        return "--scale is for the scenarios that --list calls big";
    return {};
}

}  // namespace

Parsed parse_options(std::vector<std::string> const& arguments) {
    Parsed out;
    std::set<std::string> given;
    for (std::size_t i = 0; i < arguments.size() && out.error.empty(); ++i) {
        auto name = arguments[i];
        if (name == "--list") {
            out.options.shows_list = true;
        } else if (name == "--help") {
            out.options.shows_help = true;
        } else if (name == "--no-shrink") {
            out.options.shrinks = false;
        } else if (name == "--quiet") {
            out.options.is_quiet = true;
        } else {
            std::string value;
            if (auto const equals = name.find('='); equals != name.npos) {
                value = name.substr(equals + 1);
                name.resize(equals);
            } else if (i + 1 < arguments.size()) {
                value = arguments[++i];
            } else {
                out.error =
                    name.starts_with("--") ? name + " wants a value" : "what is " + name + "?";
                break;
            }
            out.error = given.insert(name).second ? set(out.options, name, value)
                                                  : name + " is given twice";
        }
    }
    if (out.error.empty()) out.error = check_together(out.options, given);
    return out;
}

std::string list_text() {
    std::string text = "scenarios:\n";
    for (auto const& scenario : sim::scenarios())
        text += "  " + std::string(scenario.name) + ": " + std::string(scenario.what) +
                (scenario.is_big ? " (big)" : "") + "\n";
    text += "faults of random runs:\n";
    for (auto const name : sim::fault_names) text += "  " + std::string(name) + "\n";
    text += "mutations:\n";
    for (auto const& one : sim::known_mutations())
        text += "  " + std::string(one.name) + ": " + std::string(one.what) + "\n";
    return text;
}

std::string help_text() {
    return "dawk-sim: the whole server in a simulated world, under a seed\n"
           "  --seed N           one run\n"
           "  --seeds N..M       many runs, with statistics\n"
           "  --minutes M        runs from --seed on, for so long\n"
           "  --scenario NAME    a scenario instead of a random run\n"
           "  --scale PERCENT    of the sizes of a big scenario\n"
           "  --mutation NAME    with that fault built into the server\n"
           "  --without A,B      random runs without these faults\n"
           "  --log FILE         the event log of one run\n"
           "  --no-shrink        a failing seed is not made smaller\n"
           "  --quiet            no statistics\n"
           "  --list             scenarios, faults and mutations\n"
           "Exit code: 0 all invariants held, 1 one was broken, 2 bad options.\n";
}

}  // namespace dawk::cmd_sim
