// Database: the directory's file. Domains, users and aliases in one SQLite database in WAL mode;
// every change is one transaction, durable when the call returns. Several processes may have it
// open.
//
//     auto database = Database::open("var/directory.db");     // made when it is not there
//     database->add_user(address, record);
//
// All calls block; any thread may call, several at once. Addresses and domains in any case; rules
// of names and errors as in dawk/directory/directory.hpp. SQL is fixed text with bound parameters.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "dawk/crypto/password.hpp"
#include "dawk/directory/directory.hpp"

namespace dawk::sqlite {
class Connection;
}

namespace dawk::directory_sqlite {

using sqlite::Connection;

class Database {
  public:
    // The layout this build writes; older ones are brought up to it when the file is opened.
    static constexpr int schema_version = 1;

    // Made with mode 0600. unsupported: made by a later Dawk; corrupt: not a directory database.
    static Result<std::shared_ptr<Database>> open(std::string path);
    ~Database();

    // Domains that are ours because the configuration says so, besides those that were added. They
    // get a row of their own with their first user or alias. Replaces what was set before.
    void set_configured_domains(std::vector<std::string> const& domains);

    // Grows with every change, by whichever process, that is visible to reads begun after the call.
    Result<std::uint64_t> look_for_changes();
    // The same as far as known without looking; does not block.
    std::uint64_t generation() const noexcept { return generation_.load(); }

    // What decoy SCRAM keys are derived from; as old as the file, so that they look the same
    // tomorrow.
    std::string const& decoy_secret() const noexcept { return decoy_secret_; }

    struct Login {
        mail::Address address;
        std::string record;
        bool disabled = false;
    };
    Result<bool> has_domain(std::string const& domain);
    Result<directory::Found> find(mail::Address const& address, mail::Address const& postmaster);
    Result<std::optional<Login>> login(std::string const& name);

    Result<void> add_domain(std::string const& domain);
    Result<void> remove_domain(std::string const& domain);
    Result<std::vector<std::string>> domains();
    Result<void> add_user(mail::Address const& address, crypto::PasswordRecord const& password);
    Result<void> set_password(mail::Address const& address, crypto::PasswordRecord const& password);
    // Only if it is still `old`.
    Result<void> replace_password(mail::Address const& address, std::string const& old,
                                  crypto::PasswordRecord const& password);
    Result<void> set_disabled(mail::Address const& address, bool disabled);
    Result<void> remove_user(mail::Address const& address);
    Result<std::vector<directory::User>> users(std::string const& domain);
    Result<void> add_alias(directory::Alias const& alias);
    Result<void> remove_alias(mail::Address const& address);
    Result<std::vector<directory::Alias>> aliases(std::string const& domain);

  private:
    explicit Database(std::string path);
    Result<void> prepare();
    Result<std::unique_ptr<Connection>> reader();
    void give_back(std::unique_ptr<Connection> connection);
    template <class F>
    auto read(F query);
    Result<void> write(std::function<Result<void>(Connection&)> const& change);

    std::string const path_;
    std::string decoy_secret_;
    using DomainSet = std::set<std::string>;
    std::shared_ptr<DomainSet const> configured();
    std::mutex configured_mutex_;
    std::shared_ptr<DomainSet const> configured_ = std::make_shared<DomainSet>();
    std::atomic<std::uint64_t> generation_{1};
    std::mutex writer_mutex_;
    std::unique_ptr<Connection> writer_;
    std::mutex watcher_mutex_;
    std::unique_ptr<Connection> watcher_;
    std::int64_t watched_ = 0;
    std::mutex readers_mutex_;
    std::vector<std::unique_ptr<Connection>> readers_;
};

}  // namespace dawk::directory_sqlite
