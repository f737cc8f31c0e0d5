// dawk explain: the whole story of a message or an address.
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include "dawk/base/ascii.hpp"

#include "cmd/dawk/admin.hpp"
#include "cmd/dawk/cli.hpp"

namespace dawk::cmd {
namespace {

void explain(std::string const& about) {
    auto const body = ask_server("GET", "/v1/explain/" + ascii::percent_encoded(about));
    if (globals().json) return print(body);
    boost::system::error_code error;
    auto const value = boost::json::parse(body, error);
    auto const* const story =
        !error && value.is_object() ? value.as_object().if_contains("story") : nullptr;
    if (story == nullptr || !story->is_array())
        fail(Exit::software, "the server's answer is not understood");
    for (auto const& line : story->as_array())
        if (line.is_string()) print(std::string(line.as_string()) + '\n');
}

}  // namespace

void add_explain_command(CLI::App& app) {
    auto* command = app.add_subcommand(
        "explain",
        "Tells the story of a message: how it came, what was tried, what happens next;\n"
        "or where mail for an address goes, and its latest messages");
    command->group(groups::mail);
    auto about = std::make_shared<std::string>();
    command->add_option("ID|ADDRESS", *about, "A message id or an address")->required();
    command->callback([about] { explain(*about); });
}

}  // namespace dawk::cmd
