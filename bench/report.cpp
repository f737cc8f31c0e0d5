#include "bench/report.hpp"

#include <algorithm>
#include <cstdio>

#include <sys/resource.h>

namespace dawk::bench {

namespace {

std::string real(double value) {
    char text[64];
    std::snprintf(text, sizeof text, "%.6f", value);
    return text;
}

std::string percentiles(std::vector<std::uint32_t>& values) {
    std::sort(values.begin(), values.end());
    auto const at = [&](double share) {
        if (values.empty()) return std::string("null");
        auto const index = static_cast<std::size_t>(share * static_cast<double>(values.size() - 1));
        return real(values[index] / 1000.0);
    };
    return "{\"p50\": " + at(0.50) + ", \"p90\": " + at(0.90) + ", \"p99\": " + at(0.99) +
           ", \"p999\": " + at(0.999) + ", \"max\": " + at(1.0) + "}";
}

}  // namespace

std::string json_quoted(std::string const& text) {
    std::string out = "\"";
    for (char const c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
    return out + "\"";
}

double own_cpu_seconds() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    auto const seconds = [](timeval const& t) {
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::string Report::json() {
    double const elapsed = std::max(finished - started, 1e-9);
    std::string out = "{\"messages\": " + std::to_string(messages);
    out += ", \"failed\": " + std::to_string(failed);
    out += ", \"connections\": " + std::to_string(connections);
    out += ", \"seconds\": " + real(elapsed);
    out += ", \"rate\": " + real(static_cast<double>(messages) / elapsed);
    out += ", \"started\": " + real(started) + ", \"finished\": " + real(finished);
    out += ", \"commit_ms\": " + percentiles(commit_us);
    out += ", \"message_ms\": " + percentiles(message_us);
    out += ", \"cpu_seconds\": " + real(own_cpu_seconds()) + ", \"errors\": {";
    bool first = true;
    for (auto const& [what, count] : errors) {
        out += (first ? "" : ", ") + json_quoted(what) + ": " + std::to_string(count);
        first = false;
    }
    return out + "}}";
}

}  // namespace dawk::bench
