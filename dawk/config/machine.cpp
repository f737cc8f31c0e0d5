// check_machine: what the files, the clock and our rights say about the settings.
#include <cerrno>
#include <cstring>
#include <ctime>
#include <memory>

#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dawk/base/freed.hpp"
#include "dawk/config/checks.hpp"
#include "dawk/config/keys.hpp"
#include "dawk/rt/stream.hpp"

namespace dawk::config {
namespace {

using CertificatePtr = std::unique_ptr<X509, Freed<X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using FilePtr = std::unique_ptr<BIO, Freed<BIO_free>>;

// Why the file cannot be read, or nothing.
std::string unreadable(std::string const& path) {
    int const fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return std::strerror(errno);
    struct stat info {};
    bool const regular = ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
    ::close(fd);
    return regular ? "" : "it is not a file";
}

bool check_file(std::string const& key, std::string const& path, Report& report) {
    auto const why = unreadable(path);
    if (!why.empty()) report.warning(key, quoted(path) + " cannot be read: " + why);
    return why.empty();
}

// For files whose content is a secret.
void check_private(std::string const& key, std::string const& path, Report& report) {
    struct stat info {};
    if (::stat(path.c_str(), &info) == 0 && (info.st_mode & 0007U) != 0)
        report.warning(key, quoted(path) + " can be read by every user of this machine",
                       "chmod o-rwx " + path);
}

bool is_past(ASN1_TIME const* time, std::time_t now) {
    return X509_cmp_time(time, &now) < 0;
}

void check_certificate(mta::Settings const& settings, X509* certificate, std::time_t now,
                       Report& report) {
    constexpr std::time_t two_weeks = 14 * 24 * 3600;
    if (is_past(X509_get0_notAfter(certificate), now))
        report.warning("tls.certificate", "the certificate has expired");
    else if (is_past(X509_get0_notAfter(certificate), now + two_weeks))
        report.warning("tls.certificate", "the certificate expires within two weeks");
    if (settings.hostname.empty()) return;
    if (X509_check_host(certificate, settings.hostname.data(), settings.hostname.size(), 0,
                        nullptr) != 1)
        report.warning("tls.certificate",
                       "the certificate is not for " + quoted(settings.hostname));
}

void check_identity(mta::Settings const& settings, std::time_t now, Report& report) {
    auto const& [certificate_file, key_file] = settings.tls;
    CertificatePtr certificate;
    KeyPtr key;
    if (!certificate_file.empty() && check_file("tls.certificate", certificate_file, report)) {
        FilePtr const file(BIO_new_file(certificate_file.c_str(), "r"));
        if (file) certificate.reset(PEM_read_bio_X509(file.get(), nullptr, nullptr, nullptr));
        if (!certificate)
            report.warning("tls.certificate", quoted(certificate_file) + " holds no certificate");
        else
            check_certificate(settings, certificate.get(), now, report);
    }
    if (!key_file.empty() && check_file("tls.key", key_file, report)) {
        check_private("tls.key", key_file, report);
        FilePtr const file(BIO_new_file(key_file.c_str(), "r"));
        // A key with a passphrase cannot be used by a server that starts alone: none is asked for.
        auto const no_passphrase = [](char*, int, int, void*) { return -1; };
        if (file) key.reset(PEM_read_bio_PrivateKey(file.get(), nullptr, no_passphrase, nullptr));
        if (!key)
            report.warning("tls.key", quoted(key_file) + " holds no key without a passphrase");
    }
    if (certificate && key && X509_check_private_key(certificate.get(), key.get()) != 1)
        report.warning("tls.key", "the key does not belong to the certificate");
}

void check_state_dir(mta::Settings const& settings, Report& report) {
    auto const& path = settings.state_dir;
    if (path.empty()) return;  // that has been said
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) {
        if (errno != ENOENT)
            report.warning("state_dir", quoted(path) + ": " + std::strerror(errno));
        else if (!path.starts_with('/'))
            report.warning(
                "state_dir",
                quoted(path) +
                    " is relative to the working directory, where there is no such folder",
                "start dawk where it is, or name it from the root");
        return;  // it will be made
    }
    if (!S_ISDIR(info.st_mode))
        report.warning("state_dir", quoted(path) + " is not a folder");
    else if (::access(path.c_str(), W_OK | X_OK) != 0)
        report.warning("state_dir", "this user may not write to " + quoted(path));
}

void check_ports(mta::Settings const& settings, Report& report) {
    constexpr std::uint16_t first_free_port = 1024;
    if (::geteuid() == 0) return;
    for (std::size_t i = 0; i < settings.listeners.size(); ++i) {
        auto const endpoint = rt::parse_endpoint(settings.listeners[i].address);
        if (!endpoint || endpoint->is_unix() || endpoint->port == 0 ||
            endpoint->port >= first_free_port)
            continue;
        report.warning("listener[" + std::to_string(i + 1) + "].address",
                       "only the system's administrator may open a port below 1024",
                       "have systemd open it (\"systemd:NAME\") or give the service "
                       "AmbientCapabilities=CAP_NET_BIND_SERVICE");
    }
}

}  // namespace

void check_machine(mta::Settings const& settings, WallTime now, Report& report) {
    for (std::size_t i = 0; i < settings.dkim.size(); ++i) {
        auto const& key = settings.dkim[i].key;
        auto const at = "dkim[" + std::to_string(i + 1) + "].key";
        if (key.empty() || key.starts_with("pkcs11:")) continue;
        if (check_file(at, key, report)) check_private(at, key, report);
    }
    check_state_dir(settings, report);
    check_identity(settings, std::chrono::system_clock::to_time_t(now), report);
    check_ports(settings, report);
    for (std::size_t i = 0; i < settings.routing.routes.size(); ++i) {
        auto const& route = settings.routing.routes[i];
        auto const at = "route[" + std::to_string(i + 1) + "].";
        if (!route.password_file.empty() &&
            check_file(at + "password_file", route.password_file, report))
            check_private(at + "password_file", route.password_file, report);
        if (!route.ca_file.empty()) check_file(at + "ca_file", route.ca_file, report);
    }
}

}  // namespace dawk::config
