// DAWK_CHECK(condition): a bug in Dawk ends the process, in release builds too (errors of the first
// kind, docs/design/errors). Never use it on anything a peer, a file or DNS can influence.
#pragma once

namespace dawk::detail {
[[noreturn]] void check_failed(char const* expression, char const* file, int line) noexcept;
}

#define DAWK_CHECK(condition)              \
    (static_cast<bool>(condition) ? void() \
                                  : ::dawk::detail::check_failed(#condition, __FILE__, __LINE__))
