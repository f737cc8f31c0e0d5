// dawk queue: what waits for delivery, and what an operator may do about it.
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "dawk/base/ascii.hpp"

#include "cmd/dawk/admin.hpp"
#include "cmd/dawk/cli.hpp"
#include "cmd/dawk/queue_text.hpp"

namespace dawk::cmd {
namespace {

namespace json = boost::json;
using Members = std::vector<std::pair<std::string, std::string>>;

constexpr std::size_t list_default = 1000;

struct Options {
    std::vector<std::string> ids;
    std::string domain, recipient, sender, destination, state, older_than, note;
    bool all = false;
    std::size_t limit = 0;

    Members filter() const {
        return {{"domain", domain},           {"recipient", recipient}, {"sender", sender},
                {"destination", destination}, {"state", state},         {"older_than", older_than}};
    }
    bool has_filter() const {
        for (auto const& [name, value] : filter())
            if (!value.empty()) return true;
        return all;
    }
};

json::object parse(std::string const& body) {
    boost::system::error_code error;
    auto value = json::parse(body, error);
    if (error || !value.is_object()) fail(Exit::software, "the server's answer is not understood");
    return std::move(value.as_object());
}

std::string next_of(json::object const& page) {
    auto const* const next = page.if_contains("next");
    return next != nullptr && next->is_string() ? std::string(next->as_string()) : std::string();
}

// All pages of a list; each: what to do with one item, false to stop. True when nothing was left.
bool walk(std::string const& path, Members const& members, char const* name,
          std::function<bool(json::object const&)> const& each) {
    std::string after;
    do {
        auto with = members;
        with.emplace_back("after", after);
        with.emplace_back("limit", "500");
        auto const page = parse(ask_server("GET", path + query(with)));
        auto const* const items = page.if_contains(name);
        if (items == nullptr || !items->is_array())
            fail(Exit::software, "the server's answer is not understood");
        for (auto const& item : items->as_array())
            if (item.is_object() && !each(item.as_object())) return false;
        after = next_of(page);
    } while (!after.empty());
    return true;
}

void print_value(json::value const& value) {
    print(json::serialize(value) + '\n');
}

void list(Options const& options) {
    auto limit = options.limit;
    if (limit == 0) limit = globals().json ? SIZE_MAX : list_default;
    json::array array;
    std::size_t count = 0;
    bool const is_all =
        walk("/v1/queue", options.filter(), "messages", [&](json::object const& one) {
            if (count == limit) return false;
            ++count;
            if (globals().json)
                array.push_back(one);
            else
                print(message_text(one, false));
            return true;
        });
    if (globals().json) return print_value(array);
    if (count == 0) return print("The queue is empty.\n");
    if (!is_all) print("There are more; --limit shows more than " + std::to_string(count) + ".\n");
}

void destinations() {
    json::array array;
    walk("/v1/queue/destinations", {}, "destinations", [&](json::object const& one) {
        if (globals().json)
            array.push_back(one);
        else
            print(destination_text(one));
        return true;
    });
    if (globals().json) print_value(array);
}

void show(Options const& options) {
    for (auto const& id : options.ids) {
        auto const body = ask_server("GET", "/v1/queue/" + ascii::percent_encoded(id));
        if (globals().json)
            print(body);
        else
            print(message_text(parse(body), true));
    }
}

void cat(Options const& options) {
    for (auto const& id : options.ids)
        print(ask_server("GET", "/v1/queue/" + ascii::percent_encoded(id) + "/content"));
}

void add_up(json::object& sum, json::object const& one) {
    for (auto const& member : one) {
        auto& value = sum[member.key()];
        if (member.value().is_number() && value.is_number())
            value = value.to_number<std::int64_t>() + member.value().to_number<std::int64_t>();
        else
            value = member.value();
    }
}

// words: "Retried" ...
void act(std::string const& verb, std::string const& words, Options const& options) {
    if (options.ids.empty() && !options.has_filter())
        fail(Exit::usage, "name messages, a filter, or --all");
    auto members = options.filter();
    members.emplace_back("note", options.note);
    json::object sum;
    for (auto const& id : options.ids)
        add_up(sum, parse(ask_server("POST", "/v1/queue/" + ascii::percent_encoded(id) + '/' +
                                                 verb + query(members))));
    if (options.ids.empty()) {
        if (options.all) members.emplace_back("all", "true");
        std::string after;
        do {
            auto with = members;
            with.emplace_back("after", after);
            auto const page = parse(ask_server("POST", "/v1/queue/" + verb + query(with)));
            add_up(sum, page);
            after = next_of(page);
        } while (!after.empty());
        sum.erase("next");
    }
    if (globals().json)
        print_value(sum);
    else
        print(done_text(sum, words));
}

void add_filter(CLI::App* sub, std::shared_ptr<Options> const& options) {
    sub->add_option("--domain", options->domain, "Recipients in this domain");
    sub->add_option("--recipient", options->recipient, "Recipients with this address");
    sub->add_option("--sender", options->sender, "Messages of this sender; \"<>\": bounces");
    sub->add_option("--destination", options->destination, "As \"dawk queue destinations\" has it");
    sub->add_option("--state", options->state, "waiting or held");
    sub->add_option("--older-than", options->older_than, "90s, 15m, 4h, 2d");
}

void add_action(CLI::App* command, std::string const& verb, std::string const& words,
                std::string const& help) {
    auto* sub = command->add_subcommand(verb, help);
    auto options = std::make_shared<Options>();
    sub->add_option("ID", options->ids, "Messages, as the log and \"dawk queue list\" name them");
    add_filter(sub, options);
    sub->add_flag("--all", options->all, "The whole queue");
    sub->add_option("--note", options->note, "Words for the history");
    sub->callback([verb, words, options] { act(verb, words, *options); });
}

CLI::App* add_show(CLI::App* command, std::string const& name, std::string const& help,
                   void (*run)(Options const&)) {
    auto* sub = command->add_subcommand(name, help);
    auto options = std::make_shared<Options>();
    sub->add_option("ID", options->ids, "A message")->required();
    sub->callback([run, options] { run(*options); });
    return sub;
}

}  // namespace

void add_queue_command(CLI::App& app) {
    auto* command = app.add_subcommand("queue", "Mail that waits for delivery");
    command->group(groups::mail);
    command->require_subcommand(1);
    auto* listing = command->add_subcommand("list", "Prints the messages, the oldest first");
    auto options = std::make_shared<Options>();
    add_filter(listing, options);
    listing->add_option("--limit", options->limit, "At most so many");
    listing->callback([options] { list(*options); });
    add_show(command, "show", "Prints all about a message and its recipients", show);
    add_show(command, "cat", "Prints the message itself", cat);
    command->add_subcommand("destinations", "Prints where mail waits to go, and what is in the way")
        ->callback(destinations);
    add_action(command, "retry", "Tries", "Tries at once; ends the back-off of the destination");
    add_action(command, "hold", "Held", "Makes no attempts until release");
    add_action(command, "release", "Released", "Lets held mail go on");
    add_action(command, "remove", "Removed", "Drops mail; its sender is told nothing");
}

}  // namespace dawk::cmd
