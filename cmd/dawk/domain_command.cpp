// dawk domain: the domains whose mail is delivered here.
#include <algorithm>
#include <set>

#include "dawk/base/ascii.hpp"
#include "dawk/config/config.hpp"
#include "dawk/directory/names.hpp"

#include "cmd/dawk/cli.hpp"
#include "cmd/dawk/json.hpp"
#include "cmd/dawk/names.hpp"

namespace dawk::cmd {
namespace {

using Words = std::shared_ptr<std::vector<std::string>>;

// Domains that only the configuration names; none without a configuration.
std::set<std::string> configured() {
    std::set<std::string> out;
    auto const loaded = config::load(config_file());
    if (!loaded.settings) return out;
    for (auto const& domain : loaded.settings->routing.domains)
        if (auto const name = directory::kept_domain(domain.name)) out.insert(*name);
    return out;
}

// One object, or an array where several were named.
void say_all(char const* result, std::vector<std::string> const& names) {
    if (names.size() == 1) return say_done(result, "domain", names.front());
    if (!globals().json) return;
    print_json(Json::array_of(names, [&](std::string const& name) {
        return Json::object({{"result", result}, {"domain", name}});
    }));
}

void add(std::vector<std::string> const& names) {
    auto const database = open_directory();
    for (auto const& name : names) {
        auto const added = database->add_domain(name);
        if (added) continue;
        if (added.error() == Errc::bad_syntax || added.error() == Errc::too_long)
            fail(Exit::data, ascii::printable(name, 300) + " is not the name of a domain");
        fail(added.error(), name);
    }
    say_all("added", names);
}

void remove(std::vector<std::string> const& names) {
    auto const database = open_directory();
    for (auto const& name : names) {
        auto const removed = database->remove_domain(name);
        if (removed) continue;
        if (removed.error() == Errc::conflict)
            fail(Exit::data, name + " still has users or aliases; remove them first");
        if (removed.error() != Errc::not_found) fail(removed.error(), name);
        auto const kept = directory::kept_domain(name);
        bool const in_file = kept && configured().contains(*kept);
        fail(Exit::no_user, name + (in_file ? " stands in the configuration, not in the directory"
                                            : ": there is no such domain"));
    }
    say_all("removed", names);
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
