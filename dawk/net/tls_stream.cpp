#include "dawk/net/tls_stream.hpp"

#include <algorithm>
#include <cstring>

#include <boost/asio/error.hpp>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include "dawk/base/ascii.hpp"
#include "dawk/base/check.hpp"

namespace dawk::net {
namespace {

constexpr std::size_t receive_limit = 32 * 1024;
constexpr std::size_t record_size = 16 * 1024;
constexpr std::size_t round_size = 4 * record_size;  // plaintext encrypted before it is sent
constexpr std::size_t unsent_limit = 64 * 1024;      // of answers to a peer that does not read them
ErrorCode const would_block = boost::asio::error::would_block;

int wire_read(BIO* bio, char* buffer, std::size_t size, std::size_t* got) {
    auto& wire = *static_cast<TlsStream::Wire*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    if (wire.in.empty()) {
        BIO_set_retry_read(bio);
        return -1;
    }
    *got = std::min(size, wire.in.size());
    std::memcpy(buffer, wire.in.data(), *got);
    wire.in.remove_prefix(*got);
    return 1;
}

int wire_write(BIO* bio, char const* bytes, std::size_t size, std::size_t* put) {
    auto const& wire = *static_cast<TlsStream::Wire*>(BIO_get_data(bio));
    wire.out->append(bytes, size);
    *put = size;
    return 1;
}

long wire_control(BIO*, int command, long, void*) {
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

BIO_METHOD* wire_method() {
    static BIO_METHOD* const method = [] {
        BIO_METHOD* m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "dawk wire");
        BIO_meth_set_read_ex(m, wire_read);
        BIO_meth_set_write_ex(m, wire_write);
        BIO_meth_set_ctrl(m, wire_control);
        return m;
    }();
    return method;
}

std::string text_of(X509_NAME const* name) {
    std::unique_ptr<BIO, Freed<BIO_free_all>> out(BIO_new(BIO_s_mem()));
    X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253);
    char* text = nullptr;
    long const size = BIO_get_mem_data(out.get(), &text);
    return ascii::printable({text, static_cast<std::size_t>(std::max(size, 0L))}, 256);
}

}  // namespace

TlsStream::TlsStream(std::unique_ptr<SocketStream> socket, SslPtr ssl)
    : socket_(std::move(socket)), ssl_(std::move(ssl)) {
    auto& shard = socket_->shard();
    if (shard.cipher_in.empty()) shard.cipher_in.resize(receive_limit);
    wire_.out = &shard.cipher_out;
    BIO* const bio = BIO_new(wire_method());
    DAWK_CHECK(bio != nullptr);
    BIO_set_data(bio, &wire_);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl_.get(), bio, bio);
}

TlsStream::~TlsStream() = default;

// Takes what there is from the socket into the shard's buffer. The reader's size bounds it, so that
// little more comes than can be decrypted now.
Result<std::size_t> TlsStream::receive(std::size_t wanted) {
    auto const buffer = std::span(socket_->shard().cipher_in)
                            .first(std::clamp(wanted + 512, std::size_t{4096}, receive_limit));
    auto const n = socket_->read_now(buffer);
    if (n) wire_.in = {buffer.data(), *n};
    more_likely_ = n && *n == buffer.size();
    return n;
}

// Before anything waits: the shard's buffer belongs to others then.
void TlsStream::keep_unread() {
    if (in_unread_) {
        unread_.erase(0, unread_.size() - wire_.in.size());
        if (unread_.empty()) unread_ = std::string();
    } else if (!wire_.in.empty()) {
        unread_.assign(wire_.in);
    }
    in_unread_ = false;
    wire_.in = {};
}

// Fills buffer with what can be decrypted without waiting; would_block when that is nothing.
Result<std::size_t> TlsStream::decrypt(std::span<char> buffer) {
    if (auto const error = socket_->refusal()) return error;
    if (failed_) return Errc::tls_failed;
    if (ended_) return Errc::closed;
    DAWK_CHECK(wire_.out->empty());  // whatever lay there would go to the wrong peer
    if (wire_.in.empty() && !unread_.empty()) {
        wire_.in = unread_;
        in_unread_ = true;
    }
    std::size_t done = 0;
    int error = SSL_ERROR_NONE;
    while (done < buffer.size() && error == SSL_ERROR_NONE) {
        ERR_clear_error();
        std::size_t n = 0;
        int const r = SSL_read_ex(ssl_.get(), buffer.data() + done, buffer.size() - done, &n);
        error = r == 1 ? SSL_ERROR_NONE : SSL_get_error(ssl_.get(), r);
        done += n;
    }
    keep_unread();
    auto const passed = pass_on();
    ended_ |= error == SSL_ERROR_ZERO_RETURN;
    failed_ |= !passed || error == SSL_ERROR_SSL || error == SSL_ERROR_SYSCALL;
    if (done > 0) return done;
    if (ended_) return Errc::closed;
    if (failed_) return Errc::tls_failed;
    return would_block;
}

Task<Result<std::size_t>> TlsStream::read_some(std::span<char> buffer) {
    auto n = decrypt(buffer);
    while (!n && n.error() == would_block) {
        if (!more_likely_) {
            auto const ready = co_await socket_->wait_readable();
            if (!ready) co_return ready.error();
        }
        auto const got = receive(buffer.size());
        if (!got && got.error() != would_block) co_return got.error();
        n = decrypt(buffer);
    }
    co_return n;
}

// Hands the shard's fresh ciphertext to the socket, behind what still waits. Never blocks.
Result<void> TlsStream::pass_on() {
    std::string& fresh = *wire_.out;
    if (fresh.empty()) return {};
    std::size_t sent = 0;
    ErrorCode error;
    while (unsent_.empty() && !draining_ && sent < fresh.size() && !error) {
        auto const n = socket_->write_now(std::string_view(fresh).substr(sent));
        if (n) sent += *n;
        if (!n) error = n.error();
    }
    unsent_.append(fresh, sent);
    fresh.clear();
    if (fresh.capacity() > 2 * round_size) fresh = std::string();
    if (error && error != would_block) return error;
    if (unsent_.size() > unsent_limit + 2 * round_size) return Errc::protocol_violation;
    return {};
}

Task<Result<void>> TlsStream::drain() {
    while (!unsent_.empty()) {
        auto const n = socket_->write_now(unsent_);
        if (n) unsent_.erase(0, *n);
        if (n) continue;
        if (n.error() != would_block) co_return n.error();
        draining_ = true;
        auto const ready = co_await socket_->wait_writable();
        draining_ = false;
        if (!ready) co_return ready.error();
    }
    unsent_ = std::string();
    co_return Result<void>();
}

// Encrypts up to round_size of the cursor's octets, small pieces together in one record.
Result<void> TlsStream::encrypt(Cursor& cursor) {
    if (auto const error = socket_->refusal()) return error;
    if (failed_) return Errc::tls_failed;
    DAWK_CHECK(wire_.out->empty());  // whatever lay there would go to the wrong peer
    std::string& gathered = socket_->shard().plain;
    for (std::size_t total = 0; total < round_size && !cursor.done();) {
        std::string_view block = cursor.front().substr(0, round_size - total);
        if (block.size() < record_size && cursor.index + 1 < cursor.pieces.size()) {
            gathered.clear();
            while (!cursor.done() && gathered.size() < record_size) {
                auto const part = cursor.front().substr(0, record_size - gathered.size());
                gathered += part;
                cursor.advance(part.size());
            }
            block = gathered;
        } else {
            cursor.advance(block.size());
        }
        ERR_clear_error();
        std::size_t n = 0;
        if (SSL_write_ex(ssl_.get(), block.data(), block.size(), &n) != 1) {
            failed_ = true;
            wire_.out->clear();
            return Errc::tls_failed;
        }
        DAWK_CHECK(n == block.size());
        total += n;
    }
    return pass_on();
}

Task<Result<void>> TlsStream::write(Cursor cursor) {
    while (!cursor.done() || !unsent_.empty()) {
        auto const encrypted = encrypt(cursor);
        if (!encrypted) co_return encrypted.error();
        if (unsent_.empty()) continue;
        auto const drained = co_await drain();
        if (!drained) co_return drained.error();
    }
    co_return Result<void>();
}

Task<Result<void>> TlsStream::write_all(std::string_view bytes) {
    std::string_view const pieces[] = {bytes};
    Cursor const cursor{pieces};
    co_return co_await write(cursor);
}

Task<Result<void>> TlsStream::write_all(std::span<std::string_view const> pieces) {
    Cursor const cursor{pieces};
    co_return co_await write(cursor);
}

rt::Explained TlsStream::handshake_failure(ErrorCode code) const {
    if (code == Errc::timed_out) return {code, "no TLS handshake in time"};
    if (code == Errc::closed) return {code, "the peer hung up in the TLS handshake"};
    if (code != Errc::tls_failed) return {code, "TLS handshake: " + code.message()};
    std::string words = openssl_words();
    long const verdict = SSL_get_verify_result(ssl_.get());
    if (verdict != X509_V_OK) {
        words += std::string(": ") + X509_verify_cert_error_string(verdict);
    }
    return {code, "TLS handshake: " + words};
}

void TlsStream::read_facts() {
    SSL* const ssl = ssl_.get();
    facts_.version = SSL_get_version(ssl);
    facts_.cipher = SSL_get_cipher_name(ssl);
    facts_.resumed = SSL_session_reused(ssl) == 1;
    int const group = static_cast<int>(SSL_get_negotiated_group(ssl));
    char const* const group_name = group == 0 ? nullptr : SSL_group_to_name(ssl, group);
    facts_.group = group_name == nullptr ? "" : group_name;
    auto const* const certificate = SSL_get0_peer_certificate(ssl);
    if (certificate != nullptr) facts_.peer_subject = text_of(X509_get_subject_name(certificate));
}

Task<rt::ExplainedResult<void>> TlsStream::handshake() {
    while (!established_) {
        ERR_clear_error();
        int const r = SSL_do_handshake(ssl_.get());
        int const error = r == 1 ? SSL_ERROR_NONE : SSL_get_error(ssl_.get(), r);
        failed_ = error != SSL_ERROR_NONE && error != SSL_ERROR_WANT_READ;
        rt::Explained const failure =
            failed_ ? handshake_failure(Errc::tls_failed) : rt::Explained{};
        keep_unread();
        auto passed = pass_on();  // the alert that says why, too
        if (failed_) co_return failure;
        if (passed) passed = co_await drain();
        if (!passed) co_return handshake_failure(passed.error());
        established_ = r == 1;
        if (established_) break;
        auto const ready = co_await socket_->wait_readable();
        if (!ready) co_return handshake_failure(ready.error());
        auto const got = receive(record_size);
        if (!got && got.error() != would_block) co_return handshake_failure(got.error());
    }
    read_facts();
    co_return rt::ExplainedResult<void>();
}

Task<void> TlsStream::shutdown() {
    if (established_ && !failed_ && unsent_.empty() && !draining_) {
        ERR_clear_error();
        (void)SSL_shutdown(ssl_.get());  // close_notify; the peer's is not waited for
        (void)pass_on();                 // nothing more can be done for a peer that does not listen
    }
    co_await socket_->shutdown();
}

}  // namespace dawk::net
