// Records and policies as one text each, for engines that store texts: equal values give equal
// texts. A version stands first; a text of another is refused.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dawk/base/result.hpp"
#include "dawk/dmarcreport/report.hpp"

namespace dawk::reports {

std::string to_text(dmarcreport::Record const& record);
std::string to_text(dmarcreport::Policy const& policy);
std::string to_text(std::vector<std::string> const& list);

// Errors: corrupt.
Result<dmarcreport::Record> record_of(std::string_view text);
Result<dmarcreport::Policy> policy_of(std::string_view text);
Result<std::vector<std::string>> list_of(std::string_view text);

}  // namespace dawk::reports
