#include "cmd/dawk/names.hpp"

#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dawk/base/ascii.hpp"
#include "dawk/config/config.hpp"

#include "cmd/dawk/command.hpp"
#include "cmd/dawk/json.hpp"

namespace dawk::cmd {
namespace {

void make_folder(std::string const& path) {
    auto const mask = ::umask(0027);
    std::error_code error;
    std::filesystem::create_directories(path, error);
    ::umask(mask);
    if (error) fail(Exit::cannot_create, path + ": " + error.message());
}

// Root makes the database for the one who owns the folder, whom the server becomes: it could not
// open one of root's. SQLite itself gives its other files to the owner of the database.
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

std::string database_path(std::string const& name) {
    auto const folder = state_dir();
    make_folder(folder);
    auto path = folder + '/' + name;
    give_to_owner(folder, path);
    return path;
}

std::shared_ptr<directory_sqlite::Database> open_directory() {
    auto const path = database_path("directory.db");
    auto database = directory_sqlite::Database::open(path);
    if (!database) fail(database.error(), path);
    // With --state-dir there need not be a configuration at all.
    std::vector<std::string> domains;
    if (auto const loaded = config::load(config_file()); loaded.settings)
        for (auto const& domain : loaded.settings->routing.domains) domains.push_back(domain.name);
    (*database)->set_configured_domains(domains);
    return *database;
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

void say_done(char const* result, char const* what, std::string const& name) {
    if (globals().json) print_json(Json::object({{"result", result}, {what, name}}));
}

}  // namespace dawk::cmd
