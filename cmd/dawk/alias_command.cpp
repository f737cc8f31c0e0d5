// dawk alias: names that stand for other addresses.
#include "cmd/dawk/cli.hpp"
#include "cmd/dawk/json.hpp"
#include "cmd/dawk/names.hpp"

namespace dawk::cmd {
namespace {

struct Options {
    std::string address;
    std::vector<std::string> targets;
    std::string domain;
};
using OptionsPtr = std::shared_ptr<Options>;

// A target of ours that nobody answers for is most likely a slip.
void warn_of_dead_targets(directory_sqlite::Database& database, directory::Alias const& alias) {
    for (auto const& target : alias.targets) {
        auto const ours = database.has_domain(target.domain);
        if (!ours || !*ours) continue;
        auto const found = database.find(target, {});
        if (found && found->kind == directory::Found::Kind::unknown)
            print_error("dawk: warning: there is no " + target.text() + " here yet\n");
    }
}

void add(Options const& options) {
    directory::Alias alias;
    alias.address = address_of(options.address, true);
    for (auto const& target : options.targets) alias.targets.push_back(address_of(target));
    auto const database = open_directory();
    auto const known = database->has_domain(alias.address.domain);
    if (known && !*known)
        fail(Exit::no_user, alias.address.domain + " is not a domain of ours; see dawk domain add");
    auto const added = database->add_alias(alias);
    if (!added && added.error() == Errc::exists)
        fail(Exit::data, options.address + ": there is a user or an alias of that name");
    if (!added) fail(added.error(), options.address);
    warn_of_dead_targets(*database, alias);
    say_done("added", "address", options.address);
}

void remove(Options const& options) {
    auto const removed = open_directory()->remove_alias(address_of(options.address, true));
    if (!removed && removed.error() == Errc::not_found)
        fail(Exit::no_user, options.address + ": there is no such alias");
    if (!removed) fail(removed.error(), options.address);
    say_done("removed", "address", options.address);
}

void list(Options const& options) {
    auto const aliases = open_directory()->aliases(options.domain);
    if (!aliases) fail(aliases.error(), options.domain.empty() ? "aliases" : options.domain);
    auto const name_of = [](directory::Alias const& alias) {
        return alias.address.local == "*" ? "*@" + alias.address.domain : alias.address.text();
    };
    if (globals().json)
        return print_json(Json::array_of(*aliases, [&](directory::Alias const& alias) {
            auto const text = [](mail::Address const& target) { return Json(target.text()); };
            return Json::object(
                {{"address", name_of(alias)}, {"targets", Json::array_of(alias.targets, text)}});
        }));
    for (auto const& alias : *aliases) {
        std::string line = name_of(alias) + ':';
        for (auto const& target : alias.targets) line += ' ' + target.text();
        print(line + '\n');
    }
}

}  // namespace

void add_alias_command(CLI::App& app) {
    auto* command = app.add_subcommand("alias", "Aliases: names that stand for other addresses");
    command->group(groups::names);
    auto options = std::make_shared<Options>();
    constexpr auto what = "The alias; *@DOMAIN takes what nobody else does";
    auto* adding = command->add_subcommand("add", "Adds an alias");
    adding->add_option("ADDRESS", options->address, what)->required();
    adding->add_option("TARGET", options->targets, "Where its mail goes, here or elsewhere")
        ->required();
    adding->callback([options] { add(*options); });
    auto* removing = command->add_subcommand("remove", "Removes an alias");
    removing->add_option("ADDRESS", options->address, what)->required();
    removing->callback([options] { remove(*options); });
    auto* listing = command->add_subcommand("list", "Prints the aliases");
    listing->add_option("DOMAIN", options->domain, "Only those of this domain");
    listing->callback([options] { list(*options); });
}

}  // namespace dawk::cmd
