// Refusal: why something that came as a report is not taken, in words for people; they may quote
// the sender, made printable.
#pragma once

#include <string>
#include <utility>

#include <boost/system/result.hpp>

#include "dawk/base/result.hpp"

namespace dawk::dmarcreport {

struct Refusal {
    Errc code = Errc::bad_syntax;
    std::string reason;
};
template <class T>
using Outcome = boost::system::result<T, Refusal>;

[[noreturn]] void throw_exception_from_error(Refusal const& refusal,
                                             boost::source_location const& where);

}  // namespace dawk::dmarcreport
