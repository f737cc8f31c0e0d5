// QueueAdmin: what operators may ask of the queue and do with it, as one HTTP handler.
//
//     GET  /v1/queue?domain=&recipient=&sender=&destination=&state=&older_than=&after=ID&limit=N
//     GET  /v1/queue/ID
//     GET  /v1/queue/ID/content                           (message/rfc822)
//     GET  /v1/queue/stats
//     GET  /v1/queue/destinations?after=KEY&limit=N
//     POST /v1/queue/ID/{retry|hold|release|remove}[?note=...]
//     POST /v1/queue/{retry|hold|release|remove}?<filter>|all=true[&after=ID][&note=...]
//     GET  /v1/explain/ID-or-address
//
// Lists and actions on filters look at a bounded number of messages and then say where to go on
// ("next"), so no request holds up the shard. retry: due now, and the destination's back-off ends.
// hold: no attempts until release. remove: final, without a report to the sender, recorded. A
// recipient whose message a carrier has at the moment is left alone and counted as in_flight;
// one that history knows as finished needs nothing ("finished").
// Answers 200 with JSON, or RFC 9457 problems: 400 for what is not understood, 404, 405, 503.
// Never asks who is asking: the socket's permissions do.
#pragma once

#include "dawk/mta/queue_runner.hpp"
#include "dawk/rt/http.hpp"

namespace dawk::mta {

class QueueAdmin {
  public:
    explicit QueueAdmin(QueueRunner& queue) : queue_(queue) {}
    // From any shard; works on the queue's.
    Task<rt::HttpResponse> handle(rt::HttpRequest request);

  private:
    QueueRunner& queue_;
};

}  // namespace dawk::mta
