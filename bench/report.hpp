// What a load run measured, and its JSON. Latencies are kept one by one (4 bytes each), so
// percentiles are exact; never more than some hundred megabytes for the longest run.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace dawk::bench {

struct Report {
    std::uint64_t messages = 0;  // acknowledged
    std::uint64_t failed = 0;
    std::uint64_t connections = 0;
    std::map<std::string, std::uint64_t> errors;       // "rcpt 550", "connect refused", ...
    std::vector<std::uint32_t> commit_us;              // end of data written to its reply
    std::vector<std::uint32_t> message_us;             // MAIL written to the reply to end of data
    double started = 0, first_sent = 0, finished = 0;  // CLOCK_MONOTONIC

    void count_error(std::string const& what) { ++errors[what]; }
    std::string json();  // sorts the latencies
};

std::string json_quoted(std::string const& text);
double own_cpu_seconds();

}  // namespace dawk::bench
