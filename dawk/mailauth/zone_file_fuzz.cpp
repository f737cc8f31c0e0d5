#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "dawk/mailauth/zone_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    using namespace dawk;
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    auto const zone = mailauth::ZoneFile::parse(text);
    if (!zone) {
        if (zone.error().reason.empty()) std::abort();
        return 0;
    }
    for (auto const* name : {"example.org", "www.example.org", "a", ""}) {
        for (auto const type : {dns::Type::a, dns::Type::aaaa, dns::Type::mx, dns::Type::txt,
                                dns::Type::ptr, dns::Type::cname, dns::Type::ns}) {
            auto const answer = zone->answer({name, type});
            bool const any = !answer.addresses.empty() || !answer.mx.empty() ||
                             !answer.texts.empty() || !answer.names.empty();
            if (any != (answer.status == dns::Status::ok)) std::abort();
        }
    }
    return 0;
}
