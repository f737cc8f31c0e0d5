// How a driver says that the time for all questions of a check is over, and not only that one name
// server was slow: Status::timeout with this as error_detail.
//
//     answer.status = dns::Status::timeout;
//     answer.error_detail = spf::out_of_time;
//
// A slow answer to a PTR query lets `ptr` fail to match (RFC 7208 §5.5), and the check goes on;
// time that is over ends it with temperror (§4.6.4). Standards: RFC 7208 §4.6.4.
#pragma once

#include <string_view>

namespace dawk::spf {

inline constexpr std::string_view out_of_time = "out of time";

}  // namespace dawk::spf
