#include "dawk/directory/names.hpp"

#include <algorithm>
#include <set>

#include "dawk/base/ascii.hpp"
#include "dawk/mail/idna.hpp"

namespace dawk::directory {
namespace {

constexpr std::size_t visited_max = 10'000;

bool is_postmaster(mail::Address const& address) {
    return address.local == "postmaster";
}

// One resolution: looks an address up and follows its aliases.
class Walk {
  public:
    Walk(Names& names, mail::Address const& postmaster) : names_(names), postmaster_(postmaster) {}

    Result<Found> run(mail::Address const& address);

  private:
    // What one name means, before aliases are followed.
    Result<Found> look_up(mail::Address const& address);
    Result<std::optional<Found>> look_up_exact(mail::Address const& address);
    Result<void> follow(mail::Address const& target, std::size_t depth);
    Result<void> add(mail::Address address);

    Names& names_;
    mail::Address const& postmaster_;
    std::set<mail::Address> visited_;
    std::set<mail::Address> known_;  // of flat_
    std::vector<mail::Address> flat_;
};

Result<std::optional<Found>> Walk::look_up_exact(mail::Address const& address) {
    DAWK_TRY(auto const state, names_.user(address));
    if (state == Names::UserState::enabled)
        return std::optional(Found{Found::Kind::mailbox, {address}, {}});
    if (state == Names::UserState::disabled)
        return std::optional(Found{Found::Kind::disabled, {}, {}});
    DAWK_TRY(auto targets, names_.alias(address));
    if (!targets.empty()) return std::optional(Found{Found::Kind::alias, std::move(targets), {}});
    return std::optional<Found>();
}

Result<Found> Walk::look_up(mail::Address const& given) {
    DAWK_TRY(mail::Address const address, kept_address(given));
    DAWK_TRY(auto exact, look_up_exact(address));
    if (exact) return *std::move(exact);
    if (auto const plus = address.local.find('+'); plus != 0 && plus != std::string::npos) {
        DAWK_TRY(auto base, look_up_exact({address.local.substr(0, plus), address.domain}));
        if (base) {
            // Folders may care for case, so the detail is as it came.
            if (base->kind == Found::Kind::mailbox) base->detail = given.local.substr(plus + 1);
            return *std::move(base);
        }
    }
    if (is_postmaster(address)) {
        if (postmaster_.is_null() || postmaster_ == address)
            return Found{Found::Kind::mailbox, {address}, {}};
        return Found{Found::Kind::alias, {postmaster_}, {}};
    }
    DAWK_TRY(auto catch_all, names_.alias({"*", address.domain}));
    if (!catch_all.empty()) return Found{Found::Kind::alias, std::move(catch_all), {}};
    return Found{};
}

Result<void> Walk::add(mail::Address address) {
    if (!known_.insert(address).second) return {};
    if (flat_.size() >= alias_targets_max) return Errc::too_many;
    flat_.push_back(std::move(address));
    return {};
}

Result<void> Walk::follow(mail::Address const& target, std::size_t depth) {
    auto const kept = kept_address(target);
    // Not even a name of ours: no local table knows it, it goes out as it is.
    if (!kept) return add(target);
    DAWK_TRY(bool const ours, names_.has_domain(kept->domain));
    if (!ours) return add(target);
    if (!visited_.insert(*kept).second) return {};
    if (depth > alias_depth_max || visited_.size() > visited_max) return Errc::too_many;
    DAWK_TRY(Found const found, look_up(target));
    switch (found.kind) {
        case Found::Kind::mailbox: {
            mail::Address mailbox = found.targets.front();
            if (!found.detail.empty()) mailbox.local += '+' + found.detail;
            return add(std::move(mailbox));
        }
        case Found::Kind::alias:
            for (auto const& next : found.targets) DAWK_TRY_VOID(follow(next, depth + 1));
            return {};
        case Found::Kind::unknown:
        case Found::Kind::disabled:
            return {};
    }
    return {};
}

Result<Found> Walk::run(mail::Address const& address) {
    if (address.domain.empty()) {
        // RFC 5321 §4.5.1: <postmaster> without a domain is ours, always.
        if (!ascii::iequals(address.local, "postmaster") || postmaster_.is_null()) return Found{};
        DAWK_TRY_VOID(follow(postmaster_, 1));
        if (flat_.empty()) DAWK_TRY_VOID(add(postmaster_));
        return Found{Found::Kind::alias, std::move(flat_), {}};
    }
    auto const kept = kept_address(address);
    if (!kept) return Found{};
    DAWK_TRY(bool const ours, names_.has_domain(kept->domain));
    if (!ours) return Found{};
    visited_.insert(*kept);
    DAWK_TRY(Found found, look_up(address));
    if (found.kind != Found::Kind::alias) return found;
    for (auto const& target : found.targets) DAWK_TRY_VOID(follow(target, 1));
    if (flat_.empty()) {
        if (is_postmaster(*kept)) return Found{Found::Kind::mailbox, {*kept}, {}};
        return Found{};
    }
    found.targets = std::move(flat_);
    return found;
}

bool is_name_of_user(std::string_view local) {
    return local != "*" && !local.starts_with('.') && local.find('/') == local.npos;
}

}  // namespace

Result<std::string> kept_domain(std::string_view domain) {
    DAWK_TRY(std::string const checked, mail::parse_domain(domain, {.utf8 = true}));
    if (checked.starts_with('[')) return Errc::bad_syntax;
    return mail::to_a_labels(checked);
}

Result<mail::Address> kept_address(mail::Address const& address) {
    if (address.local.empty() || address.has_literal()) return Errc::bad_syntax;
    DAWK_TRY(std::string domain, mail::to_a_labels(address.domain));
    return mail::Address{ascii::to_lower(address.local), std::move(domain)};
}

Result<mail::Address> new_user_name(mail::Address const& address) {
    DAWK_TRY(mail::Address const kept, kept_address(address));
    if (!is_name_of_user(kept.local)) return Errc::bad_syntax;
    // Written and read again: what is no address does not get in by another way than the grammar's.
    return mail::parse_mailbox(kept.text(), {.utf8 = true});
}

Result<Alias> new_alias(Alias const& alias) {
    Alias out;
    if (alias.address.local == "*") {
        DAWK_TRY(out.address, kept_address(alias.address));
    } else {
        DAWK_TRY(out.address, new_user_name(alias.address));
    }
    if (alias.targets.empty()) return Errc::bad_syntax;
    if (alias.targets.size() > alias_targets_max) return Errc::too_many;
    for (auto const& target : alias.targets) {
        DAWK_TRY(auto checked, mail::parse_mailbox(target.text(), {.utf8 = true}));
        auto const twice = std::find(out.targets.begin(), out.targets.end(), checked);
        if (twice == out.targets.end()) out.targets.push_back(std::move(checked));
    }
    return out;
}

std::optional<mail::Address> login_name(std::string_view name) {
    auto const address = mail::parse_mailbox(name, {.utf8 = true});
    if (!address) return std::nullopt;
    auto kept = kept_address(*address);
    if (!kept) return std::nullopt;
    return *std::move(kept);
}

Result<Found> resolve(Names& names, mail::Address const& address, mail::Address const& postmaster) {
    return Walk(names, postmaster).run(address);
}

}  // namespace dawk::directory
