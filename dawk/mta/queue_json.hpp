// JSON of what the queue knows, for queue_admin and explain; private to them. Boost.JSON stays in
// these sources. Text of peers is made printable first, so every string is valid UTF-8.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "dawk/mta/queue_runner.hpp"
#include "dawk/rt/http.hpp"

namespace dawk::mta {

boost::json::string json_text(std::string_view text);
boost::json::object json_of(envelope::Outcome const& outcome);
boost::json::object json_of(envelope::Event const& event);
boost::json::object json_of(envelope::Origin const& origin);
boost::json::object json_of(envelope::Recipient const& recipient);
// Without its recipients.
boost::json::object json_of(envelope::Envelope const& envelope, WallTime now);
boost::json::object json_of(DestinationView const& view, WallTime now);
boost::json::object json_of(QueueStats const& stats);

rt::HttpResponse json_response(boost::json::object const& object, unsigned status = 200);
// RFC 9457: application/problem+json.
rt::HttpResponse problem(unsigned status, std::string title, std::string detail);

}  // namespace dawk::mta
