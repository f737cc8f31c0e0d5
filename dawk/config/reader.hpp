// Reads a document into settings by the table of keys. Private to this module.
#pragma once

#include "dawk/config/document.hpp"
#include "dawk/config/problem.hpp"
#include "dawk/mta/settings.hpp"

namespace dawk::config {

// What cannot be read is reported, and stays at its default.
void read_settings(Node const& root, mta::Settings& settings, Report& report);

}  // namespace dawk::config
