// Where passwords come from: a file, standard input, or a person at the terminal who types unseen.
#pragma once

#include <string>

namespace dawk::cmd {

// The first line of the file; "-" is standard input.
std::string read_secret_file(std::string const& path);
// From the terminal, twice and equal, or the first line of standard input when it is none.
std::string ask_new_password(std::string const& prompt);

}  // namespace dawk::cmd
