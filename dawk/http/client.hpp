// A blocking request over a unix socket: how commands talk to the server that runs here.
#pragma once

#include <chrono>
#include <string>

#include "dawk/rt/http.hpp"
#include "dawk/rt/network.hpp"

namespace dawk::http {

// Errors: not_found or the system's (no server there), denied, timed_out, protocol_violation (what
// answered speaks no HTTP), too_long (more than 64 MiB). The detail is for people.
rt::ExplainedResult<rt::HttpResponse> request(
    std::string const& socket_path, rt::HttpRequest request,
    std::chrono::seconds timeout = std::chrono::seconds(60));

}  // namespace dawk::http
