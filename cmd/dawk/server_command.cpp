// dawk status, reload and stop: orders to the server that runs here.
#include <chrono>
#include <thread>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "dawk/base/ascii.hpp"
#include "dawk/config/units.hpp"

#include "cmd/dawk/admin.hpp"
#include "cmd/dawk/cli.hpp"
#include "cmd/dawk/json.hpp"

namespace dawk::cmd {
namespace {

namespace json = boost::json;

// What a server of another version may leave out is shown as "-".
class View {
  public:
    explicit View(std::string const& body) {
        boost::system::error_code error;
        root_ = json::parse(body, error);
        if (error || !root_.is_object())
            fail(Exit::failed, "the server's answer is no JSON object");
    }
    json::value const* find(std::string_view first, std::string_view second = {}) const {
        auto const* value = root_.as_object().if_contains(first);
        if (second.empty() || value == nullptr || !value->is_object()) return value;
        return value->as_object().if_contains(second);
    }
    std::string text(std::string_view first, std::string_view second = {}) const {
        auto const* value = find(first, second);
        if (value == nullptr) return "-";
        if (auto const* string = value->if_string()) return ascii::printable(*string);
        return ascii::printable(json::serialize(*value));
    }
    std::string number(std::string_view first, std::string_view second = {}) const {
        auto const* value = find(first, second);
        boost::system::error_code error;
        auto const number = value == nullptr ? 0 : value->to_number<std::int64_t>(error);
        return value == nullptr || error ? "-" : std::to_string(number);
    }
    bool is_true(std::string_view name) const {
        auto const* value = find(name);
        return value != nullptr && value->is_bool() && value->get_bool();
    }

  private:
    json::value root_;
};

std::string size_words(std::string const& number) {
    auto const octets = ascii::to_number<std::uint64_t>(number);
    if (!octets) return number;
    constexpr std::array names = {"B", "KiB", "MiB", "GiB", "TiB"};
    std::size_t unit = 0;
    auto value = static_cast<double>(*octets);
    for (; value >= 1024 && unit + 1 < names.size(); ++unit) value /= 1024;
    std::array<char, 32> buffer{};
    std::snprintf(buffer.data(), buffer.size(), unit == 0 ? "%.0f %s" : "%.1f %s", value,
                  names[unit]);
    return buffer.data();
}

std::string up_words(std::string const& seconds) {
    auto const number = ascii::to_number<std::int64_t>(seconds);
    return number ? config::format_duration(std::chrono::seconds(*number)) : seconds;
}

void status() {
    auto const body = ask_server("GET", "/v1/status");
    View const view(body);
    bool const ready = view.is_true("ready");
    if (globals().json) {
        print_json(Json::raw(std::string(ascii::trim(body))));
        if (!ready) fail(Exit::failed, "");
        return;
    }
    std::string listeners;
    if (auto const* list = view.find("listeners"); list != nullptr && list->is_array())
        for (auto const& listener : list->as_array())
            if (auto const* text = listener.if_string())
                listeners += (listeners.empty() ? "" : ", ") + ascii::printable(*text);
    print("server     dawk " + view.text("version") + " on " + view.text("hostname") + '\n');
    print("state      " + (ready ? "ready" : "not ready: " + view.text("reason")) + '\n');
    print("up         " + up_words(view.number("uptime_seconds")) + ", since " +
          view.text("started") + '\n');
    print("config     " + view.text("config") + '\n');
    print("listening  " + (listeners.empty() ? "nowhere" : listeners) + '\n');
    print("queue      " + view.number("queue", "ready") + " ready, " +
          view.number("queue", "delivering") + " being delivered, " +
          view.number("queue", "destinations") + " destinations, of which " +
          view.number("queue", "backed_off") + " rest\n");
    print("spool      " + view.number("spool", "messages") + " messages, " +
          size_words(view.number("spool", "content_bytes")) + "; " +
          size_words(view.number("spool", "disk_free_bytes")) + " of disk free\n");
    if (!ready) fail(Exit::failed, "");
}

void reload() {
    auto const body = ask_server("POST", "/v1/reload", Exit::config);
    if (globals().json) return print_json(Json::raw(std::string(ascii::trim(body))));
    print("reloaded\n");
}

void stop(std::chrono::seconds wait) {
    auto const body = ask_server("POST", "/v1/stop");
    auto const end = std::chrono::steady_clock::now() + wait;
    bool gone = false;
    while (wait.count() > 0 && !(gone = server_is_gone())) {
        if (std::chrono::steady_clock::now() >= end)
            fail(Exit::try_again, "the server has not stopped yet");
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    if (globals().json) return print_json(Json::object({{"stopped", gone}}));
    print(gone ? "stopped\n" : "stopping\n");
}

}  // namespace

void add_server_command(CLI::App& app) {
    app.add_subcommand("status", "Says how the running server is")
        ->group(groups::server)
        ->callback(status);
    app.add_subcommand("reload", "Has the running server read its configuration again")
        ->group(groups::server)
        ->callback(reload);
    auto* stopping = app.add_subcommand("stop", "Stops the running server in good order");
    stopping->group(groups::server);
    auto wait = std::make_shared<std::string>("1m");
    stopping->add_option("--wait", *wait, "How long to wait until it has stopped; 0s does not")
        ->type_name("DURATION")
        ->capture_default_str();
    stopping->callback([wait] {
        auto const duration = config::parse_duration(*wait);
        if (!duration) fail(Exit::usage, ascii::printable(*wait, 80) + " is not a duration");
        stop(std::chrono::duration_cast<std::chrono::seconds>(*duration));
    });
}

}  // namespace dawk::cmd
