#include "cmd/dawk/admin.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include "dawk/base/ascii.hpp"
#include "dawk/config/config.hpp"
#include "dawk/http/client.hpp"
#include "dawk/mta/settings.hpp"

namespace dawk::cmd {
namespace {

Exit exit_of(unsigned status) {
    if (status == 404) return Exit::no_user;
    if (status == 400 || status == 405) return Exit::usage;
    if (status == 503) return Exit::try_again;
    return Exit::failed;
}

// The words of an RFC 9457 problem, or the body as it is.
std::string words_of(rt::HttpResponse const& response) {
    boost::system::error_code error;
    auto const value = boost::json::parse(response.body, error);
    if (error || !value.is_object()) return response.body.substr(0, 500);
    std::string words;
    auto const& object = value.as_object();
    for (auto const* name : {"title", "detail", "error"}) {
        auto const* const text = object.if_contains(name);
        if (text == nullptr || !text->is_string()) continue;
        // The detail says it all.
        if (text->as_string() == "Bad request" && object.contains("detail")) continue;
        words += (words.empty() ? "" : ": ") + std::string(text->as_string());
    }
    return words;
}

std::string admin_socket() {
    if (!globals().state_dir.empty()) return globals().state_dir + "/dawk.sock";
    // What is wrong with the file is the server's to say, when it is asked to take it.
    auto const loaded = config::load(config_file());
    return loaded.admin_socket.empty() ? settings()->admin_socket : loaded.admin_socket;
}

rt::ExplainedResult<rt::HttpResponse> exchange(std::string const& socket, std::string method,
                                               std::string target) {
    rt::HttpRequest request;
    request.method = std::move(method);
    request.target = std::move(target);
    return http::request(socket, std::move(request));
}

bool is_nobody(ErrorCode const& error) {
    namespace errc = boost::system::errc;
    return error == Errc::not_found || error == errc::no_such_file_or_directory ||
           error == errc::connection_refused || error == errc::not_connected;
}

// The server's words may be several lines, each a problem of the configuration.
std::string lines(std::string_view text) {
    text = ascii::trim(text);
    std::string out;
    while (true) {
        auto const end = text.find('\n');
        out += ascii::printable(text.substr(0, end), 4096);
        if (end == text.npos) return out;
        out += '\n';
        text.remove_prefix(end + 1);
    }
}

}  // namespace

std::string ask_server(std::string method, std::string target, std::optional<Exit> refused) {
    auto const socket = admin_socket();
    auto const response = exchange(socket, std::move(method), std::move(target));
    if (!response) {
        auto const& error = response.error();
        if (is_nobody(error.code))
            fail(Exit::unavailable, "no server runs here (nobody listens on " + socket + ')');
        bool const denied =
            error.code == Errc::denied || error.code == boost::system::errc::permission_denied;
        fail(denied ? Exit::no_permission : Exit::unavailable,
             "no server answers at " + socket + ": " +
                 (error.detail.empty() ? error.code.message() : error.detail));
    }
    if (response->status / 100 != 2) {
        bool const is_busy = response->status == 503;
        fail(is_busy ? Exit::try_again : refused.value_or(exit_of(response->status)),
             lines(words_of(*response)));
    }
    return response->body;
}

bool server_is_gone() {
    auto const response = exchange(admin_socket(), "GET", "/healthz");
    return !response && is_nobody(response.error().code);
}

std::string query(std::vector<std::pair<std::string, std::string>> const& members) {
    std::string out;
    for (auto const& [name, value] : members) {
        if (value.empty()) continue;
        out += (out.empty() ? '?' : '&') + name + '=' + ascii::percent_encoded(value);
    }
    return out;
}

}  // namespace dawk::cmd
