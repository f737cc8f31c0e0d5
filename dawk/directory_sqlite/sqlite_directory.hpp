// SqliteDirectory: the directory of one shard over a Database that all shards share.
//
//     auto database = Database::open(settings.state_dir + "/directory.db");
//     SqliteDirectory directory(*database, env.pool, env.clock, {.postmaster = postmaster});
//
// Questions are answered from a bounded memory of this shard; what it does not know is asked on the
// pool, as are logins and changes. The memory is dropped when the database changed: at once for
// changes by this process, within Options::look_every for those of others (the dawk command). Never
// blocks the shard. Lives on one thread; the pool and clock outlive it.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dawk/base/time.hpp"
#include "dawk/directory/directory.hpp"
#include "dawk/directory_sqlite/database.hpp"
#include "dawk/rt/clock.hpp"
#include "dawk/rt/work.hpp"

namespace dawk::directory_sqlite {

struct Options {
    mail::Address postmaster{};  // null: each domain's postmaster has a mailbox of its own
    crypto::PasswordCost cost{};
    std::size_t remembered = 65'536;  // answers, of addresses and of domains each
    Millis look_every{500};           // for changes by other processes
};

class SqliteDirectory final : public directory::Directory {
  public:
    SqliteDirectory(std::shared_ptr<Database> database, rt::WorkPool& pool, rt::Clock& clock,
                    Options options);
    ~SqliteDirectory() override;

    Task<Result<bool>> has_domain(std::string domain) override;
    Task<Result<directory::Found>> find(mail::Address address) override;
    Task<Result<directory::LoginResult>> login(std::string name, std::string password) override;
    Task<Result<crypto::ScramKeys>> scram_keys(std::string name) override;
    Task<Result<directory::LoginResult>> may_log_in(std::string name) override;
    Task<Result<void>> add_domain(std::string domain) override;
    Task<Result<void>> remove_domain(std::string domain) override;
    Task<Result<std::vector<std::string>>> domains() override;
    Task<Result<void>> add_user(mail::Address address, std::string password) override;
    Task<Result<void>> set_password(mail::Address address, std::string password) override;
    Task<Result<void>> set_disabled(mail::Address address, bool disabled) override;
    Task<Result<void>> remove_user(mail::Address address) override;
    Task<Result<std::vector<directory::User>>> users(std::string domain) override;
    Task<Result<void>> add_alias(directory::Alias alias) override;
    Task<Result<void>> remove_alias(mail::Address address) override;
    Task<Result<std::vector<directory::Alias>>> aliases(std::string domain) override;

    std::uint64_t asked() const noexcept { return asked_; }  // questions that went to the pool

  private:
    struct Memory;
    bool is_fresh();
    void note_generation(std::uint64_t generation);
    Task<Result<void>> look();

    std::shared_ptr<Database> database_;
    rt::WorkPool& pool_;
    rt::Clock& clock_;
    Options options_;
    std::shared_ptr<crypto::PasswordRecord const> decoy_;
    std::unique_ptr<Memory> memory_;
    std::uint64_t generation_ = 0;  // of memory_
    std::optional<SteadyTime> looked_;
    std::uint64_t asked_ = 0;
};

}  // namespace dawk::directory_sqlite
