// A header section is the same however it is cut, holds its limits, and gives back all of its
// octets.
#include <cstdint>

#include "dawk/base/check.hpp"
#include "dawk/mail/header.hpp"

using namespace dawk;
using mail::HeaderScanner;

namespace {

HeaderScanner scan(std::string_view text, std::size_t cut, mail::HeaderLimits limits) {
    HeaderScanner scanner{limits};
    for (; !text.empty(); text.remove_prefix(std::min(cut, text.size())))
        scanner.feed(text.substr(0, cut));
    scanner.finish();
    return scanner;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    if (size == 0) return 0;
    mail::HeaderLimits const limits{.size_bytes = data[0] * 4U, .fields = 20};
    std::string_view const text{reinterpret_cast<char const*>(data + 1), size - 1};
    auto whole = scan(text, text.size() + 1, limits);
    auto bytes = scan(text, 1, limits);
    auto sevens = scan(text, 7, limits);
    DAWK_CHECK(whole.state() == bytes.state() && whole.state() == sevens.state());
    if (whole.state() != HeaderScanner::State::done) return 0;
    auto const a = whole.take();
    auto const b = bytes.take();
    DAWK_CHECK(a.block() == b.block() && a.body_offset() == b.body_offset() &&
               a.ended_by() == b.ended_by());
    DAWK_CHECK(a.block() == text.substr(0, a.block().size()) &&
               a.block().size() <= limits.size_bytes);
    DAWK_CHECK(a.size() <= limits.fields && a.body_offset() <= text.size());
    std::string joined;
    for (auto const field : a) {
        joined += field.raw;
        DAWK_CHECK(!field.name.empty());
        DAWK_CHECK(field.value().find_first_of(std::string_view{"\r\n\0", 3}) == std::string::npos);
    }
    DAWK_CHECK(joined == a.block());
    return 0;
}
