// What commands ask of the server that runs here, over its unix socket.
//
//     auto const body = ask_server("GET", "/v1/queue/" + encoded(id));
//
// Ends the command when there is no server (Exit::unavailable), when it knows no such thing
// (Exit::no_user) or does not understand (Exit::usage), with the server's words.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dawk::cmd {

std::string ask_server(std::string method, std::string target);

// RFC 3986 §2.1: everything but unreserved characters as %XX.
std::string encoded(std::string_view text);
// "?a=1&b=2" of the members with a value; "" without any.
std::string query(std::vector<std::pair<std::string, std::string>> const& members);

}  // namespace dawk::cmd
