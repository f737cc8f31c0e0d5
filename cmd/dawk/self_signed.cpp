#include "cmd/dawk/self_signed.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>

#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include "dawk/base/freed.hpp"
#include "dawk/mail/address.hpp"
#include "dawk/mail/idna.hpp"

#include "cmd/dawk/command.hpp"

namespace dawk::cmd {
namespace {

using KeyPtr = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using CertificatePtr = std::unique_ptr<X509, Freed<X509_free>>;
using MemoryPtr = std::unique_ptr<BIO, Freed<BIO_free>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION_free>>;

void must(bool done) {
    if (!done) fail(Exit::software, "OpenSSL could not make the key or the certificate");
}

// As subjectAltName has it: "DNS:mx.example.org", "IP:192.0.2.1".
std::string alternative_name(std::string const& name) {
    unsigned char octets[16];
    for (int const family : {AF_INET, AF_INET6})
        if (inet_pton(family, name.c_str(), octets) == 1) return "IP:" + name;
    bool const wild = name.starts_with("*.");
    auto const domain = mail::parse_domain(wild ? name.substr(2) : name, {.utf8 = true});
    auto const labels = domain ? mail::to_a_labels(*domain) : domain;
    if (!labels || labels->starts_with('[')) fail(Exit::data, name + " is no name of a server");
    return (wild ? "DNS:*." : "DNS:") + *labels;
}

void add_extension(X509* certificate, int id, std::string const& value) {
    X509V3_CTX context{};
    X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
    ExtensionPtr const extension(X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str()));
    must(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1);
}

void set_serial(X509* certificate) {
    unsigned char octets[16];
    must(RAND_bytes(octets, sizeof octets) == 1);
    octets[0] &= 0x7FU;  // RFC 5280 §4.1.2.2: positive
    octets[0] |= 0x40U;
    std::unique_ptr<BIGNUM, Freed<BN_free>> const number(BN_bin2bn(octets, sizeof octets, nullptr));
    must(number != nullptr &&
         BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr);
}

CertificatePtr make_certificate(EVP_PKEY* key, SelfSigned const& options) {
    std::string names;
    for (auto const& hostname : options.hostnames)
        names += (names.empty() ? "" : ",") + alternative_name(hostname);
    auto const first = names.substr(names.find(':') + 1);
    auto const subject = first.substr(0, first.find(','));

    CertificatePtr certificate(X509_new());
    must(certificate != nullptr && X509_set_version(certificate.get(), X509_VERSION_3) == 1);
    set_serial(certificate.get());
    // An hour back, for clocks that are a little behind.
    must(X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600) != nullptr);
    must(X509_time_adj_ex(X509_getm_notAfter(certificate.get()), options.days, 0, nullptr) !=
         nullptr);
    auto* name = X509_get_subject_name(certificate.get());
    // A common name has at most 64 octets; the alternative names count anyway.
    if (subject.size() <= 64)
        must(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                        reinterpret_cast<unsigned char const*>(subject.data()),
                                        static_cast<int>(subject.size()), -1, 0) == 1);
    must(X509_set_issuer_name(certificate.get(), name) == 1);
    must(X509_set_pubkey(certificate.get(), key) == 1);
    add_extension(certificate.get(), NID_basic_constraints, "critical,CA:FALSE");
    add_extension(certificate.get(), NID_key_usage, "critical,digitalSignature");
    add_extension(certificate.get(), NID_ext_key_usage, "serverAuth");
    add_extension(certificate.get(), NID_subject_alt_name, names);
    must(X509_sign(certificate.get(), key, EVP_sha256()) > 0);
    return certificate;
}

std::string text_of(BIO* memory) {
    char* data = nullptr;
    auto const size = BIO_get_mem_data(memory, &data);
    return {data, static_cast<std::size_t>(size)};
}

// Written beside and moved, so that a running server never reads half of it.
void write_file(std::string const& path, std::string const& text, unsigned mode) {
    auto const beside = path + ".new";
    ::unlink(beside.c_str());
    int const fd = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                          static_cast<mode_t>(mode));
    if (fd < 0) fail(Exit::cannot_create, beside + ": " + std::strerror(errno));
    auto const written = ::write(fd, text.data(), text.size());
    bool const whole = written == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0;
    int const error = errno;
    ::close(fd);
    if (!whole || ::rename(beside.c_str(), path.c_str()) != 0) {
        auto const why = std::string(std::strerror(whole ? errno : error));
        ::unlink(beside.c_str());
        fail(Exit::io, path + ": " + why);
    }
}

}  // namespace

void make_self_signed(SelfSigned const& options) {
    KeyPtr const key(EVP_EC_gen("P-256"));
    must(key != nullptr);
    auto const certificate = make_certificate(key.get(), options);
    MemoryPtr const key_text(BIO_new(BIO_s_secmem()));
    MemoryPtr const certificate_text(BIO_new(BIO_s_mem()));
    must(key_text && certificate_text &&
         PEM_write_bio_PKCS8PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr,
                                       nullptr) == 1 &&
         PEM_write_bio_X509(certificate_text.get(), certificate.get()) == 1);

    auto const certificate_path = options.folder + "/cert.pem";
    auto const key_path = options.folder + "/key.pem";
    if (!options.force)
        for (auto const& path : {certificate_path, key_path})
            if (::access(path.c_str(), F_OK) == 0)
                fail(Exit::cannot_create, path + " is there already; --force replaces it");
    std::error_code error;
    std::filesystem::create_directories(options.folder, error);
    if (error) fail(Exit::cannot_create, options.folder + ": " + error.message());
    write_file(key_path, text_of(key_text.get()), 0600);
    write_file(certificate_path, text_of(certificate_text.get()), 0644);
}

}  // namespace dawk::cmd
