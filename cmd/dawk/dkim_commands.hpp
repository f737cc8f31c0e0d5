// The subcommands of dawk dkim, one function each; add_dkim_command() calls them all.
#pragma once

namespace CLI {
class App;
}

namespace dawk::cmd {

void add_dkim_verify(CLI::App& dkim);  // dkim_command.cpp
void add_dkim_keys(CLI::App& dkim);    // dkim_keys.cpp: generate, rotate, show, check

}  // namespace dawk::cmd
