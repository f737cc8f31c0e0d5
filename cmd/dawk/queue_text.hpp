// The queue's JSON as text for a terminal. Takes what the server said; trusts its shape no further
// than to leave out what is not there.
#pragma once

#include <string>

#include <boost/json/object.hpp>

namespace dawk::cmd {

// One line of the message, one or two of each recipient.
std::string message_text(boost::json::object const& message, bool with_details);
std::string destination_text(boost::json::object const& destination);
// "3 recipients of 2 messages" and what was left alone.
std::string done_text(boost::json::object const& done, std::string const& verb);

}  // namespace dawk::cmd
