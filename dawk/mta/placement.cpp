#include "dawk/mta/placement.hpp"

namespace dawk::mta {

Task<Result<bool>> is_our_domain(directory::Directory& directory, routing::Router router,
                                 std::string domain) {
    if (router.has_domain(domain)) co_return Result<bool>(true);
    auto known = co_await directory.has_domain(std::move(domain));
    co_return known;
}

Task<Placement> place(directory::Directory& directory, routing::Router router,
                      mail::Address address) {
    Placement placement;
    auto const ours = co_await is_our_domain(directory, router, address.domain);
    if (!ours) {
        placement.kind = Placement::Kind::unavailable;
        co_return placement;
    }
    placement.is_local = *ours;
    if (!placement.is_local) {
        auto key = router.key_of(address.domain, false);
        placement.to.push_back({std::move(address), std::move(key)});
        co_return placement;
    }
    auto const found = co_await directory.find(address);
    if (!found) {
        placement.kind = Placement::Kind::unavailable;
        co_return placement;
    }
    using Kind = directory::Found::Kind;
    if (found->kind == Kind::unknown) placement.kind = Placement::Kind::unknown;
    if (found->kind == Kind::disabled) placement.kind = Placement::Kind::disabled;
    placement.is_alias = found->kind == Kind::alias;
    if (found->kind != Kind::mailbox && found->kind != Kind::alias) co_return placement;
    for (auto const& target : found->targets) {
        bool is_local = found->kind == Kind::mailbox;
        if (!is_local) {
            auto const local = co_await is_our_domain(directory, router, target.domain);
            if (!local) {
                placement.kind = Placement::Kind::unavailable;
                co_return placement;
            }
            is_local = *local;
        }
        placement.to.push_back({target, router.key_of(target.domain, is_local)});
    }
    if (placement.to.empty()) placement.kind = Placement::Kind::unknown;
    co_return placement;
}

}  // namespace dawk::mta
