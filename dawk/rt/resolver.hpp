// Resolver: asks DNS. Answers carry their failure inside (dns::Status), so a query never fails
// otherwise. Cached and validated by the adapter; SERVFAIL, timeout and bogus are temporary, never
// "absent".
#pragma once

#include "dawk/base/time.hpp"
#include "dawk/dns/dns.hpp"
#include "dawk/rt/task.hpp"

namespace dawk::rt {

class Resolver {
  public:
    virtual ~Resolver() = default;
    // The name must be A-labels, lower case. Returns by the deadline (Status::timeout).
    virtual Task<dns::Answer> query(dns::Question question, SteadyTime deadline) = 0;
};

}  // namespace dawk::rt
