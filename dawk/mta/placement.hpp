// Placement: where mail for an address goes now: whose mailbox, which alias, which route. What the
// Receiver asks at RCPT, asked for mail of our own (reports) and by people (explain).
//
//     auto const placement = co_await place(directory, router, address);
//     if (placement.kind == Placement::Kind::deliverable) for (auto const& to : placement.to) ...
//
// Never changes anything; keeps nothing.
#pragma once

#include <string>
#include <vector>

#include "dawk/directory/directory.hpp"
#include "dawk/routing/routing.hpp"

namespace dawk::mta {

struct Placed {
    mail::Address address;    // after aliases, without subaddress
    std::string destination;  // key of its route
};

struct Placement {
    enum class Kind {
        deliverable,
        unknown,      // our domain, but no such mailbox
        disabled,     // our mailbox, but closed
        unavailable,  // the directory could not be asked
    };
    Kind kind = Kind::deliverable;
    bool is_local = false;  // the address itself is in a domain of ours
    bool is_alias = false;
    std::vector<Placed> to;
};

// A domain is ours when the configuration or the directory has it.
Task<Result<bool>> is_our_domain(directory::Directory& directory, routing::Router router,
                                 std::string domain);
Task<Placement> place(directory::Directory& directory, routing::Router router,
                      mail::Address address);

}  // namespace dawk::mta
