// Never root while serving. A server started as root becomes the owner of its state folder, and
// keeps, until its sockets are bound, nothing but the right to bind them.
#pragma once

#include <string>

namespace dawk::cmd {

// Makes the state folder if need be (0750). As root: takes the identity of its owner. Returns "" or
// what is wrong and what to do. Call before any file of the server is opened, once all threads that
// must not keep rights exist (they lose all of them at once).
std::string become_owner_of(std::string const& state_dir, bool allow_root);
// Gives the last right away; nothing can be bound below port 1024 afterwards.
void drop_last_rights();

}  // namespace dawk::cmd
