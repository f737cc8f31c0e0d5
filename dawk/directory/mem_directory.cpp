#include "dawk/directory/mem_directory.hpp"

#include <algorithm>

namespace dawk::directory {
namespace {

// "" asks for all domains.
Result<std::string> filter_of(std::string const& domain) {
    if (domain.empty()) return std::string();
    return kept_domain(domain);
}

}  // namespace

MemDirectory::MemDirectory(mail::Address postmaster, crypto::PasswordCost cost)
    : postmaster_(std::move(postmaster)),
      cost_(cost),
      decoy_(crypto::PasswordRecord::decoy(cost)) {}

Result<bool> MemDirectory::Tables::has_domain(std::string const& domain) {
    return domain_names.contains(domain);
}
Result<Names::UserState> MemDirectory::Tables::user(mail::Address const& address) {
    auto const at = user_rows.find(address);
    if (at == user_rows.end()) return UserState::absent;
    return at->second.disabled ? UserState::disabled : UserState::enabled;
}
Result<std::vector<mail::Address>> MemDirectory::Tables::alias(mail::Address const& address) {
    auto const at = alias_rows.find(address);
    return at == alias_rows.end() ? std::vector<mail::Address>() : at->second;
}

Result<void> MemDirectory::is_free(mail::Address const& address) {
    if (!tables_.domain_names.contains(address.domain)) return Errc::not_found;
    if (tables_.user_rows.contains(address) || tables_.alias_rows.contains(address))
        return Errc::exists;
    return {};
}

Result<MemDirectory::UserRow*> MemDirectory::row(mail::Address const& address) {
    DAWK_TRY(auto const kept, kept_address(address));
    auto const at = tables_.user_rows.find(kept);
    if (at == tables_.user_rows.end()) return Errc::not_found;
    return &at->second;
}

MemDirectory::UserRow* MemDirectory::row_of_login(std::string const& name) {
    auto const address = login_name(name);
    if (!address) return nullptr;
    auto const at = tables_.user_rows.find(*address);
    return at == tables_.user_rows.end() ? nullptr : &at->second;
}

Task<Result<bool>> MemDirectory::has_domain(std::string domain) {
    auto const kept = kept_domain(domain);
    co_return kept.has_value() && tables_.domain_names.contains(*kept);
}

Task<Result<Found>> MemDirectory::find(mail::Address address) {
    co_return resolve(tables_, address, postmaster_);
}

Task<Result<LoginResult>> MemDirectory::login(std::string name, std::string password) {
    UserRow const* const found = row_of_login(name);
    bool const ok = (found ? found->password : decoy_).verify(password);
    if (!found || !ok) co_return LoginResult::bad_credentials;
    co_return found->disabled ? LoginResult::disabled : LoginResult::ok;
}

Task<Result<crypto::ScramKeys>> MemDirectory::scram_keys(std::string name) {
    UserRow const* const found = row_of_login(name);
    if (found) co_return found->password.scram();
    co_return crypto::ScramKeys::decoy(decoy_.scram().stored_key, name, cost_.scram_iterations);
}

Task<Result<LoginResult>> MemDirectory::may_log_in(std::string name) {
    UserRow const* const found = row_of_login(name);
    if (!found) co_return LoginResult::bad_credentials;
    co_return found->disabled ? LoginResult::disabled : LoginResult::ok;
}

Task<Result<void>> MemDirectory::add_domain(std::string domain) {
    auto const kept = kept_domain(domain);
    if (!kept) co_return kept.error();
    if (!tables_.domain_names.insert(*kept).second) co_return Errc::exists;
    co_return Result<void>();
}

Task<Result<void>> MemDirectory::remove_domain(std::string domain) {
    auto const kept = kept_domain(domain);
    if (!kept) co_return kept.error();
    if (!tables_.domain_names.contains(*kept)) co_return Errc::not_found;
    auto const inside = [&](auto const& row) { return row.first.domain == *kept; };
    if (std::any_of(tables_.user_rows.begin(), tables_.user_rows.end(), inside) ||
        std::any_of(tables_.alias_rows.begin(), tables_.alias_rows.end(), inside))
        co_return Errc::conflict;
    tables_.domain_names.erase(*kept);
    co_return Result<void>();
}

Task<Result<std::vector<std::string>>> MemDirectory::domains() {
    co_return std::vector<std::string>(tables_.domain_names.begin(), tables_.domain_names.end());
}

Task<Result<void>> MemDirectory::add_user(mail::Address address, std::string password) {
    auto const kept = new_user_name(address);
    if (!kept) co_return kept.error();
    auto const is_new = is_free(*kept);
    if (!is_new) co_return is_new.error();
    auto const record = crypto::PasswordRecord::make(password, cost_);
    if (!record) co_return record.error();
    tables_.user_rows.emplace(*kept, UserRow{*record, false});
    co_return Result<void>();
}

Task<Result<void>> MemDirectory::set_password(mail::Address address, std::string password) {
    auto const found = row(address);
    if (!found) co_return found.error();
    auto const record = crypto::PasswordRecord::make(password, cost_);
    if (!record) co_return record.error();
    (*found)->password = *record;
    co_return Result<void>();
}

Task<Result<void>> MemDirectory::set_disabled(mail::Address address, bool disabled) {
    auto const found = row(address);
    if (!found) co_return found.error();
    (*found)->disabled = disabled;
    co_return Result<void>();
}

Task<Result<void>> MemDirectory::remove_user(mail::Address address) {
    auto const kept = kept_address(address);
    if (!kept) co_return kept.error();
    if (tables_.user_rows.erase(*kept) == 0) co_return Errc::not_found;
    co_return Result<void>();
}

Task<Result<std::vector<User>>> MemDirectory::users(std::string domain) {
    auto const only = filter_of(domain);
    if (!only) co_return only.error();
    std::vector<User> out;
    for (auto const& [address, row] : tables_.user_rows)
        if (only->empty() || address.domain == *only) out.push_back({address, row.disabled});
    std::sort(out.begin(), out.end(), [](User const& a, User const& b) {
        return std::tie(a.address.domain, a.address.local) <
               std::tie(b.address.domain, b.address.local);
    });
    co_return out;
}

Task<Result<void>> MemDirectory::add_alias(Alias alias) {
    auto checked = new_alias(alias);
    if (!checked) co_return checked.error();
    auto const is_new = is_free(checked->address);
    if (!is_new) co_return is_new.error();
    tables_.alias_rows.emplace(checked->address, checked->targets);
    co_return Result<void>();
}

Task<Result<void>> MemDirectory::remove_alias(mail::Address address) {
    auto const kept = kept_address(address);
    if (!kept) co_return kept.error();
    if (tables_.alias_rows.erase(*kept) == 0) co_return Errc::not_found;
    co_return Result<void>();
}

Task<Result<std::vector<Alias>>> MemDirectory::aliases(std::string domain) {
    auto const only = filter_of(domain);
    if (!only) co_return only.error();
    std::vector<Alias> out;
    for (auto const& [address, targets] : tables_.alias_rows)
        if (only->empty() || address.domain == *only) out.push_back({address, targets});
    std::sort(out.begin(), out.end(), [](Alias const& a, Alias const& b) {
        return std::tie(a.address.domain, a.address.local) <
               std::tie(b.address.domain, b.address.local);
    });
    co_return out;
}

}  // namespace dawk::directory
