// How long the parsers take that stand in the way of every message.
#include <benchmark/benchmark.h>

#include "dawk/mail/address.hpp"
#include "dawk/mail/base64.hpp"
#include "dawk/mail/header.hpp"
#include "dawk/mail/mime.hpp"
#include "dawk/mail/trace.hpp"

namespace dawk::mail {
namespace {

std::string const header =
    "Received: from a.example (a.example [192.0.2.1]) by b.example\r\n with ESMTPS id abcdefgh\r\n "
    "for <x@b.example>; "
    "Tue, 14 Nov 2023 22:13:20 +0000\r\nDate: Tue, 14 Nov 2023 22:13:20 +0000\r\nFrom: Some One "
    "<one@a.example>\r\n"
    "To: x@b.example\r\nSubject: A subject of the usual length\r\nMessage-ID: "
    "<1234567890@a.example>\r\n"
    "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; "
    "boundary=\"=_boundary_of_usual_size\"\r\n\r\n";

std::string message(std::size_t size) {
    auto content = header;
    while (content.size() < size) {
        content += "--=_boundary_of_usual_size\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n";
        for (int i = 0; i < 500; ++i)
            content += "A line of text as it stands in messages, some seventy octets long.\r\n";
    }
    return content + "--=_boundary_of_usual_size--\r\n";
}

void parse_address(benchmark::State& state) {
    for (auto _ : state) benchmark::DoNotOptimize(parse_mailbox("some.user+tag@mail.example.org"));
}
BENCHMARK(parse_address);

void scan_header(benchmark::State& state) {
    for (auto _ : state) benchmark::DoNotOptimize(HeaderSection::parse(header));
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(header.size()));
}
BENCHMARK(scan_header);

void scan_mime(benchmark::State& state) {
    auto const content = message(1U << 20U);
    for (auto _ : state) {
        MimeScanner scanner;
        for (std::string_view rest = content; !rest.empty();) {
            auto const piece = rest.substr(0, 16'384);
            benchmark::DoNotOptimize(scanner.feed(piece));
            rest.remove_prefix(piece.size());
        }
        benchmark::DoNotOptimize(scanner.finish());
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(content.size()));
}
BENCHMARK(scan_mime);

void write_received(benchmark::State& state) {
    ReceivedInfo info;
    info.helo = "a.example";
    info.client_address = "192.0.2.1";
    info.by = "b.example";
    info.with = "ESMTPS";
    info.tls = "TLSv1.3 TLS_AES_256_GCM_SHA384";
    info.id = "abcdefghijklmnopqrstuvwxyz";
    for (auto _ : state) benchmark::DoNotOptimize(received_field(info));
}
BENCHMARK(write_received);

void decode_base64(benchmark::State& state) {
    std::string encoded;
    Base64Encoder encoder;
    encoder.feed(std::string(1U << 20U, 'x'), encoded);
    encoder.finish(encoded);
    for (auto _ : state) {
        std::string out;
        Base64Decoder decoder;
        decoder.feed(encoded, out);
        decoder.finish(out);
        benchmark::DoNotOptimize(out);
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(encoded.size()));
}
BENCHMARK(decode_base64);

}  // namespace
}  // namespace dawk::mail
