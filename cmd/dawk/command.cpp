#include "cmd/dawk/command.hpp"

#include <cerrno>
#include <cstdlib>

#include <unistd.h>

#include "dawk/config/config.hpp"

namespace dawk::cmd {
namespace {

Exit exit_of(ErrorCode const& error) {
    if (error == Errc::not_found) return Exit::no_user;
    if (error == Errc::exists || error == Errc::conflict || error == Errc::bad_syntax ||
        error == Errc::too_long || error == Errc::too_many)
        return Exit::data;
    if (error == Errc::denied) return Exit::no_permission;
    if (error == Errc::unavailable || error == Errc::timed_out) return Exit::try_again;
    if (error == Errc::no_space || error == Errc::io_error || error == Errc::corrupt)
        return Exit::io;
    return Exit::failed;
}

void write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        auto const written = ::write(fd, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) throw Failure{Exit::io, ""};
        text.remove_prefix(static_cast<std::size_t>(written));
    }
}

}  // namespace

void fail(Exit code, std::string message) {
    throw Failure{code, std::move(message)};
}

void fail(ErrorCode const& error, std::string const& what) {
    fail(exit_of(error), what + ": " + error.message());
}

Globals& globals() {
    static Globals instance;
    return instance;
}

std::string config_file() {
    if (!globals().config_file.empty()) return globals().config_file;
    if (char const* named = std::getenv("DAWK_CONFIG"); named != nullptr && *named != '\0')
        return named;
    return ::access("dawk.toml", F_OK) == 0 ? "dawk.toml" : "/etc/dawk/dawk.toml";
}

std::shared_ptr<mta::Settings const> settings() {
    auto loaded = config::load(config_file());
    if (!loaded.settings) {
        print_error(loaded.text());
        bool const found = ::access(loaded.file.c_str(), F_OK) == 0;
        fail(Exit::config, found ? "" : "name the configuration with --config FILE");
    }
    return loaded.settings;
}

std::string state_dir() {
    return globals().state_dir.empty() ? settings()->state_dir : globals().state_dir;
}

void print(std::string_view text) {
    write_all(STDOUT_FILENO, text);
}
void print_error(std::string_view text) {
    write_all(STDERR_FILENO, text);
}

}  // namespace dawk::cmd
