// What all mechanisms hold a user's name to. For the sources of this module.
#pragma once

#include <string_view>

namespace dawk::sasl {

bool is_name(std::string_view text) noexcept;  // 1 to name_max octets, none of them a control

}  // namespace dawk::sasl
