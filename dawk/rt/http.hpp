// HTTP as plain values: what the administration, metrics and health handlers take and give. The
// server and the client that carry them are dawk/http.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dawk/rt/task.hpp"

namespace dawk::rt {

struct HttpRequest {
    std::string method = "GET";  // upper case
    std::string target = "/";    // path and query, as received
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
};

struct HttpResponse {
    unsigned status = 200;
    std::string content_type = "application/json";
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers;
};

// Called on the shard of the connection; must not throw.
using HttpHandler = std::function<Task<HttpResponse>(HttpRequest)>;

}  // namespace dawk::rt
