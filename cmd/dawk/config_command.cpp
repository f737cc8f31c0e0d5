// dawk config: checks, shows and explains the configuration.
#include <chrono>

#include "dawk/base/ascii.hpp"
#include "dawk/config/config.hpp"
#include "dawk/config/document.hpp"
#include "dawk/config/keys.hpp"
#include "dawk/config/manual.hpp"

#include "cmd/dawk/cli.hpp"
#include "cmd/dawk/json.hpp"

namespace dawk::cmd {
namespace {

struct Options {
    std::string file;
    bool strict = false;
    std::string word;
    std::string format = "text";
};
using OptionsPtr = std::shared_ptr<Options>;

Json json_of(config::Problem const& problem) {
    bool const is_error = problem.severity == config::Problem::Severity::error;
    return Json::object({{"severity", is_error ? "error" : "warning"},
                         {"line", std::uint64_t{problem.position.line}},
                         {"column", std::uint64_t{problem.position.column}},
                         {"key", problem.key},
                         {"message", problem.message},
                         {"hint", problem.hint}});
}

void check(Options const& options) {
    auto const now = std::chrono::time_point_cast<Millis>(std::chrono::system_clock::now());
    auto const loaded = config::load(options.file.empty() ? config_file() : options.file, now);
    bool const bad = !loaded.settings || (options.strict && !loaded.problems.empty());
    if (globals().json)
        print_json(Json::object({{"file", loaded.file},
                                 {"ok", !bad},
                                 {"problems", Json::array_of(loaded.problems, json_of)}}));
    else if (loaded.problems.empty())
        print(ascii::printable(loaded.file) + ": no problem found\n");
    else
        print(loaded.text());
    if (bad) fail(Exit::config, "");
}

void show() {
    auto const effective = settings();
    if (!globals().json) return print(config::show(*effective));
    std::vector<std::pair<std::string, Json>> members;
    for (auto& [key, value] : config::values(*effective))
        members.emplace_back(key, Json::raw(value));  // these TOML values are JSON as well
    print_json(Json::object(members));
}

std::string words_of(config::Key const& key) {
    std::string out(config::name_of(key.type()));
    if (key.type() != config::Type::choice) return out;
    auto const words = key.words();
    out.clear();
    for (std::size_t i = 0; i < words.size(); ++i)
        out += (i > 0 ? " | " : "") + std::string(words[i]);
    return out;
}

std::string default_of(config::Key const& key) {
    if (key.required) return "must be given";
    if (!key.default_words.empty()) return std::string(key.default_words);
    auto const text = config::default_text(key);
    return text.empty() ? "none" : text;
}

void keys(Options const& options) {
    if (options.format == "mdoc") return print(config::manual_page());
    if (options.format == "toml") return print(config::example_file());
    std::vector<config::Key const*> found;
    for (auto const& key : config::keys())
        if (key.path.find(options.word) != key.path.npos) found.push_back(&key);
    if (found.empty()) fail(Exit::failed, "no key has " + options.word + " in its name");
    if (globals().json)
        return print_json(Json::array_of(found, [](config::Key const* key) {
            return Json::object({{"key", key->path},
                                 {"type", words_of(*key)},
                                 {"default", default_of(*key)},
                                 {"standard", key->standard},
                                 {"doc", key->doc}});
        }));
    for (auto const* key : found) {
        print(std::string(key->path) + " (" + words_of(*key) + "; default: " + default_of(*key) +
              ")\n    " + std::string(key->doc) +
              (key->standard.empty() ? "" : " [" + std::string(key->standard) + "]") + '\n');
    }
}

}  // namespace

void add_config_command(CLI::App& app) {
    auto* command = app.add_subcommand("config", "Checks, shows and explains the configuration");
    command->group(groups::setup);
    auto options = std::make_shared<Options>();
    auto* checking = command->add_subcommand("check", "Says everything that is wrong or doubtful");
    checking->add_option("FILE", options->file, "The configuration; else that of --config");
    checking->add_flag("--strict", options->strict, "Warnings fail too");
    checking->callback([options] { check(*options); });
    command->add_subcommand("show", "Prints the effective configuration, defaults and all")
        ->callback(show);
    auto* listing = command->add_subcommand("keys", "Explains the keys");
    listing->add_option("WORD", options->word, "Only keys with this in their name");
    listing
        ->add_option("--format", options->format,
                     "text, or all keys as the manual page (mdoc) or as a configuration (toml)")
        ->type_name("FORMAT")
        ->check(CLI::IsMember({"text", "mdoc", "toml"}));
    listing->callback([options] { keys(*options); });
}

}  // namespace dawk::cmd
