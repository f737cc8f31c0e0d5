// What it costs to find out who sent a message, with every answer of DNS at hand: OpenSSL's bare
// RSA-2048 verification with the hash beside our DKIM, and all checks together.
#include <benchmark/benchmark.h>

#include "dawk/base/check.hpp"
#include "dawk/dkim/sign.hpp"
#include "dawk/mailauth/facts.hpp"
#include "dawk/mailauth/zone_file.hpp"

namespace dawk::mailauth {
namespace {

struct Sample {
    std::string message;
    std::string key_text;
    ZoneFile zone;
};

crypto::PrivateKey const& key() {
    static auto const made = crypto::PrivateKey::generate(crypto::KeyKind::rsa);
    return made;
}

Sample make_sample(std::size_t size) {
    std::string content =
        "From: Somebody <somebody@far.test>\r\nTo: user@dawk.test\r\nSubject: a bench\r\n"
        "Date: Sun, 22 Nov 2026 06:33:00 +0000\r\nMessage-ID: <1@far.test>\r\n\r\n";
    while (content.size() < size) content += std::string(70, 'x') + "\r\n";
    dkim::SigningKey signing;
    signing.domain = "far.test";
    signing.selector = "s1";
    signing.key = std::make_shared<crypto::PrivateKey>(key());
    auto const header = mail::HeaderSection::parse(content).value();
    dkim::Signer signer({signing}, header, from_millis(0));
    signer.body(std::string_view(content).substr(header.body_offset()));
    auto message = signer.finish().value() + content;
    auto const record = dkim::key_record(key());
    auto zone = ZoneFile::parse(R"({"far.test": {"TXT": ["v=spf1 ip4:198.51.100.0/24 mx -all"],
        "MX": [[10, "mx.far.test"]]}, "mx.far.test": {"A": ["192.0.2.2"]},
        "2.2.0.192.in-addr.arpa": {"PTR": ["mx.far.test"]},
        "_dmarc.far.test": {"TXT": ["v=DMARC1; p=reject"]},
        "s1._domainkey.far.test": {"TXT": [")" +
                                record + R"("]}})")
                    .value();
    return {std::move(message), record, std::move(zone)};
}

// The yardstick: digest of all octets and one verification, by OpenSSL alone.
void Bare_OpenSSL(benchmark::State& state) {
    auto const sample = make_sample(static_cast<std::size_t>(state.range(0)));
    auto const digest = crypto::digest(crypto::Hash::sha256, "x");
    auto const signature = key().sign_digest(digest).value();
    auto const public_key = key().public_key();
    for (auto _ : state) {
        benchmark::DoNotOptimize(crypto::digest(crypto::Hash::sha256, sample.message));
        bool const good = public_key.verify_digest(digest, signature);
        DAWK_CHECK(good);
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(sample.message.size()));
}
BENCHMARK(Bare_OpenSSL)->Arg(2 << 10)->Arg(10 << 20)->Unit(benchmark::kMicrosecond);

void Dkim_Verifies(benchmark::State& state) {
    auto const sample = make_sample(static_cast<std::size_t>(state.range(0)));
    dkim::KeyCache keys;
    for (auto _ : state) {
        auto const header = mail::HeaderSection::parse(sample.message).value();
        dkim::Options options;
        options.keys = &keys;
        dkim::Verifier verifier(header, options);
        std::string_view body = std::string_view(sample.message).substr(header.body_offset());
        while (!body.empty()) {
            auto const piece = body.substr(0, 64U << 10U);
            verifier.body(piece);
            body.remove_prefix(piece.size());
        }
        auto const verdicts =
            dns::run(verifier.finish(), [&](auto const& q) { return sample.zone.answer(q); });
        DAWK_CHECK(verdicts.at(0).result == dkim::Result::pass);
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(sample.message.size()));
}
BENCHMARK(Dkim_Verifies)->Arg(2 << 10)->Arg(10 << 20)->Unit(benchmark::kMicrosecond);

// SPF, DKIM, DMARC, ARC, reverse DNS, the field, the decision and the facts for the history.
void All_Checks(benchmark::State& state) {
    auto const sample = make_sample(2048);
    dkim::KeyCache keys;
    Policy const policy;
    for (auto _ : state) {
        auto const header = mail::HeaderSection::parse(sample.message).value();
        Checker checker({"192.0.2.2", "mx.far.test", "somebody@far.test", "us.test", {}}, header,
                        &keys);
        checker.body(std::string_view(sample.message).substr(header.body_offset()));
        LookUps look_ups;
        auto const report = dns::run(checker.finish(), [&](auto const& q) {
            auto answer = sample.zone.answer(q);
            look_ups.push_back(look_up_of(q, answer, {}));
            return answer;
        });
        DAWK_CHECK(report.dmarc.result == dmarc::Result::pass);
        auto const decision = decide(policy, report, {"far.test", "us.test", false});
        auto const text = facts(report, look_ups, decision);
        benchmark::DoNotOptimize(text.data());
    }
}
BENCHMARK(All_Checks)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace dawk::mailauth
