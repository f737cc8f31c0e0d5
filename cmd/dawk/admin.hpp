// What commands ask of the server that runs here, over its unix socket.
//
//     auto const body = ask_server("GET", "/v1/queue/" + ascii::percent_encoded(id));
//
// Ends the command when there is no server (Exit::unavailable), when it knows no such thing
// (Exit::no_user) or does not understand (Exit::usage), with the server's words.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cmd/dawk/command.hpp"

namespace dawk::cmd {

// refused: the code for an answer other than 2xx, instead of the one that fits its status.
std::string ask_server(std::string method, std::string target, std::optional<Exit> refused = {});
// Nobody listens on the socket.
bool server_is_gone();

// "?a=1&b=2" of the members with a value; "" without any.
std::string query(std::vector<std::pair<std::string, std::string>> const& members);

}  // namespace dawk::cmd
