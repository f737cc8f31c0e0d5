#include <cstdint>
#include <cstdlib>

#include "dawk/authres/authres.hpp"

// What is parsed can be composed, and reads back the same number of results.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const input(reinterpret_cast<char const*>(data), size);
    (void)dawk::authres::has_id(input, "mx.dawk.test");
    auto const parsed = dawk::authres::parse(input);
    if (!parsed) return 0;
    auto const field = dawk::authres::compose(parsed->authserv_id, parsed->results);
    auto const again = dawk::authres::parse(std::string_view(field).substr(field.find(':') + 1));
    if (!again || again->results.size() != parsed->results.size()) std::abort();
    return 0;
}
