// explain: the whole story of a message or an address, as JSON whose "story" is a list of
// sentences.
//
//     message: how it came; each recipient: its way and why, what was tried, what the last answer
//     means, the state of its destination, and what happens next and when. Also of messages that
//     are finished, as long as history remembers them. address: where mail for it goes now, and its
//     latest messages.
//
// Reads only. Called by queue_admin on the queue's shard.
#pragma once

#include "dawk/mta/queue_core.hpp"
#include "dawk/rt/http.hpp"

namespace dawk::mta {

// about: a message id or an address. 404 when nothing is known.
Task<rt::HttpResponse> explain(QueueCore& core, std::string about);

}  // namespace dawk::mta
