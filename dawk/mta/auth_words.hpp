// The facts of an examination (dawk/mailauth/facts.hpp) in lines that a person reads. What came
// from a peer or from DNS is printable already; text that is no such facts gives no lines.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dawk::mta {

std::vector<std::string> say_authentication(std::string_view facts);

}  // namespace dawk::mta
