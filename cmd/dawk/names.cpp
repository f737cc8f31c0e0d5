#include "cmd/dawk/names.hpp"

#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dawk/base/ascii.hpp"
#include "dawk/config/config.hpp"
#include "dawk/directory/names.hpp"

#include "cmd/dawk/command.hpp"

namespace dawk::cmd {
namespace {

void make_folder(std::string const& path) {
    auto const mask = ::umask(0027);
    std::error_code error;
    std::filesystem::create_directories(path, error);
    ::umask(mask);
    if (error) fail(Exit::cannot_create, path + ": " + error.message());
}

// Root makes the database for the one who owns the folder, whom the server becomes: it could not open
// one of root's. SQLite itself gives its other files to the owner of the database.
void give_to_owner(std::string const& folder, std::string const& path) {
    struct stat info {};
    if (::geteuid() != 0 || ::stat(folder.c_str(), &info) != 0 || info.st_uid == 0) return;
    int const file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0) return;  // opening the database says why
    auto const given = ::fchown(file, info.st_uid, info.st_gid);
    ::close(file);
    if (given != 0) fail(Exit::cannot_create, path + ": cannot give it to the owner of " + folder);
}

}  // namespace

std::shared_ptr<directory_sqlite::Database> open_directory() {
    auto const folder = state_dir();
    make_folder(folder);
    auto const path = folder + "/directory.db";
    give_to_owner(folder, path);
    auto database = directory_sqlite::Database::open(path);
    if (!database) fail(database.error(), path);
    return *database;
}

void add_domain_of_configuration(directory_sqlite::Database& database, std::string const& domain) {
    auto const known = database.has_domain(domain);
    if (!known) fail(known.error(), domain);
    if (*known) return;
    // With --state-dir there need not be a configuration at all.
    auto const loaded = config::load(config_file());
    if (!loaded.settings) return;
    auto const kept = directory::kept_domain(domain);
    for (auto const& ours : loaded.settings->routing.domains) {
        auto const name = directory::kept_domain(ours.name);
        if (!kept || !name || *kept != *name) continue;
        auto const added = database.add_domain(ours.name);
        if (!added && added.error() != Errc::exists) fail(added.error(), domain);
        return;
    }
}

mail::Address address_of(std::string const& text, bool catch_all) {
    if (catch_all && text.starts_with("*@")) {
        auto domain = mail::parse_domain(std::string_view(text).substr(2), {.utf8 = true});
        if (domain) return {"*", *std::move(domain)};
    }
    auto address = mail::parse_mailbox(text, {.utf8 = true});
    if (!address) fail(Exit::data, ascii::printable(text, 300) + " is not an address");
    return *std::move(address);
}

}  // namespace dawk::cmd
