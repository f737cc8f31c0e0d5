// What every command of dawk shares: how it is added, how it ends, where its configuration comes
// from.
//
//     // greet_command.cpp; being in this folder is enough, CMake collects *_command.cpp
//     void add_greet_command(CLI::App& app) {
//         auto* command = app.add_subcommand("greet", "Says hello");
//         command->group(groups::server);
//         command->callback([] { print("hello\n"); });
//     }
//
// Include CLI11 in *_command.cpp files only, as <CLI/App.hpp>-bearing "cmd/dawk/cli.hpp"; it is
// heavy. A command ends by returning (0), or by fail() with one of sysexits' codes and words for
// people.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "dawk/base/result.hpp"

namespace CLI {
class App;
}
namespace dawk::mta {
struct Settings;
}

namespace dawk::cmd {

namespace groups {
inline constexpr char server[] = "The server";
inline constexpr char mail[] = "Mail";
inline constexpr char names[] = "Domains, users and aliases";
inline constexpr char authentication[] = "Who sent it";
inline constexpr char setup[] = "Setting up";
}  // namespace groups

// As sysexits.h has them.
enum class Exit : int {
    ok = 0,
    failed = 1,        // the answer is no
    usage = 64,        // the command line is wrong
    data = 65,         // what was given is wrong
    no_input = 66,     // a file cannot be read
    no_user = 67,      // no such domain, user, alias, message
    unavailable = 69,  // the server does not run
    software = 70,
    cannot_create = 73,
    io = 74,
    try_again = 75,
    no_permission = 77,
    config = 78,  // the configuration is wrong
};

struct Failure {
    Exit code;
    std::string message;  // printed as "dawk: message"; "" prints nothing
};
[[noreturn]] void fail(Exit code, std::string message);
// With the code that fits the error: "what: its message".
[[noreturn]] void fail(ErrorCode const& error, std::string const& what);

// The options that stand before or after any command.
struct Globals {
    std::string config_file;  // --config, $DAWK_CONFIG, dawk.toml here, /etc/dawk/dawk.toml
    std::string state_dir;    // --state-dir: instead of the configuration's
    bool json = false;        // --json: print one JSON value
};
Globals& globals();

// The configuration; what is wrong with it is printed and ends the command (Exit::config).
std::shared_ptr<mta::Settings const> settings();
// --state-dir, or the configuration's.
std::string state_dir();
// The path of --config or its stand-ins, whether or not it exists.
std::string config_file();

void print(std::string_view text);        // to standard output; a broken pipe ends the command
void print_error(std::string_view text);  // to standard error

// Runs a command line and returns the exit code. name: how we were called.
int run(int argc, char const* const* argv);
void add_all_commands(CLI::App& app);  // made by CMake
std::shared_ptr<CLI::App> make_app();

}  // namespace dawk::cmd
