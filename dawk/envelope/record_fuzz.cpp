// Any octets as a record: decoded or refused; what is decoded is encoded and decoded to the same.
#include <cstddef>
#include <cstdint>

#include "dawk/base/check.hpp"
#include "dawk/envelope/codec.hpp"

namespace {

using namespace dawk::envelope;

void try_envelope(std::string_view record) {
    auto const first = decode_envelope(record);
    if (!first) return;
    auto const encoded = encode(*first);
    DAWK_CHECK(encoded.has_value());
    auto const second = decode_envelope(*encoded);
    DAWK_CHECK(second.has_value() && *second == *first);
}

void try_event(std::string_view record) {
    auto const first = decode_event(record);
    if (!first) return;
    auto const encoded = encode(*first);
    DAWK_CHECK(encoded.has_value());
    auto const second = decode_event(*encoded);
    DAWK_CHECK(second.has_value() && *second == *first);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view const input(reinterpret_cast<char const*>(data), size);
    try_envelope(input);
    try_event(input);
    try_envelope(seal(envelope_kind, input));  // past the checksum, where the fields are
    try_event(seal(event_kind, input));
    return 0;
}
