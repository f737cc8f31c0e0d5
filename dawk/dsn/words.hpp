// Plain words for enhanced status codes: what happened, and what the sender can do.
// Standards: RFC 3463; the registry of RFC 5248.
#pragma once

#include <string_view>

#include "dawk/dsn/compose.hpp"

namespace dawk::dsn {

struct Words {
    std::string_view what;    // "The address does not exist."
    std::string_view advice;  // "Check the spelling ..."; may be empty
};

// status: "5.1.1"; the closest that is known, down to the bare class.
Words words_for(std::string_view status, Kind kind) noexcept;

}  // namespace dawk::dsn
