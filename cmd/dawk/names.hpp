// What the domain, user and alias commands share: the directory's file and addresses in words.
#pragma once

#include <memory>
#include <string>

#include "dawk/directory_sqlite/database.hpp"

namespace dawk::cmd {

// Opens directory.db in the state folder; both are made when they are not there. Works beside a
// running server, which sees changes within a second. Knows the configuration's domains, if there
// is a configuration.
std::shared_ptr<directory_sqlite::Database> open_directory();
// The path of a database in the state folder. The folder is made, and as root the file for its
// owner, where they are not there.
std::string database_path(std::string const& name);
// "local@domain"; "*@domain" too where catch_all is allowed.
mail::Address address_of(std::string const& text, bool catch_all = false);
// With --json: {"result":"added","address":"a@b.example"}. Without, success has nothing to say.
void say_done(char const* result, char const* what, std::string const& name);

}  // namespace dawk::cmd
