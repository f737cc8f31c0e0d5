// The configuration's documentation, made from the table of keys: docs/man/dawk.toml.5 and
// examples/dawk.toml are these texts, and a test holds them to it. To renew them:
//
//     dawk config keys --format mdoc > docs/man/dawk.toml.5
//     dawk config keys --format toml > examples/dawk.toml
#pragma once

#include <string>

namespace dawk::config {

std::string manual_page();   // dawk.toml(5), in mdoc
std::string example_file();  // every key with its explanation; loads as it is

}  // namespace dawk::config
