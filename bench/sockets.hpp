// Non-blocking sockets for the load tools: "127.0.0.1:2525", "[::1]:2525" or "unix:/path".
// Addresses are numeric; names are never looked up.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include <sys/socket.h>

namespace dawk::bench {

struct Endpoint {
    sockaddr_storage address{};
    socklen_t length = 0;
    bool unix_domain = false;
};

Endpoint parse_endpoint(std::string const& text);  // ends the program when malformed
// Both return a non-blocking descriptor with close-on-exec; connect_to returns -1 with errno set
// when the attempt failed at once (EINPROGRESS is not a failure).
int connect_to(Endpoint const& endpoint);
int listen_on(Endpoint const& endpoint);
std::string local_name(int fd);  // "127.0.0.1:40000" or "unix:/path"
void raise_descriptor_limit();
// Seconds on CLOCK_MONOTONIC, the same clock for all processes of a run.
double monotonic_seconds();

}  // namespace dawk::bench
