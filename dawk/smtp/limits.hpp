// Every limit and time-out of SMTP in one place, with the standard's values as defaults.
// Standards: RFC 5321 §4.5.3.1 (sizes: floors that must be accepted), §4.5.3.2 (times).
#pragma once

#include <chrono>
#include <cstdint>

namespace dawk::smtp {

struct Limits {
    std::uint64_t message_size_bytes = 100ULL << 20U;  // SIZE; 0: none announced, none enforced
    std::uint32_t recipients = 1000;                   // a transaction; then 452 4.5.3
    std::uint32_t command_line_bytes = 4096;           // RFC floor 512 and extensions
    std::uint32_t auth_line_bytes = 12'288;            // RFC 4954 §4
    std::uint32_t header_bytes = 256U << 10U;          // header section of a message
    std::uint32_t hops = 100;                          // Received fields (RFC 5321 §6.3)
    std::uint32_t errors = 20;              // 5yz replies to commands, then 421 and close
    std::uint32_t unknown_recipients = 50;  // a session: then 421 (address harvesting)
    std::uint32_t auth_failures = 3;        // a session, then 421
    std::uint32_t transactions = 100'000;   // a connection, then 421
};

struct ServerTimeouts {
    std::chrono::seconds command = std::chrono::minutes(5);     // §4.5.3.2.7
    std::chrono::seconds data_block = std::chrono::minutes(3);  // between reads of content
    std::chrono::seconds transaction = std::chrono::hours(1);  // from 354 to the final dot, for the
                                                               // first 64 MiB; more for larger ones
    std::chrono::seconds tls_handshake = std::chrono::seconds(30);
};

struct ClientTimeouts {
    std::chrono::seconds connect = std::chrono::seconds(30);
    std::chrono::seconds banner = std::chrono::minutes(5);  // §4.5.3.2.1
    std::chrono::seconds ehlo = std::chrono::minutes(5);
    std::chrono::seconds tls_handshake = std::chrono::seconds(60);
    std::chrono::seconds mail = std::chrono::minutes(5);        // §4.5.3.2.2
    std::chrono::seconds rcpt = std::chrono::minutes(5);        // §4.5.3.2.3
    std::chrono::seconds data_start = std::chrono::minutes(2);  // §4.5.3.2.4
    std::chrono::seconds data_block = std::chrono::minutes(3);  // §4.5.3.2.5
    std::chrono::seconds data_end = std::chrono::minutes(10);   // §4.5.3.2.6
    std::chrono::seconds quit = std::chrono::seconds(10);
};

}  // namespace dawk::smtp
