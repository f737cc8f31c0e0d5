// The tree of commands as plain words, and completion scripts made of it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cmd/dawk/command.hpp"

namespace dawk::cmd {

struct OptionWords {
    std::string name;  // "--config"
    std::string description;
    bool takes_value = false, takes_file = false, takes_folder = false;
};
struct CommandWords {
    std::string path;  // "dawk user add"
    std::string description;
    bool takes_file = false;  // as an argument
    std::vector<OptionWords> options;
    std::vector<CommandWords> below;

    std::string name() const { return path.substr(path.rfind(' ') + 1); }
};

CommandWords all_commands(CLI::App const& app);
// shell: "bash", "zsh", "fish".
std::string completion_script(std::string_view shell, CommandWords const& root);

}  // namespace dawk::cmd
