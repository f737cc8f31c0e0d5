// MemDirectory: the directory in memory, for tests and the simulation. One thread. Password records
// are made at the cheapest cost unless told otherwise, and on the calling thread.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "dawk/directory/directory.hpp"
#include "dawk/directory/names.hpp"

namespace dawk::directory {

class MemDirectory final : public Directory {
  public:
    explicit MemDirectory(mail::Address postmaster = {},
                          crypto::PasswordCost cost = crypto::PasswordCost::cheapest());

    Task<Result<bool>> has_domain(std::string domain) override;
    Task<Result<Found>> find(mail::Address address) override;
    Task<Result<LoginResult>> login(std::string name, std::string password) override;
    Task<Result<crypto::ScramKeys>> scram_keys(std::string name) override;
    Task<Result<LoginResult>> may_log_in(std::string name) override;
    Task<Result<void>> add_domain(std::string domain) override;
    Task<Result<void>> remove_domain(std::string domain) override;
    Task<Result<std::vector<std::string>>> domains() override;
    Task<Result<void>> add_user(mail::Address address, std::string password) override;
    Task<Result<void>> set_password(mail::Address address, std::string password) override;
    Task<Result<void>> set_disabled(mail::Address address, bool disabled) override;
    Task<Result<void>> remove_user(mail::Address address) override;
    Task<Result<std::vector<User>>> users(std::string domain) override;
    Task<Result<void>> add_alias(Alias alias) override;
    Task<Result<void>> remove_alias(mail::Address address) override;
    Task<Result<std::vector<Alias>>> aliases(std::string domain) override;

  private:
    struct UserRow {
        crypto::PasswordRecord password;
        bool disabled = false;
    };
    struct Tables final : Names {
        Result<bool> has_domain(std::string const& domain) override;
        Result<UserState> user(mail::Address const& address) override;
        Result<std::vector<mail::Address>> alias(mail::Address const& address) override;

        std::set<std::string> domain_names;
        std::map<mail::Address, UserRow> user_rows;
        std::map<mail::Address, std::vector<mail::Address>> alias_rows;
    };
    Result<void> is_free(mail::Address const& address);
    Result<UserRow*> row(mail::Address const& address);
    UserRow* row_of_login(std::string const& name);

    mail::Address postmaster_;
    crypto::PasswordCost cost_;
    crypto::PasswordRecord decoy_;
    Tables tables_;
};

}  // namespace dawk::directory
