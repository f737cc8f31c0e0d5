// DkimStore: the signing keys that `dawk dkim` keeps, and the way of the server to all of them.
//
//     state_dir/dkim/example.org/r20261122.pem      PKCS#8, 0600
//     state_dir/dkim/example.org/keys.json          what each is: new, active or retired, since
//     when
//
//     DkimStore store(state_dir);
//     auto keys = store.load("example.org");        // none: an empty list
//     store.save("example.org", keys);              // in one step, or not at all
//
// A key is new until DNS shows it, then active, which is what the server signs with, and retired
// when another has taken its place: its record must stay while mail it signed is under way.
// A file that others may read is refused. What root writes belongs to the owner of the state
// folder. For one thread; hold a Lock while changing. Standards: RFC 6376 §3.1 (selectors).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dawk/base/time.hpp"
#include "dawk/crypto/key.hpp"
#include "dawk/mta/settings.hpp"
#include "dawk/rt/network.hpp"

namespace dawk::cmd {

struct StoredKey {
    enum class State { fresh, active, retired };
    std::string selector;
    crypto::KeyKind kind = crypto::KeyKind::rsa;
    unsigned bits = 0;
    State state = State::fresh;
    std::int64_t since = 0;    // seconds since 1970: in this state
    std::int64_t created = 0;  // likewise
    std::string record;        // what DNS must say
};
std::string_view to_string(StoredKey::State state) noexcept;  // "new", "active", "retired"

class DkimStore {
  public:
    explicit DkimStore(std::string const& state_dir);

    // Errors say what is wrong with which file.
    rt::ExplainedResult<std::vector<std::string>> domains() const;  // sorted
    rt::ExplainedResult<std::vector<StoredKey>> load(std::string const& domain) const;
    rt::ExplainedResult<crypto::PrivateKey> private_key(std::string const& domain,
                                                        std::string const& selector) const;
    // Writes the key's file; exists: there is one.
    rt::ExplainedResult<void> add(std::string const& domain, std::string const& selector,
                                  crypto::PrivateKey const& key);
    rt::ExplainedResult<void> remove(std::string const& domain, std::string const& selector);
    rt::ExplainedResult<void> save(std::string const& domain, std::vector<StoredKey> const& keys);

    // Other commands wait while it lives.
    class Lock {
      public:
        explicit Lock(int fd) : fd_(fd) {}
        ~Lock();
        Lock(Lock const&) = delete;
        Lock& operator=(Lock const&) = delete;

      private:
        int fd_;
    };
    rt::ExplainedResult<std::unique_ptr<Lock>> lock();

  private:
    std::string path(std::string const& domain, std::string const& file) const;
    rt::ExplainedResult<void> make_folder(std::string const& folder);
    rt::ExplainedResult<void> write(std::string const& path, std::string_view octets, bool replace);
    void give_to_owner(std::string const& path) const;

    std::string state_dir_, folder_;
};

// A private key from a PEM file that others may not read, or from a token by its pkcs11: URI.
rt::ExplainedResult<crypto::PrivateKey> load_key(std::string const& path_or_uri,
                                                 std::string const& state_dir);

// All keys that mail is signed with by these settings; null without any. notes: what is odd but no
// error, one sentence each.
rt::ExplainedResult<std::shared_ptr<mta::Signing const>> load_signing(
    mta::Settings const& settings, std::vector<std::string>* notes = nullptr);

}  // namespace dawk::cmd
