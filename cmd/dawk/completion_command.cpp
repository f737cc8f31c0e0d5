// dawk completion: scripts that complete command lines, made from the tree of commands.
#include "cmd/dawk/cli.hpp"
#include "cmd/dawk/completion.hpp"

namespace dawk::cmd {
namespace {

CommandWords words_of(CLI::App const& command, std::string const& path) {
    CommandWords out;
    out.path = path;
    out.description = command.get_description();
    for (auto const* option : command.get_options()) {
        if (option->get_lnames().empty()) continue;
        OptionWords words;
        words.name = "--" + option->get_lnames().front();
        words.description = option->get_description();
        words.takes_value = option->get_items_expected_max() > 0;
        words.takes_file = option->get_type_name() == "FILE";
        words.takes_folder = option->get_type_name() == "DIR";
        out.options.push_back(std::move(words));
    }
    for (auto const* positional : command.get_options())
        if (positional->get_positional() && positional->get_single_name() == "FILE")
            out.takes_file = true;
    for (auto const* below : command.get_subcommands(nullptr))
        if (!below->get_group().empty())
            out.below.push_back(words_of(*below, path + ' ' + below->get_name()));
    return out;
}

}  // namespace

CommandWords all_commands(CLI::App const& app) {
    return words_of(app, app.get_name());
}

void add_completion_command(CLI::App& app) {
    auto* command = app.add_subcommand("completion", "Prints a script that completes commands");
    command->group(groups::setup);
    auto shell = std::make_shared<std::string>();
    command->add_option("SHELL", *shell, "bash, zsh or fish")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh", "fish"}));
    command->callback([&app, shell] { print(completion_script(*shell, all_commands(app))); });
}

}  // namespace dawk::cmd
