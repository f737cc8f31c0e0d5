// Samples: envelopes, contents and batches for tests of spools and of what uses them.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "dawk/rt/run.hpp"
#include "dawk/spool/content.hpp"
#include "dawk/spool/spool.hpp"

namespace dawk::spool::contract {

inline constexpr std::uint64_t large_bytes = 256U << 10U;

using rt::run;

inline MessageId id_of(unsigned n) {
    return MessageId::make(from_millis(1'700'000'000'000 + n), n, 0x1234'5678ULL * (n + 1));
}

inline envelope::Envelope sample(unsigned n) {
    envelope::Envelope e;
    e.id = id_of(n);
    e.reverse_path = {"sender" + std::to_string(n), "example.org"};
    e.arrived = from_millis(1'700'000'000'000 + n);
    e.expires = e.arrived + std::chrono::hours(24 * 5);
    e.trace = "Received: from test\r\n";
    envelope::Recipient r;
    r.address = {"user", "example.com"};
    r.original = r.address;
    r.destination = "example.com";
    r.next_attempt = e.arrived;
    e.recipients.push_back(r);
    return e;
}

inline EnvelopePtr shared(envelope::Envelope e) {
    return std::make_shared<envelope::Envelope const>(std::move(e));
}

inline std::string octets_of(std::size_t size, unsigned seed) {
    std::string out(size, '\0');
    std::uint32_t state = seed * 2654435761U + 12345U;
    for (auto& c : out) {
        state = state * 1664525U + 1013904223U;
        c = static_cast<char>(state >> 24U);
    }
    return out;
}

inline Task<Result<ContentPtr>> write_content(Spool& spool, MessageId id, std::string octets,
                                              std::size_t piece, std::uint64_t announced) {
    auto writer = spool.create_content(id, announced);
    for (std::size_t at = 0; at < octets.size(); at += piece) {
        auto const part = std::string_view(octets).substr(at, piece);
        auto written = co_await writer->write(part);
        if (!written) co_return written.error();
    }
    auto content = co_await writer->finish();
    co_return content;
}

inline envelope::Event event_of(envelope::Envelope const& e, envelope::Event::Kind kind,
                                int at_ms) {
    envelope::Event event;
    event.kind = kind;
    event.at = from_millis(1'700'000'000'000 + at_ms);
    event.id = e.id;
    event.sender = e.reverse_path.local + "@" + e.reverse_path.domain;
    event.recipient = "User@Example.COM";
    event.note = "note " + std::to_string(at_ms);
    return event;
}

// Inserts message n with its content, one due entry and a "received" event, in one batch.
inline Task<Result<void>> insert(Spool& spool, unsigned n, std::string octets) {
    auto e = sample(n);
    e.content_size = octets.size();
    auto content = co_await write_content(spool, e.id, std::move(octets), 10'000, 0);
    if (!content) co_return content.error();
    Batch batch;
    batch.events.push_back(event_of(e, envelope::Event::Kind::received, static_cast<int>(n)));
    batch.due_add.push_back(Due{"example.com", e.arrived, e.id});
    batch.inserts.push_back({shared(std::move(e)), *content});
    auto done = co_await spool.commit(std::move(batch));
    co_return done;
}

}  // namespace dawk::spool::contract
