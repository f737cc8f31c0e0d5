#include "dawk/crypto/key.hpp"

#include <atomic>
#include <utility>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "dawk/base/check.hpp"
#include "dawk/crypto/token.hpp"

namespace dawk::crypto {
namespace {

using KeyPtr = std::shared_ptr<EVP_PKEY>;
KeyPtr own(EVP_PKEY* key) {
    return {key, EVP_PKEY_free};
}
EVP_PKEY* raw(std::shared_ptr<void> const& key) {
    return static_cast<EVP_PKEY*>(key.get());
}

unsigned char const* octets(std::string_view text) {
    return reinterpret_cast<unsigned char const*>(text.data());
}

using ContextPtr = std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)>;

}  // namespace

// A context that is ready for RSA, and one of its copies that waits for its next use: copying costs
// a tenth of what a verification does. Whoever finds none makes a copy; no lock, no thread waits.
class ReadyContext {
  public:
    explicit ReadyContext(ContextPtr prototype) : prototype_(std::move(prototype)) {}
    ~ReadyContext() { EVP_PKEY_CTX_free(spare_.load()); }
    ReadyContext(ReadyContext const&) = delete;
    ReadyContext& operator=(ReadyContext const&) = delete;

    ContextPtr take() {
        auto* const found = spare_.exchange(nullptr, std::memory_order_acquire);
        if (found != nullptr) return {found, EVP_PKEY_CTX_free};
        return {EVP_PKEY_CTX_dup(prototype_.get()), EVP_PKEY_CTX_free};
    }
    void give_back(ContextPtr context) {
        EVP_PKEY_CTX* none = nullptr;
        if (spare_.compare_exchange_strong(none, context.get(), std::memory_order_release))
            static_cast<void>(context.release());
    }

  private:
    ContextPtr prototype_;
    std::atomic<EVP_PKEY_CTX*> spare_{nullptr};
};

namespace {

std::shared_ptr<ReadyContext> prepared(EVP_PKEY* key, int (*init)(EVP_PKEY_CTX*)) {
    ContextPtr context(EVP_PKEY_CTX_new(key, nullptr), EVP_PKEY_CTX_free);
    DAWK_CHECK(context != nullptr);
    bool const ready = init(context.get()) == 1 &&
                       EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) == 1 &&
                       EVP_PKEY_CTX_set_signature_md(context.get(), EVP_sha256()) == 1;
    return ready ? std::make_shared<ReadyContext>(std::move(context)) : nullptr;
}

struct DigestContext {
    DigestContext() : context(EVP_MD_CTX_new()) { DAWK_CHECK(context != nullptr); }
    ~DigestContext() { EVP_MD_CTX_free(context); }
    DigestContext(DigestContext const&) = delete;
    DigestContext& operator=(DigestContext const&) = delete;
    EVP_MD_CTX* context;
};

Result<KeyKind> kind_of(EVP_PKEY const* key) {
    switch (EVP_PKEY_get_base_id(key)) {
        case EVP_PKEY_RSA:
            return KeyKind::rsa;
        case EVP_PKEY_ED25519:
            return KeyKind::ed25519;
        default:
            return Errc::unsupported;
    }
}

std::string drained(BIO* bio) {
    char* data = nullptr;
    auto const size = BIO_get_mem_data(bio, &data);
    std::string out(data, static_cast<std::size_t>(size));
    BIO_free(bio);
    return out;
}

}  // namespace

Result<PublicKey> PublicKey::from_der(std::string_view der) {
    auto const* at = octets(der);
    auto key = own(d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size())));
    if (!key) {
        at = octets(der);
        key = own(d2i_PublicKey(EVP_PKEY_RSA, nullptr, &at, static_cast<long>(der.size())));
    }
    if (!key || at != octets(der) + der.size()) return Errc::bad_syntax;
    PublicKey out;
    DAWK_TRY(out.kind_, kind_of(key.get()));
    out.bits_ = static_cast<unsigned>(EVP_PKEY_get_bits(key.get()));
    out.key_ = key;
    if (out.kind_ == KeyKind::rsa) {
        out.context_ = prepared(key.get(), EVP_PKEY_verify_init);
        if (!out.context_) return Errc::unsupported;
    }
    return out;
}

Result<PublicKey> PublicKey::from_ed25519(std::string_view bytes) {
    auto key =
        own(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, octets(bytes), bytes.size()));
    if (bytes.size() != 32 || !key) return Errc::bad_syntax;
    PublicKey out;
    out.kind_ = KeyKind::ed25519;
    out.bits_ = 256;
    out.key_ = key;
    return out;
}

bool PublicKey::verify_digest(std::string_view digest, std::string_view signature) const {
    if (kind_ == KeyKind::rsa) {
        auto context = context_->take();
        if (!context) return false;
        bool const good = EVP_PKEY_verify(context.get(), octets(signature), signature.size(),
                                          octets(digest), digest.size()) == 1;
        context_->give_back(std::move(context));
        return good;
    }
    DigestContext const md;
    return EVP_DigestVerifyInit(md.context, nullptr, nullptr, nullptr, raw(key_)) == 1 &&
           EVP_DigestVerify(md.context, octets(signature), signature.size(), octets(digest),
                            digest.size()) == 1;
}

Result<PrivateKey> PrivateKey::adopt(std::shared_ptr<void> key) {
    PrivateKey out;
    DAWK_TRY(out.kind_, kind_of(raw(key)));
    out.bits_ = static_cast<unsigned>(EVP_PKEY_get_bits(raw(key)));
    if (out.kind_ == KeyKind::rsa) {
        out.context_ = prepared(raw(key), EVP_PKEY_sign_init);
        if (!out.context_) return Errc::unsupported;
    }
    out.key_ = std::move(key);
    return out;
}

Result<PrivateKey> PrivateKey::from_pem(std::string_view pem) {
    BIO* const bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
    DAWK_CHECK(bio != nullptr);
    // An empty password instead of a question on the terminal.
    auto key = own(PEM_read_bio_PrivateKey(bio, nullptr, nullptr, const_cast<char*>("")));
    BIO_free(bio);
    if (!key) return Errc::bad_syntax;
    return adopt(key);
}

Result<PrivateKey> PrivateKey::from_uri(std::string const& uri) {
    DAWK_TRY(auto key, key_from_token(uri));
    return adopt(std::move(key));
}

PrivateKey PrivateKey::generate(KeyKind kind, unsigned rsa_bits) {
    auto key = own(kind == KeyKind::rsa ? EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA",
                                                            static_cast<std::size_t>(rsa_bits))
                                        : EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
    DAWK_CHECK(key != nullptr);
    return adopt(key).value();
}

Result<std::string> PrivateKey::sign_digest(std::string_view digest) const {
    std::string out(static_cast<std::size_t>(EVP_PKEY_get_size(raw(key_))), '\0');
    auto* const to = reinterpret_cast<unsigned char*>(out.data());
    std::size_t size = out.size();
    if (kind_ == KeyKind::rsa) {
        auto context = context_->take();
        if (!context || EVP_PKEY_sign(context.get(), to, &size, octets(digest), digest.size()) != 1)
            return Errc::io_error;
        context_->give_back(std::move(context));
    } else {
        DigestContext const md;
        if (EVP_DigestSignInit(md.context, nullptr, nullptr, nullptr, raw(key_)) != 1 ||
            EVP_DigestSign(md.context, to, &size, octets(digest), digest.size()) != 1) {
            return Errc::io_error;
        }
    }
    out.resize(size);
    return out;
}

std::string PrivateKey::pem() const {
    BIO* const bio = BIO_new(BIO_s_mem());
    DAWK_CHECK(bio != nullptr);
    DAWK_CHECK(
        PEM_write_bio_PKCS8PrivateKey(bio, raw(key_), nullptr, nullptr, 0, nullptr, nullptr) == 1);
    return drained(bio);
}

std::string PrivateKey::public_der() const {
    if (kind_ == KeyKind::ed25519) {
        std::string out(32, '\0');
        std::size_t size = out.size();
        DAWK_CHECK(EVP_PKEY_get_raw_public_key(
                       raw(key_), reinterpret_cast<unsigned char*>(out.data()), &size) == 1);
        return out;
    }
    unsigned char* der = nullptr;
    int const size = i2d_PUBKEY(raw(key_), &der);
    DAWK_CHECK(size > 0);
    std::string out(reinterpret_cast<char const*>(der), static_cast<std::size_t>(size));
    OPENSSL_free(der);
    return out;
}

PublicKey PrivateKey::public_key() const {
    auto const der = public_der();
    return (kind_ == KeyKind::rsa ? PublicKey::from_der(der) : PublicKey::from_ed25519(der))
        .value();
}

}  // namespace dawk::crypto
