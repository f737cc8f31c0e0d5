#include "dawk/base/check.hpp"

#include <cstdio>
#include <cstdlib>

namespace dawk::detail {
void check_failed(char const* expression, char const* file, int line) noexcept {
    std::fprintf(stderr, "dawk: bug: %s is false at %s:%d\n", expression, file, line);
    std::fflush(stderr);
    std::abort();
}
}  // namespace dawk::detail
