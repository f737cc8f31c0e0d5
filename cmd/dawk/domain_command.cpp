// dawk domain: the domains whose mail is delivered here.
#include <algorithm>
#include <set>

#include "dawk/config/config.hpp"
#include "dawk/directory/names.hpp"

#include "cmd/dawk/cli.hpp"
#include "cmd/dawk/json.hpp"
#include "cmd/dawk/names.hpp"

namespace dawk::cmd {
namespace {

using Words = std::shared_ptr<std::vector<std::string>>;

void add(std::vector<std::string> const& names) {
    auto const database = open_directory();
    for (auto const& name : names)
        if (auto const added = database->add_domain(name); !added) fail(added.error(), name);
}

void remove(std::vector<std::string> const& names) {
    auto const database = open_directory();
    for (auto const& name : names) {
        auto const removed = database->remove_domain(name);
        if (removed) continue;
        if (removed.error() == Errc::conflict)
            fail(Exit::data, name + " still has users or aliases; remove them first");
        fail(removed.error(), name);
    }
}

// Domains that only the configuration names; none without a configuration.
std::set<std::string> configured() {
    std::set<std::string> out;
    auto const loaded = config::load(config_file());
    if (!loaded.settings) return out;
    for (auto const& domain : loaded.settings->routing.domains)
        if (auto const name = directory::kept_domain(domain.name)) out.insert(*name);
    return out;
}

void list() {
    auto const database = open_directory();
    auto const domains = database->domains();
    if (!domains) fail(domains.error(), "domains");
    auto names = configured();
    auto const in_file = names;
    names.insert(domains->begin(), domains->end());
    auto const is_added = [&](std::string const& name) {
        return std::binary_search(domains->begin(), domains->end(), name);
    };
    if (globals().json)
        return print_json(Json::array_of(names, [&](std::string const& name) {
            return Json::object({{"domain", name},
                                 {"configured", in_file.contains(name)},
                                 {"added", is_added(name)}});
        }));
    for (auto const& name : names) print(name + '\n');
}

}  // namespace

void add_domain_command(CLI::App& app) {
    auto* command = app.add_subcommand("domain", "Domains whose mail is delivered here");
    command->group(groups::names);
    auto const words = [&](CLI::App* sub) {
        auto names = std::make_shared<std::vector<std::string>>();
        sub->add_option("DOMAIN", *names, "A domain name")->required();
        return names;
    };
    auto* adding = command->add_subcommand("add", "Takes mail for domains");
    adding->callback([names = words(adding)] { add(*names); });
    auto* removing = command->add_subcommand("remove", "Takes no more mail for domains");
    removing->callback([names = words(removing)] { remove(*names); });
    command->add_subcommand("list", "Prints the domains, those of the configuration too")
        ->callback(list);
}

}  // namespace dawk::cmd
