// Extensions: what a server offered in its reply to EHLO or LHLO.
//
//     auto offered = parse_extensions(reply.text);
//     if (offered.pipelining) ...
//
// Unknown keywords, wrong parameters and doubled lines never harm; what is not understood is not
// used. Standards: RFC 5321 §4.1.1.1; RFC 1870, 2920, 3030, 3207, 3461, 4954, 6152, 6531, 8689,
// 9422.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dawk::smtp {

struct Extensions {
    std::string name;  // what the server calls itself
    bool pipelining = false;
    bool size = false;
    std::uint64_t size_max = 0;  // octets; 0: no limit is known (RFC 1870 §3)
    bool eight_bit_mime = false;
    bool smtputf8 = false;
    bool dsn = false;
    bool starttls = false;
    bool chunking = false;
    bool binary_mime = false;
    bool enhanced_status_codes = false;
    bool require_tls = false;
    std::vector<std::string> auth;  // mechanisms in upper case, in the server's order
    // RFC 9422; 0: not limited.
    std::uint32_t recipients_max = 0;
    std::uint32_t transactions_max = 0;
    std::uint32_t recipient_domains_max = 0;

    bool has_auth(std::string_view mechanism) const noexcept;
};

// text: that of the reply, without codes, lines separated by '\n'.
Extensions parse_extensions(std::string_view text);

}  // namespace dawk::smtp
