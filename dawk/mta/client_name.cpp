#include "dawk/mta/client_name.hpp"

#include <algorithm>
#include <memory>

#include "dawk/mail/address.hpp"

namespace dawk::mta {
namespace {

constexpr std::size_t names_max = 5;  // of one address; nobody needs more (RFC 7208 §4.6.4 has 10)

}  // namespace

Task<void> ClientName::known() {
    while (!known_) {
        co_await wake_.wait();
    }
}

void ClientName::set(std::string text) {
    text_ = std::move(text);
    known_ = true;
    wake_.wake();
}

Task<void> find_client_name(rt::Env& env, std::string address, std::shared_ptr<ClientName> name) {
    auto const deadline = env.clock.steady() + ClientName::patience;
    dns::Question reverse{dns::reverse_name(address), dns::Type::ptr};
    std::string confirmed;
    auto pointers = co_await env.resolver.query(std::move(reverse), deadline);
    if (pointers.names.size() > names_max) pointers.names.resize(names_max);
    bool const is_ipv6 = address.find(':') != address.npos;
    for (auto const& candidate : pointers.names) {
        if (!mail::parse_domain(candidate)) continue;
        dns::Question forward{candidate, is_ipv6 ? dns::Type::aaaa : dns::Type::a};
        auto const found = co_await env.resolver.query(std::move(forward), deadline);
        auto const& all = found.addresses;
        if (std::find(all.begin(), all.end(), address) == all.end()) continue;
        confirmed = candidate;
        break;
    }
    name->set(std::move(confirmed));
}

}  // namespace dawk::mta
