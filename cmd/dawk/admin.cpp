#include "cmd/dawk/admin.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include "dawk/base/ascii.hpp"
#include "dawk/http/client.hpp"
#include "dawk/mta/settings.hpp"

#include "cmd/dawk/command.hpp"

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
    if (error || !value.is_object()) return ascii::printable(response.body, 500);
    std::string words;
    for (auto const* name : {"title", "detail"}) {
        auto const* const text = value.as_object().if_contains(name);
        if (text == nullptr || !text->is_string()) continue;
        words += (words.empty() ? "" : ": ") + std::string(text->as_string());
    }
    return words;
}

}  // namespace

std::string ask_server(std::string method, std::string target) {
    auto socket = settings()->admin_socket;
    if (!globals().state_dir.empty()) socket = globals().state_dir + "/dawk.sock";
    rt::HttpRequest request;
    request.method = std::move(method);
    request.target = std::move(target);
    auto const response = http::request(socket, std::move(request));
    if (!response)
        fail(Exit::unavailable,
             "no server answers at " + socket + ": " +
                 (response.error().detail.empty() ? response.error().code.message()
                                                  : response.error().detail));
    if (response->status / 100 != 2) fail(exit_of(response->status), words_of(*response));
    return response->body;
}

std::string encoded(std::string_view text) {
    static constexpr char digits[] = "0123456789ABCDEF";
    std::string out;
    for (char const c : text) {
        if (ascii::is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~') {
            out += c;
            continue;
        }
        auto const octet = static_cast<unsigned char>(c);
        out += '%';
        out += digits[octet >> 4U];
        out += digits[octet & 15U];
    }
    return out;
}

std::string query(std::vector<std::pair<std::string, std::string>> const& members) {
    std::string out;
    for (auto const& [name, value] : members) {
        if (value.empty()) continue;
        out += (out.empty() ? '?' : '&') + name + '=' + encoded(value);
    }
    return out;
}

}  // namespace dawk::cmd
