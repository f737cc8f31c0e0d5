// Config: from the TOML file to Settings, or to everything that is wrong with it at once.
//
//     auto loaded = config::load("dawk.toml");
//     for (auto const& p : loaded.problems) print(p.text(loaded.file));
//     if (!loaded.settings) return EX_CONFIG;
//
// Unknown keys, wrong types, values out of range and contradictions are errors, with line, column
// and what to write instead. Relative paths in the file mean the working directory of the process,
// not the folder of the file. Standards: TOML 1.0.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dawk/config/problem.hpp"
#include "dawk/mta/settings.hpp"

namespace dawk::config {

struct Loaded {
    std::string file;
    // Of a file with errors, too, where it can be told: a server may run with what was there
    // before.
    std::string admin_socket;
    mta::SettingsPtr settings;      // null when there is an error
    std::vector<Problem> problems;  // errors and warnings, in the order of the file
    // All problems, one a line; "" without any.
    std::string text() const;
};

// With a time, also looks at this machine: at the files that are named (certificates at that time)
// and at our rights. What it finds there are warnings.
Loaded load(std::string const& path, std::optional<WallTime> look_at_machine = {});
// The same for a text in memory; opens nothing. file: for messages.
Loaded load_text(std::string_view text, std::string file);

// The effective settings as a file that loads to the same.
std::string show(mta::Settings const& settings);
// The effective value of each key, as TOML values: ("queue.retry", "[\"5m\"]"), ("listener[1].tls",
// ...).
std::vector<std::pair<std::string, std::string>> values(mta::Settings const& settings);

}  // namespace dawk::config
