// dawk user: who has a mailbox here and may log in.
#include "dawk/crypto/password.hpp"

#include "cmd/dawk/cli.hpp"
#include "cmd/dawk/json.hpp"
#include "cmd/dawk/names.hpp"
#include "cmd/dawk/secret.hpp"

namespace dawk::cmd {
namespace {

struct Options {
    std::string address;
    std::string domain;
    std::string password_file;
};
using OptionsPtr = std::shared_ptr<Options>;

crypto::PasswordRecord new_password(Options const& options) {
    auto const password = options.password_file.empty()
                              ? ask_new_password("Password of " + options.address)
                              : read_secret_file(options.password_file);
    auto const record = crypto::PasswordRecord::make(password);
    if (record) return *record;
    if (record.error() == Errc::bad_syntax)
        fail(Exit::data, "a password is not empty, and UTF-8 without control characters");
    if (record.error() == Errc::too_long) fail(Exit::data, "a password has at most 1024 octets");
    fail(record.error(), "password");
}

void add(Options const& options) {
    auto const address = address_of(options.address);
    auto const database = open_directory();
    auto const known = database->has_domain(address.domain);
    if (known && !*known)
        fail(Exit::no_user, address.domain + " is not a domain of ours; see dawk domain add");
    auto const added = database->add_user(address, new_password(options));
    if (!added) fail(added.error(), options.address);
    say_done("added", "address", address.text());
}

[[noreturn]] void fail_with(ErrorCode const& error, Options const& options) {
    if (error == Errc::not_found) fail(Exit::no_user, options.address + ": there is no such user");
    fail(error, options.address);
}

void change_password(Options const& options) {
    auto const address = address_of(options.address);
    auto const database = open_directory();
    auto const users = database->login(options.address);
    if (users && !*users) fail_with(Errc::not_found, options);
    auto const changed = database->set_password(address, new_password(options));
    if (!changed) fail_with(changed.error(), options);
    say_done("changed", "address", address.text());
}

void remove(Options const& options) {
    auto const address = address_of(options.address);
    auto const removed = open_directory()->remove_user(address);
    if (!removed) fail_with(removed.error(), options);
    say_done("removed", "address", address.text());
}

void set_disabled(Options const& options, bool disabled) {
    auto const address = address_of(options.address);
    auto const done = open_directory()->set_disabled(address, disabled);
    if (!done) fail_with(done.error(), options);
    say_done(disabled ? "disabled" : "enabled", "address", address.text());
}

void list(Options const& options) {
    auto const users = open_directory()->users(options.domain);
    if (!users) fail(users.error(), options.domain.empty() ? "users" : options.domain);
    if (globals().json)
        return print_json(Json::array_of(*users, [](directory::User const& user) {
            return Json::object({{"address", user.address.text()}, {"disabled", user.disabled}});
        }));
    for (auto const& user : *users)
        print(user.address.text() + (user.disabled ? " (disabled)\n" : "\n"));
}

CLI::App* add_verb(CLI::App* command, OptionsPtr const& options, std::string const& name,
                   std::string const& what) {
    auto* verb = command->add_subcommand(name, what);
    verb->add_option("ADDRESS", options->address, "The user's address")->required();
    return verb;
}

void add_password_option(CLI::App* verb, OptionsPtr const& options) {
    verb->add_option("--password-file", options->password_file,
                     "Take the password from the first line of FILE; - is standard input")
        ->type_name("FILE");
}

}  // namespace

void add_user_command(CLI::App& app) {
    auto* command = app.add_subcommand("user", "Users: mailboxes, passwords");
    command->group(groups::names);
    auto options = std::make_shared<Options>();
    auto* adding = add_verb(command, options, "add", "Adds a user and sets the password");
    add_password_option(adding, options);
    adding->callback([options] { add(*options); });
    auto* password = add_verb(command, options, "passwd", "Sets the password");
    add_password_option(password, options);
    password->callback([options] { change_password(*options); });
    add_verb(command, options, "remove", "Removes a user; the mailbox's files stay")
        ->callback([options] { remove(*options); });
    add_verb(command, options, "disable", "Refuses logins and mail of a user")->callback([options] {
        set_disabled(*options, true);
    });
    add_verb(command, options, "enable", "Takes back disable")->callback([options] {
        set_disabled(*options, false);
    });
    auto* listing = command->add_subcommand("list", "Prints the users");
    listing->add_option("DOMAIN", options->domain, "Only those of this domain");
    listing->callback([options] { list(*options); });
}

}  // namespace dawk::cmd
