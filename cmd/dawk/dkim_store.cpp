#include "cmd/dawk/dkim_store.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include <boost/json.hpp>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dawk/base/ascii.hpp"
#include "dawk/dkim/sign.hpp"
#include "dawk/mail/idna.hpp"
#include "dawk/mta/signing.hpp"

namespace dawk::cmd {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using rt::Explained;
using rt::ExplainedResult;

constexpr std::size_t file_max = 64U << 10U;

Explained trouble(std::string const& path, std::string const& what) {
    return {Errc::io_error, path + ": " + what};
}
Explained trouble(std::string const& path) {
    return trouble(path, std::strerror(errno));
}

class Fd {
  public:
    explicit Fd(int fd) : fd_(fd) {}
    ~Fd() {
        if (fd_ >= 0) ::close(fd_);
    }
    Fd(Fd const&) = delete;
    Fd& operator=(Fd const&) = delete;
    int get() const noexcept { return fd_; }
    int release() noexcept { return std::exchange(fd_, -1); }

  private:
    int fd_;
};

ExplainedResult<std::string> read_all(int fd, std::string const& path) {
    std::string out(file_max + 1, '\0');
    std::size_t size = 0;
    while (size < out.size()) {
        auto const got = ::read(fd, out.data() + size, out.size() - size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return trouble(path);
        if (got == 0) break;
        size += static_cast<std::size_t>(got);
    }
    if (size > file_max) return trouble(path, "too long");
    out.resize(size);
    return out;
}

// "" or why this file is no place for a secret.
std::string exposed(struct stat const& info, std::string const& state_dir) {
    if (!S_ISREG(info.st_mode)) return "it is not a file";
    if ((info.st_mode & 0007U) != 0) return "every user of this machine can get at it (chmod 0600)";
    if ((info.st_mode & 0020U) != 0) return "its group may write to it (chmod 0640 or 0600)";
    struct stat home {};
    bool const is_home = ::stat(state_dir.c_str(), &home) == 0 && home.st_uid == info.st_uid;
    if (info.st_uid != 0 && info.st_uid != ::geteuid() && !is_home)
        return "it belongs to another user (chown root, or to the user of the server)";
    return {};
}

ExplainedResult<std::string> read_secret(std::string const& path, std::string const& state_dir) {
    Fd const fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat info {};
    if (fd.get() < 0 || ::fstat(fd.get(), &info) != 0) return trouble(path);
    auto const why = exposed(info, state_dir);
    if (!why.empty()) return Explained{Errc::denied, path + ": refused, " + why};
    return read_all(fd.get(), path);
}

bool is_name(std::string_view text) {  // a domain or selector that is safe as a file's name, too
    if (text.empty() || text.size() > 253 || text.starts_with('.')) return false;
    return std::all_of(text.begin(), text.end(), [](char c) {
        return ascii::is_alnum(c) || c == '-' || c == '.' || c == '_';
    });
}

std::string_view word_of(crypto::KeyKind kind) {
    return kind == crypto::KeyKind::rsa ? "rsa" : "ed25519";
}

StoredKey key_of(json::object const& from) {
    StoredKey key;
    key.selector = std::string(from.at("selector").as_string());
    key.kind =
        from.at("algorithm").as_string() == "rsa" ? crypto::KeyKind::rsa : crypto::KeyKind::ed25519;
    key.bits = static_cast<unsigned>(from.at("bits").to_number<std::uint32_t>());
    auto const& state = from.at("state").as_string();
    key.state = state == "active"    ? StoredKey::State::active
                : state == "retired" ? StoredKey::State::retired
                                     : StoredKey::State::fresh;
    key.since = from.at("since").to_number<std::int64_t>();
    key.created = from.at("created").to_number<std::int64_t>();
    key.record = std::string(from.at("record").as_string());
    return key;
}

json::object object_of(StoredKey const& key) {
    return {{"selector", key.selector}, {"algorithm", std::string(word_of(key.kind))},
            {"bits", key.bits},         {"state", std::string(to_string(key.state))},
            {"since", key.since},       {"created", key.created},
            {"record", key.record}};
}

}  // namespace

std::string_view to_string(StoredKey::State state) noexcept {
    switch (state) {
        case StoredKey::State::fresh:
            return "new";
        case StoredKey::State::active:
            return "active";
        case StoredKey::State::retired:
            return "retired";
    }
    return "";
}

DkimStore::DkimStore(std::string const& state_dir)
    : state_dir_(state_dir), folder_(state_dir + "/dkim") {}

std::string DkimStore::path(std::string const& domain, std::string const& file) const {
    return folder_ + "/" + domain + (file.empty() ? "" : "/" + file);
}

ExplainedResult<std::vector<std::string>> DkimStore::domains() const {
    std::vector<std::string> out;
    std::error_code error;
    fs::directory_iterator const all(folder_, error);
    if (error == std::errc::no_such_file_or_directory) return out;
    if (error) return trouble(folder_, error.message());
    for (auto const& entry : all) {
        auto name = entry.path().filename().string();
        if (entry.is_directory(error) && is_name(name)) out.push_back(std::move(name));
    }
    std::sort(out.begin(), out.end());
    return out;
}

ExplainedResult<std::vector<StoredKey>> DkimStore::load(std::string const& domain) const {
    std::vector<StoredKey> out;
    if (!is_name(domain)) return trouble(ascii::printable(domain, 80), "not a domain");
    auto const file = path(domain, "keys.json");
    Fd const fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (fd.get() < 0 && errno == ENOENT) return out;
    if (fd.get() < 0) return trouble(file);
    auto const text = read_all(fd.get(), file);
    if (!text) return text.error();
    try {
        auto const whole = json::parse(*text);
        for (auto const& value : whole.at("keys").as_array())
            out.push_back(key_of(value.as_object()));
    } catch (std::exception const&) {
        return trouble(file, "damaged");
    }
    bool const sound =
        std::all_of(out.begin(), out.end(), [](StoredKey const& k) { return is_name(k.selector); });
    if (!sound) return trouble(file, "damaged: a selector is no name");
    return out;
}

ExplainedResult<crypto::PrivateKey> DkimStore::private_key(std::string const& domain,
                                                           std::string const& selector) const {
    return load_key(path(domain, selector + ".pem"), state_dir_);
}

void DkimStore::give_to_owner(std::string const& path) const {
    struct stat owner {};
    if (::geteuid() != 0 || ::stat(state_dir_.c_str(), &owner) != 0) return;
    // When that fails the server finds the file closed, and says so.
    (void)!::lchown(path.c_str(), owner.st_uid, owner.st_gid);
}

ExplainedResult<void> DkimStore::make_folder(std::string const& folder) {
    if (::mkdir(folder.c_str(), 0700) != 0) {
        if (errno == EEXIST) return {};
        return trouble(folder);
    }
    give_to_owner(folder);
    return {};
}

// A reader sees all of it or nothing. replace: false leaves what is there and says exists.
ExplainedResult<void> DkimStore::write(std::string const& path, std::string_view octets,
                                       bool replace) {
    auto const next = path + ".new";
    ::unlink(next.c_str());
    Fd const fd(::open(next.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (fd.get() < 0) return trouble(next);
    if (::write(fd.get(), octets.data(), octets.size()) != static_cast<ssize_t>(octets.size()) ||
        ::fsync(fd.get()) != 0)
        return trouble(next);
    give_to_owner(next);
    int const placed =
        replace ? ::rename(next.c_str(), path.c_str()) : ::link(next.c_str(), path.c_str());
    auto const why = placed == 0 ? std::nullopt : std::optional(trouble(path));
    if (!replace || why) ::unlink(next.c_str());
    if (why) return *why;
    auto const folder = fs::path(path).parent_path().string();
    Fd const parent(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (parent.get() < 0 || ::fsync(parent.get()) != 0) return trouble(folder);
    return {};
}

ExplainedResult<void> DkimStore::add(std::string const& domain, std::string const& selector,
                                     crypto::PrivateKey const& key) {
    if (!is_name(domain)) return trouble(ascii::printable(domain, 80), "not a domain");
    if (!is_name(selector)) return trouble(ascii::printable(selector, 80), "not a selector");
    if (auto made = make_folder(folder_); !made) return made;
    if (auto made = make_folder(path(domain, "")); !made) return made;
    auto pem = key.pem();
    auto done = write(path(domain, selector + ".pem"), pem, false);
    crypto::wipe(pem);
    return done;
}

ExplainedResult<void> DkimStore::remove(std::string const& domain, std::string const& selector) {
    auto const file = path(domain, selector + ".pem");
    if (::unlink(file.c_str()) != 0 && errno != ENOENT) return trouble(file);
    return {};
}

ExplainedResult<void> DkimStore::save(std::string const& domain,
                                      std::vector<StoredKey> const& keys) {
    json::array all;
    for (auto const& key : keys) all.push_back(object_of(key));
    return write(path(domain, "keys.json"), json::serialize(json::object{{"keys", all}}) + "\n",
                 true);
}

DkimStore::Lock::~Lock() {
    ::close(fd_);
}

ExplainedResult<std::unique_ptr<DkimStore::Lock>> DkimStore::lock() {
    if (auto made = make_folder(folder_); !made) return made.error();
    auto const file = folder_ + "/lock";
    Fd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (fd.get() < 0) return trouble(file);
    give_to_owner(file);
    while (::flock(fd.get(), LOCK_EX) != 0) {
        if (errno != EINTR) return trouble(file);
    }
    return std::make_unique<Lock>(fd.release());
}

ExplainedResult<crypto::PrivateKey> load_key(std::string const& path_or_uri,
                                             std::string const& state_dir) {
    if (path_or_uri.starts_with("pkcs11:")) {
        auto key = crypto::PrivateKey::from_uri(path_or_uri);
        if (key) return std::move(*key);
        return Explained{key.error(),
                         path_or_uri.substr(0, path_or_uri.find("pin-value")) +
                             (key.error() == Errc::unsupported
                                  ? ": no PKCS#11 provider or engine of OpenSSL can be loaded"
                                  : ": the token has no such key that may sign")};
    }
    auto pem = read_secret(path_or_uri, state_dir);
    if (!pem) return pem.error();
    auto key = crypto::PrivateKey::from_pem(*pem);
    crypto::wipe(*pem);
    if (!key) return trouble(path_or_uri, "no RSA or Ed25519 key without passphrase");
    // RFC 8301 §3.2: 1024 at the very least, 2048 advised; longer than 4096 few can verify.
    if (key->kind() == crypto::KeyKind::rsa && (key->bits() < 1024 || key->bits() > 4096))
        return trouble(path_or_uri, "an RSA key must have 1024 to 4096 bits (RFC 8301)");
    return std::move(*key);
}

namespace {

dkim::SigningKey rule_of(mta::DkimSettings const& from) {
    dkim::SigningKey key;
    auto const domain = mail::to_a_labels(from.domain);
    key.domain = ascii::to_lower(domain ? *domain : from.domain);
    if (!from.headers.empty()) key.fields = from.headers;
    if (!from.oversign.empty()) key.oversigned = from.oversign;
    if (from.expire.count() > 0) key.valid_for = from.expire;
    auto const form = [](std::string_view word) {
        return word == "simple" ? dkim::Canonical::simple : dkim::Canonical::relaxed;
    };
    auto const slash = from.canonicalization.find('/');
    key.header_form = form(std::string_view(from.canonicalization).substr(0, slash));
    key.body_form = form(std::string_view(from.canonicalization).substr(slash + 1));
    return key;
}

class SigningLoader {
  public:
    SigningLoader(mta::Settings const& settings, std::vector<std::string>* notes)
        : settings_(settings), notes_(notes), store_(settings.state_dir) {}

    ExplainedResult<std::shared_ptr<mta::Signing const>> load() {
        for (auto const& entry : settings_.dkim) {
            if (entry.selector.empty()) continue;
            auto key = load_key(entry.key, settings_.state_dir);
            if (!key) return key.error();
            add(rule_of(entry), entry.selector, std::move(*key));
        }
        auto const domains = store_.domains();
        if (!domains) return domains.error();
        for (auto const& domain : *domains) {
            if (auto done = load_kept(domain); !done) return done.error();
        }
        note_unused(*domains);
        if (signing_->empty()) return std::shared_ptr<mta::Signing const>();
        return std::shared_ptr<mta::Signing const>(signing_);
    }

  private:
    void add(dkim::SigningKey rule, std::string const& selector, crypto::PrivateKey key) {
        rule.selector = selector;
        rule.key = std::make_shared<crypto::PrivateKey const>(std::move(key));
        signing_->add(std::move(rule));
    }

    ExplainedResult<void> load_kept(std::string const& domain) {
        auto const keys = store_.load(domain);
        if (!keys) return keys.error();
        for (auto const& key : *keys) {
            if (key.state != StoredKey::State::active) continue;
            auto secret = store_.private_key(domain, key.selector);
            if (!secret) return secret.error();
            add(rule_for(domain), key.selector, std::move(*secret));
        }
        return {};
    }

    dkim::SigningKey rule_for(std::string const& domain) const {
        for (auto const& entry : settings_.dkim) {
            if (!entry.selector.empty()) continue;
            auto rule = rule_of(entry);
            if (rule.domain == domain) return rule;
        }
        mta::DkimSettings plain;
        plain.domain = domain;
        return rule_of(plain);
    }

    void note_unused(std::vector<std::string> const& kept) {
        for (auto const& entry : settings_.dkim) {
            auto const domain = rule_of(entry).domain;
            if (notes_ == nullptr || !entry.selector.empty()) continue;
            auto const* keys = signing_->keys_for(domain);
            if (keys != nullptr && keys->front().domain == domain) continue;
            bool const made = std::find(kept.begin(), kept.end(), domain) != kept.end();
            notes_->push_back(
                "mail from " + domain + " is not signed: there is no " +
                (made ? "active key yet (dawk dkim rotate " : "key (dawk dkim generate ") + domain +
                ")");
        }
    }

    mta::Settings const& settings_;
    std::vector<std::string>* notes_;
    DkimStore store_;
    std::shared_ptr<mta::Signing> signing_ = std::make_shared<mta::Signing>();
};

}  // namespace

ExplainedResult<std::shared_ptr<mta::Signing const>> load_signing(mta::Settings const& settings,
                                                                  std::vector<std::string>* notes) {
    return SigningLoader(settings, notes).load();
}

}  // namespace dawk::cmd
