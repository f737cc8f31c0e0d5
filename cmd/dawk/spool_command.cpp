// dawk spool: look into, repair and move a spool that no server has open.
#include <filesystem>
#include <random>

#include <sys/stat.h>
#include <unistd.h>

#include "dawk/directory_sqlite/database.hpp"
#include "dawk/mta/settings.hpp"
#include "dawk/net/clock.hpp"
#include "dawk/net/files.hpp"
#include "dawk/net/work_pool.hpp"
#include "dawk/spool_rocks/tools.hpp"

#include "cmd/dawk/cli.hpp"
#include "cmd/dawk/names.hpp"

namespace dawk::cmd {
namespace {

namespace fs = std::filesystem;

struct Options {
    std::string spool;   // --spool; else state_dir/spool
    std::string folder;  // the other one: new spool, or mail files
    bool fast = false;
};
using OptionsPtr = std::shared_ptr<Options>;

// Files and threads for one command.
struct World {
    net::ThreadPool pool{"tool", 2};
    boost::asio::io_context io{1};
    net::RealClock clock{io};
    net::PosixFiles files;
    spool_rocks::ToolWorld tool() { return {pool, clock, files}; }
};

// What a command run by root leaves in a spool must belong to whom the spool belongs to, or the
// server cannot open it. Symbolic links are not followed.
class KeepOwner {
  public:
    explicit KeepOwner(std::string folder) : folder_(std::move(folder)) {}
    ~KeepOwner() {
        if (::geteuid() != 0) return;
        struct stat owner {};
        auto const parent = fs::path(folder_ + "/").parent_path().parent_path().string();
        if (::lstat(parent.empty() ? "." : parent.c_str(), &owner) != 0) return;
        give(folder_, owner);
        std::error_code error;
        for (fs::recursive_directory_iterator i(folder_, error), end; !error && i != end;
             i.increment(error)) {
            give(i->path().string(), owner);
        }
    }
    KeepOwner(KeepOwner const&) = delete;
    KeepOwner& operator=(KeepOwner const&) = delete;

  private:
    static void give(std::string const& path, struct stat const& owner) {
        struct stat now {};
        if (::lstat(path.c_str(), &now) != 0 || now.st_uid == owner.st_uid) return;
        if (::lchown(path.c_str(), owner.st_uid, owner.st_gid) != 0) {
            print_error("dawk: " + path + " stays with root; the server may not open it\n");
        }
    }
    std::string folder_;
};

spool_rocks::RocksOptions spool_of(Options const& options) {
    spool_rocks::RocksOptions out;
    out.folder = options.spool.empty() ? state_dir() + "/spool" : options.spool;
    out.disk_free_min_bytes = 0;  // on the bad day, the operator decides
    return out;
}

template <class Report>
Report or_fail(rt::ExplainedResult<Report> report) {
    if (!report) fail(Exit::unavailable, report.error().detail);
    return std::move(*report);
}

template <class Report>
void say(Report const& report) {
    print(globals().json ? report.json() + "\n" : report.text());
}

void check(Options const& options) {
    World world;
    auto const spool = spool_of(options);
    KeepOwner const owner(spool.folder);
    spool_rocks::CheckOptions what;
    what.contents = !options.fast;
    auto const report = or_fail(spool_rocks::check_spool(world.tool(), spool, what));
    say(report);
    if (!report.is_sound()) fail(Exit::failed, "");
}

void repair(Options const& options) {
    World world;
    auto const from = spool_of(options);
    auto into = from;
    into.folder = options.folder;
    KeepOwner const owner(into.folder);
    auto const report = or_fail(spool_rocks::repair_spool(world.tool(), from, into));
    say(report);
    if (report.lost.count() > 0) fail(Exit::failed, "");
}

void save(Options const& options) {
    World world;
    auto const spool = spool_of(options);
    KeepOwner const owner(spool.folder);
    auto const report = or_fail(spool_rocks::export_spool(world.tool(), spool, options.folder));
    say(report);
    if (report.failed.count() > 0) fail(Exit::failed, "");
}

void load(Options const& options) {
    World world;
    auto const spool = spool_of(options);
    KeepOwner const owner(spool.folder);
    std::random_device device;
    spool_rocks::ImportOptions how;
    how.random = [&] { return (static_cast<std::uint64_t>(device()) << 32U) | device(); };
    auto const configuration = options.spool.empty() ? settings() : nullptr;
    if (configuration) {
        routing::Router const router(configuration->routing);
        auto const directory = open_directory();
        how.destination_of = [router, directory](mail::Address const& address) {
            auto const known = directory->has_domain(address.domain);
            bool const ours = router.has_domain(address.domain) || (known && *known);
            return router.key_of(address.domain, ours);
        };
        how.lifetime = std::chrono::duration_cast<std::chrono::hours>(configuration->queue.expire);
    }
    auto const report =
        or_fail(spool_rocks::import_spool(world.tool(), spool, options.folder, how));
    say(report);
    if (report.failed.count() > 0) fail(Exit::failed, "");
}

}  // namespace

void add_spool_command(CLI::App& app) {
    auto* command = app.add_subcommand("spool", "The spool, while no server has it open");
    command->group(groups::mail);
    auto options = std::make_shared<Options>();
    auto const add = [&](char const* name, char const* what, void (*action)(Options const&)) {
        auto* sub = command->add_subcommand(name, what);
        sub->add_option("--spool", options->spool, "This folder instead of the configuration's");
        sub->callback([options, action] { action(*options); });
        return sub;
    };
    auto* checking =
        add("check", "Reads all, changes nothing; ends with 1 if there is damage", check);
    checking->add_flag("--fast", options->fast, "Without reading every content");
    add("repair", "Saves what is readable into a new spool; ends with 1 if anything is lost",
        repair)
        ->add_option("NEW", options->folder, "Folder of the new spool, not there yet")
        ->required();
    add("export", "Writes each message as ID.eml and ID.json", save)
        ->add_option("FOLDER", options->folder, "Where to")
        ->required();
    add("import", "Takes what export wrote; a lone .eml goes to whom its header fields name", load)
        ->add_option("FOLDER", options->folder, "Where from")
        ->required();
}

}  // namespace dawk::cmd
