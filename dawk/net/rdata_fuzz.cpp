// The first octet chooses the type, the rest is the data of one record.
#include <cstdint>

#include "dawk/base/check.hpp"
#include "dawk/net/rdata.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    using dawk::dns::Type;
    static constexpr Type types[] = {Type::a,  Type::ns,  Type::cname, Type::soa, Type::ptr,
                                     Type::mx, Type::txt, Type::aaaa,  Type::tlsa};
    if (size == 0) return 0;
    std::string_view const bytes(reinterpret_cast<char const*>(data) + 1, size - 1);
    dawk::dns::Answer answer;
    bool const taken = dawk::net::decode_record(types[data[0] % 9], bytes, answer);
    std::size_t const records = answer.addresses.size() + answer.mx.size() + answer.texts.size() +
                                answer.names.size() + answer.tlsa.size();
    DAWK_CHECK(records == (taken ? 1 : 0));
    for (auto const& name : answer.names) DAWK_CHECK(name.size() <= 4 * 255);
    return 0;
}
