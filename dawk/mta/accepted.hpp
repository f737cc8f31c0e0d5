// AcceptedSink: where a message goes once it is durable. The Receiver (and all else that brings
// mail in) calls it after its commit; the queue is behind it.
//
// The batch that inserted the envelope must have held due_entries(envelope) as due_add: each
// recipient that waits has its next_attempt set (to the time of arrival) and its destination's key.
#pragma once

#include "dawk/spool/due_entries.hpp"

namespace dawk::mta {

class AcceptedSink {
  public:
    virtual ~AcceptedSink() = default;
    // From any shard; returns at once. content: as inserted, so that it need not be read again.
    virtual void accepted(spool::EnvelopePtr envelope, spool::ContentPtr content) = 0;
};

using spool::due_entries;

}  // namespace dawk::mta
