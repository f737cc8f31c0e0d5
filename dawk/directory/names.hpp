// The rules of names that all engines share: how a name is kept, and how an address is resolved.
//
//     auto found = resolve(names, address, postmaster);   // names: the engine's tables
//
// Pure apart from the tables it asks. Work is bounded: depth, aliases visited, targets.
// Standards: RFC 5321 §2.4, §4.5.1; RFC 5233 (subaddress after "+").
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dawk/directory/directory.hpp"

namespace dawk::directory {

inline constexpr std::size_t alias_depth_max = 10;
inline constexpr std::size_t alias_targets_max = 1000;  // of one alias, and of a result

// Domain names and addresses of ours as they are kept and looked up. Errors: bad_syntax, too_long.
Result<std::string> kept_domain(std::string_view domain);
Result<mail::Address> kept_address(mail::Address const& address);
// The same for one that is to become a user or an alias: rules of names apply.
Result<mail::Address> new_user_name(mail::Address const& address);
Result<Alias> new_alias(Alias const& alias);
// "local@domain" as typed at a login; nothing if that is no address.
std::optional<mail::Address> login_name(std::string_view name);

// The tables of an engine, asked with kept names.
class Names {
  public:
    enum class UserState { absent, enabled, disabled };
    virtual ~Names() = default;
    virtual Result<bool> has_domain(std::string const& domain) = 0;
    virtual Result<UserState> user(mail::Address const& address) = 0;
    // Empty if there is no such alias.
    virtual Result<std::vector<mail::Address>> alias(mail::Address const& address) = 0;
};

// too_many: aliases go deeper than alias_depth_max or to more than alias_targets_max.
Result<Found> resolve(Names& names, mail::Address const& address, mail::Address const& postmaster);

}  // namespace dawk::directory
