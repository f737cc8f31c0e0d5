// QueueFilter: which messages and recipients an operator means. Target: path and query of a
// request.
//
//     auto target = parse_target("/v1/queue?domain=example.org&state=held");
//     auto filter = parse_filter(target->query);      // or why not, in words
//     if (filter->matches(envelope, recipient, now)) ...
//
// Pure; every octet of a request is untrusted.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dawk/envelope/envelope.hpp"

namespace dawk::mta {

struct Target {
    std::vector<std::string> path;             // segments, percent-decoded
    std::map<std::string, std::string> query;  // decoded; the last of equal names
};
// RFC 3986 §3.3, §3.4. Errors: bad_syntax, too_long, too_many.
Result<Target> parse_target(std::string_view target);

struct QueueFilter {
    std::string domain;       // of the recipient
    std::string recipient;    // address
    std::string sender;       // address, or "<>" for bounces
    std::string destination;  // key
    std::optional<envelope::State> state;
    std::optional<Millis> older_than;

    bool is_empty() const noexcept;
    bool matches(envelope::Envelope const& envelope, WallTime now) const;  // the message itself
    bool matches(envelope::Recipient const& recipient) const;
    // Ids are in order of their time: neither this message nor a later one is old enough.
    bool is_past(MessageId id, WallTime now) const noexcept;
};

// Takes what it knows out of the query: domain, recipient, sender, destination, state, older_than
// ("90s", "15m", "4h", "2d"). Nothing wrong: problem stays empty.
QueueFilter parse_filter(std::map<std::string, std::string>& query, std::string& problem);

// "90s", "15m", "4h", "2d"; a bare number is seconds.
std::optional<Millis> parse_age(std::string_view text);

}  // namespace dawk::mta
