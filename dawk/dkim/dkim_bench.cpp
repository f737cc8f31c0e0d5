// What DKIM costs beside bare OpenSSL, in one run on one machine. The ratios that matter:
//
//     verify/message : verify/openssl     at most 1.3   (2 KiB, RSA-2048, key in the cache)
//     sign/message : sign/openssl         at most 1.05
//     body/relaxed, body/simple           at least 0.8 of the octets a second of body/openssl
//
// "openssl" is the least that any verifier or signer must do: SHA-256 of the octets, and the
// operation with a context that is ready. "message" is all of it: header parsed, signature parsed,
// both canonical forms, key record from the cache, verdict in words.
#include <benchmark/benchmark.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "dawk/base/check.hpp"
#include "dawk/dkim/sign.hpp"
#include "dawk/dkim/verify.hpp"

namespace dawk::dkim {
namespace {

auto const now = from_millis(1'700'000'000'000);

std::string text_of(std::size_t size) {
    std::string const line =
        "All work and no play makes a dull day, but the mail must go through.\r\n";
    std::string out;
    while (out.size() + line.size() <= size) out += line;
    out.append(size - out.size() - 2, 'x');
    return out + "\r\n";
}

std::string plain_message() {
    std::string const header =
        "Received: from client.example.org (client.example.org [192.0.2.7])\r\n"
        "\tby mx.example.org with ESMTPSA (TLSv1.3 TLS_AES_256_GCM_SHA384)\r\n"
        "\tid 0bqk6a9n1v; Tue, 14 Nov 2023 22:13:20 +0000\r\n"
        "From: Joe SixPack <joe@example.org>\r\n"
        "To: Suzie Q <suzie@example.net>\r\n"
        "Subject: Is dinner ready?\r\n"
        "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n"
        "Message-ID: <20231114.221320.12345@example.org>\r\n"
        "MIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n"
        "Content-Transfer-Encoding: 8bit\r\n"
        "\r\n";
    return header + text_of(2048 - header.size());
}

// The same key for us and for OpenSSL alone.
struct Fixture {
    std::shared_ptr<crypto::PrivateKey const> key = std::make_shared<crypto::PrivateKey const>(
        crypto::PrivateKey::generate(crypto::KeyKind::rsa, 2048));
    EVP_PKEY* raw = nullptr;
    std::string message, record = key_record(*key);

    Fixture() {
        auto const pem = key->pem();
        BIO* const bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
        raw = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
        BIO_free(bio);
        DAWK_CHECK(raw != nullptr);
        auto const plain = plain_message();
        auto const header = mail::HeaderSection::parse(plain).value();
        Signer signer({signing_key()}, header, now);
        signer.body(std::string_view(plain).substr(header.body_offset()));
        message = signer.finish().value() + plain;
    }
    SigningKey signing_key() const {
        SigningKey out;
        out.domain = "example.org";
        out.selector = "s";
        out.key = key;
        return out;
    }
    EVP_PKEY_CTX* context(int (*init)(EVP_PKEY_CTX*)) const {
        auto* const out = EVP_PKEY_CTX_new(raw, nullptr);
        DAWK_CHECK(init(out) == 1 && EVP_PKEY_CTX_set_rsa_padding(out, RSA_PKCS1_PADDING) == 1 &&
                   EVP_PKEY_CTX_set_signature_md(out, EVP_sha256()) == 1);
        return out;
    }
};
Fixture const& fixture() {
    static Fixture const made;
    return made;
}

void sha256(std::string_view text, unsigned char* out) {
    unsigned size = 0;
    DAWK_CHECK(EVP_Digest(text.data(), text.size(), out, &size, EVP_sha256(), nullptr) == 1);
}

void verify_openssl(benchmark::State& state) {
    auto const& f = fixture();
    unsigned char digest[32], signature[512];
    std::size_t size = sizeof signature;
    sha256(f.message, digest);
    auto* const signing = f.context(EVP_PKEY_sign_init);
    DAWK_CHECK(EVP_PKEY_sign(signing, signature, &size, digest, sizeof digest) == 1);
    auto* const context = f.context(EVP_PKEY_verify_init);
    for (auto _ : state) {
        sha256(f.message, digest);
        DAWK_CHECK(EVP_PKEY_verify(context, signature, size, digest, sizeof digest) == 1);
    }
    EVP_PKEY_CTX_free(signing);
    EVP_PKEY_CTX_free(context);
}
BENCHMARK(verify_openssl)->Name("verify/openssl");

void verify_message(benchmark::State& state) {
    auto const& f = fixture();
    KeyCache cache;
    Options options;
    options.now = now;
    options.keys = &cache;
    for (auto _ : state) {
        auto const header = mail::HeaderSection::parse(f.message);
        Verifier verifier(*header, options);
        verifier.body(std::string_view(f.message).substr(header->body_offset()));
        auto const verdicts = dns::run(verifier.finish(), [&](dns::Question const&) {
            dns::Answer answer;
            answer.status = dns::Status::ok;
            answer.texts = {f.record};
            return answer;
        });
        DAWK_CHECK(verdicts.front().result == Result::pass);
    }
}
BENCHMARK(verify_message)->Name("verify/message");

void sign_openssl(benchmark::State& state) {
    auto const& f = fixture();
    auto const plain = plain_message();
    unsigned char digest[32], signature[512];
    auto* const context = f.context(EVP_PKEY_sign_init);
    for (auto _ : state) {
        std::size_t size = sizeof signature;
        sha256(plain, digest);
        DAWK_CHECK(EVP_PKEY_sign(context, signature, &size, digest, sizeof digest) == 1);
    }
    EVP_PKEY_CTX_free(context);
}
BENCHMARK(sign_openssl)->Name("sign/openssl");

void sign_message(benchmark::State& state) {
    auto const& f = fixture();
    auto const plain = plain_message();
    auto const key = f.signing_key();
    for (auto _ : state) {
        auto const header = mail::HeaderSection::parse(plain);
        Signer signer({key}, *header, now);
        signer.body(std::string_view(plain).substr(header->body_offset()));
        benchmark::DoNotOptimize(signer.finish());
    }
}
BENCHMARK(sign_message)->Name("sign/message");

constexpr std::size_t body_size = 10'000'000;
constexpr std::size_t piece_size = 64U << 10U;  // as the Receiver reads large contents

void body_openssl(benchmark::State& state) {
    auto const text = text_of(body_size);
    unsigned char digest[32];
    for (auto _ : state) sha256(text, digest);
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * text.size()));
}
BENCHMARK(body_openssl)->Name("body/openssl");

void body_dawk(benchmark::State& state, Canonical form, std::string const& text) {
    for (auto _ : state) {
        BodyHash body(form, std::nullopt);
        std::string_view rest = text;
        while (!rest.empty()) {
            auto const piece = rest.substr(0, piece_size);
            body.update(piece);
            rest.remove_prefix(piece.size());
        }
        benchmark::DoNotOptimize(body.finish());
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * text.size()));
}
void body_simple(benchmark::State& state) {
    body_dawk(state, Canonical::simple, text_of(body_size));
}
BENCHMARK(body_simple)->Name("body/simple");
void body_relaxed(benchmark::State& state) {
    body_dawk(state, Canonical::relaxed, text_of(body_size));
}
BENCHMARK(body_relaxed)->Name("body/relaxed");

// Base64, as most large bodies are.
void body_relaxed_base64(benchmark::State& state) {
    std::string text;
    while (text.size() < body_size)
        text += "TG9yZW0gaXBzdW0gZG9sb3Igc2l0IGFtZXQsIGNvbnNldGV0dXIgc2FkaXBzY2luZyBlbGl0ciwg\r\n";
    body_dawk(state, Canonical::relaxed, text);
}
BENCHMARK(body_relaxed_base64)->Name("body/relaxed_base64");

// The worst that a sender can do to the relaxed form: every octet needs thought.
void body_relaxed_worst(benchmark::State& state) {
    std::string text;
    while (text.size() < body_size) text += "a\t b  c \r\n";
    body_dawk(state, Canonical::relaxed, text);
}
BENCHMARK(body_relaxed_worst)->Name("body/relaxed_worst");

}  // namespace
}  // namespace dawk::dkim
