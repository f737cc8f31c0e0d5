// The frame of the command line: parsing, help, errors.
#include <algorithm>
#include <csignal>

#include "dawk/base/ascii.hpp"
#include "dawk/config/units.hpp"

#include "cmd/dawk/cli.hpp"

namespace dawk::cmd {
namespace {

std::string path_of(CLI::App const* command) {
    std::string path = command->get_name();
    for (auto const* up = command->get_parent(); up != nullptr; up = up->get_parent())
        path = up->get_name() + ' ' + path;
    return path;
}

// As if asked with --help; App::help() would go on to the command that is running.
std::string help_of(CLI::App const* command) {
    return command->get_formatter()->make_help(command, path_of(command),
                                               CLI::AppFormatMode::Normal);
}

// The command that was being read when the line went wrong.
CLI::App const* deepest(CLI::App const* app) {
    for (;;) {
        auto const chosen = app->get_subcommands();
        if (chosen.empty()) return app;
        app = chosen.back();
    }
}

// What was left over: an unknown command or option, and what it may have meant.
std::string words_for_extras(CLI::App const& app) {
    auto const extras = app.remaining(true);
    if (extras.empty()) return "";
    auto const* at = deepest(&app);
    std::vector<std::string> names;
    bool const is_option = extras.front().starts_with('-');
    if (is_option) {
        for (auto const* level = at; level != nullptr; level = level->get_parent())
            for (auto const* option : level->get_options())
                for (auto const& name : option->get_lnames()) names.push_back("--" + name);
    } else {
        for (auto const* sub : at->get_subcommands(nullptr)) names.push_back(sub->get_name());
    }
    std::string out = is_option ? "there is no option " : "there is no command ";
    if (!is_option && names.empty()) out = "nothing more is expected after the arguments: ";
    out += ascii::printable(extras.front(), 80);
    std::vector<std::string_view> const views(names.begin(), names.end());
    auto const word = extras.front().substr(0, extras.front().find('='));
    if (auto const near = config::nearest(word, views)) out += "; did you mean " + *near + '?';
    return out;
}

// "--limit = x" is what the library says of a number that is none.
std::string words_of(CLI::ParseError const& error) {
    constexpr std::string_view conversion = "Could not convert: ", missing = ": 1 required ";
    std::string words = error.what();
    if (words.starts_with(conversion))
        return words.substr(conversion.size()) + ": a number is expected";
    if (auto const at = words.find(missing); at != words.npos)
        return words.substr(0, at) + " needs a value";
    return words;
}

int explain_usage(CLI::App& app, CLI::ParseError const& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    std::string words = words_for_extras(app);
    auto const* at = deepest(&app);
    if (words.empty()) words = words_of(error);
    if (!words.empty() && words.back() == '\n') words.pop_back();
    bool const is_bare =
        at->get_subcommands(nullptr).empty() == false && app.remaining(true).empty();
    if (is_bare && dynamic_cast<CLI::RequiredError const*>(&error) != nullptr) {
        print_error(help_of(at));
        return static_cast<int>(Exit::usage);
    }
    print_error("dawk: " + words + "\nTry: " + path_of(at) + " --help\n");
    return static_cast<int>(Exit::usage);
}

void add_help_command(CLI::App& app) {
    auto* command = app.add_subcommand("help", "Explains a command");
    command->group(groups::setup);
    auto words = std::make_shared<std::vector<std::string>>();
    command->add_option("COMMAND", *words, "The command, as in: dawk help user add");
    command->callback([&app, words] {
        CLI::App* at = &app;
        for (auto const& word : *words) {
            auto const below = at->get_subcommands(nullptr);
            auto const next = std::find_if(below.begin(), below.end(), [&](CLI::App const* sub) {
                return sub->get_name() == word;
            });
            if (next == below.end()) {
                std::vector<std::string> names;
                for (auto const* sub : below) names.push_back(sub->get_name());
                auto const near = config::nearest(word, {names.begin(), names.end()});
                fail(Exit::usage, "there is no command " + ascii::printable(word, 80) +
                                      (near ? "; did you mean " + *near + '?' : ""));
            }
            at = *next;
        }
        print(help_of(at));
    });
}

}  // namespace

std::shared_ptr<CLI::App> make_app() {
    auto app = std::make_shared<CLI::App>("Dawk, a mail transfer system", "dawk");
    auto& g = globals();
    app->set_version_flag("--version,-V", "dawk " DAWK_VERSION);
    app->set_help_flag("--help,-h", "Print this help and exit");
    app->add_option("--config,-c", g.config_file,
                    "The configuration; else $DAWK_CONFIG, dawk.toml here, /etc/dawk/dawk.toml")
        ->type_name("FILE");
    app->add_option("--state-dir", g.state_dir, "The state folder, instead of the configuration's")
        ->type_name("DIR");
    app->add_flag("--json", g.json, "Print the result as JSON");
    app->fallthrough();
    app->formatter(std::make_shared<CLI::Formatter>());
    app->get_formatter()->column_width(34);
    add_all_commands(*app);
    add_help_command(*app);
    app->require_subcommand(1);  // after the commands are made: they would take it over
    app->footer("Manual: dawk(1), dawk.toml(5)");
    // Options of dawk itself may stand anywhere in the line.
    std::vector<CLI::App*> open = app->get_subcommands(nullptr);
    while (!open.empty()) {
        auto* command = open.back();
        open.pop_back();
        command->fallthrough();
        auto const below = command->get_subcommands(nullptr);
        // One that says how many it takes can also stand alone.
        if (!below.empty() && command->get_require_subcommand_max() == 0)
            command->require_subcommand(1);
        open.insert(open.end(), below.begin(), below.end());
    }
    return app;
}

int run(int argc, char const* const* argv) {
    std::signal(SIGPIPE, SIG_IGN);
    globals() = {};
    auto const app = make_app();
    try {
        app->parse(argc, argv);
    } catch (CLI::ParseError const& error) {
        return explain_usage(*app, error);
    } catch (Failure const& failure) {
        if (!failure.message.empty()) print_error("dawk: " + failure.message + '\n');
        return static_cast<int>(failure.code);
    } catch (std::exception const& error) {
        print_error(std::string("dawk: ") + error.what() + '\n');
        return static_cast<int>(Exit::software);
    }
    return 0;
}

}  // namespace dawk::cmd
