#include "dawk/mta/auth_words.hpp"

#include <array>
#include <cstdio>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include "dawk/base/ascii.hpp"

namespace dawk::mta {
namespace {

namespace json = boost::json;

std::string text_at(json::object const& object, std::string_view key) {
    auto const* const value = object.if_contains(key);
    return value != nullptr && value->is_string() ? ascii::printable(value->as_string(), 600)
                                                  : std::string();
}

json::array const& list_at(json::object const& object, std::string_view key) {
    static json::array const none;
    auto const* const value = object.if_contains(key);
    return value != nullptr && value->is_array() ? value->as_array() : none;
}

// "SPF: pass for example.org (matched ...)"
void say_check(std::string const& name, json::value const& value, std::vector<std::string>& out) {
    auto const* const check = value.if_object();
    if (check == nullptr) return;
    auto line = name + ": " + text_at(*check, "result");
    auto const domain = text_at(*check, "domain");
    if (!domain.empty()) line += " for " + domain;
    auto const reason = text_at(*check, "reason");
    if (!reason.empty()) line += " (" + reason + ')';
    auto const policy = text_at(*check, "policy");
    if (!policy.empty())
        line += ", the policy of " + text_at(*check, "policy_domain") + " is " + policy;
    auto const explanation = text_at(*check, "explanation");
    if (!explanation.empty()) line += "; the domain explains: " + explanation;
    out.push_back(std::move(line));
}

std::string say_look_up(json::object const& entry) {
    auto out = "DNS " + text_at(entry, "type") + ' ' + text_at(entry, "name") + ": ";
    std::string answers;
    for (auto const& answer : list_at(entry, "answer"))
        if (answer.is_string())
            answers += (answers.empty() ? "" : ", ") + ascii::printable(answer.as_string(), 300);
    out += answers.empty() ? text_at(entry, "status") : answers;
    auto const* const took = entry.if_contains("ms");
    boost::system::error_code error;
    double const ms = took != nullptr ? took->to_number<double>(error) : 0;
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), " (%.1f ms)", error ? 0 : ms);
    return out + text.data();
}

}  // namespace

std::vector<std::string> say_authentication(std::string_view facts) {
    std::vector<std::string> out;
    boost::system::error_code error;
    auto const value = facts.empty() ? json::value() : json::parse(facts, error);
    auto const* const object = error ? nullptr : value.if_object();
    if (object == nullptr) return out;
    struct Name {
        std::string_view key, shown;
    };
    constexpr Name names[] = {{"iprev", "Reverse DNS"}, {"spf_helo", "SPF of the HELO name"},
                              {"spf", "SPF"},           {"dkim", "DKIM"},
                              {"arc", "ARC"},           {"dmarc", "DMARC"}};
    for (auto const& name : names) {
        auto const* const check = object->if_contains(name.key);
        if (check == nullptr) continue;
        if (!check->is_array()) say_check(std::string(name.shown), *check, out);
        if (check->is_array() && check->as_array().empty()) out.emplace_back("DKIM: not signed");
        for (auto const& one : list_at(*object, name.key))
            say_check(std::string(name.shown), one, out);
    }
    auto const action = text_at(*object, "action");
    auto const why = text_at(*object, "why");
    if (!action.empty()) out.push_back("Done: " + action + (why.empty() ? "" : ", for " + why));
    for (auto const& one : list_at(*object, "overrides"))
        if (one.is_object())
            out.push_back("Overridden (" + text_at(one.as_object(), "type") +
                          "): " + text_at(one.as_object(), "comment"));
    for (auto const& entry : list_at(*object, "lookups"))
        if (entry.is_object()) out.push_back(say_look_up(entry.as_object()));
    return out;
}

}  // namespace dawk::mta
