// The SPF cases of an outside suite (see its SOURCE.txt): every record set and every expectation.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include <gtest/gtest.h>

#include "dawk/base/ascii.hpp"
#include "dawk/spf/spf.hpp"

namespace dawk::spf {
namespace {

struct Case {
    std::string where, domain, sender, ip, expect;
};
struct Group {
    std::map<dns::Question, dns::Answer> zone;
    std::vector<Case> cases;
};

std::vector<std::string> split(std::string_view text, char by) {
    std::vector<std::string> parts;
    while (true) {
        auto const at = text.find(by);
        parts.emplace_back(ascii::trim(text.substr(0, at)));
        if (at == text.npos) return parts;
        text.remove_prefix(at + 1);
    }
}

dns::Answer& entry(Group& group, std::string const& name, dns::Type type) {
    auto& answer = group.zone[dns::Question{ascii::to_lower(name), type}];
    answer.status = dns::Status::ok;
    return answer;
}

void add_address(Group& group, std::string const& name, std::string const& address) {
    auto const type = address.find(':') == address.npos ? dns::Type::a : dns::Type::aaaa;
    entry(group, name, type).addresses.push_back(address);
}

// "mx" lines of the suite name addresses: each gets a host of its own.
void add_record(Group& group, std::string const& kind, std::string const& rest) {
    auto const space = rest.find(' ');
    auto const name = rest.substr(0, space);
    auto const value = rest.substr(space + 1);
    if (kind == "spf" || kind == "exp") entry(group, name, dns::Type::txt).texts.push_back(value);
    if (kind == "a" || kind == "aaaa") {
        for (auto const& address : split(value, ',')) add_address(group, name, address);
    }
    if (kind == "mx") {
        for (auto const& address : split(value, ',')) {
            auto& mx = entry(group, name, dns::Type::mx).mx;
            auto const host = "m" + std::to_string(mx.size()) + "." + name;
            mx.push_back({10, host});
            add_address(group, host, address);
        }
    }
    if (kind == "ptr") {
        for (auto host : split(value, ',')) {
            if (host.ends_with('.')) host.pop_back();
            entry(group, dns::reverse_name(name), dns::Type::ptr).names.push_back(host);
        }
    }
}

// A case is complete at its "expect"; domain and sender stay for the next one, and an "spf" among
// the cases replaces the record from there on.
std::vector<Group> load(std::filesystem::path const& file) {
    std::vector<Group> groups;
    std::ifstream in(file);
    std::string line;
    Group current;
    Case test;
    bool in_tests = false;
    for (int number = 1; std::getline(in, line); ++number) {
        auto const text = std::string(ascii::trim(line));
        if (line.starts_with("---")) {
            current = Group{};
            test = Case{};
        }
        if (!line.empty() && !line.starts_with(" ")) in_tests = line.starts_with("tests:");
        if (!line.starts_with(" ") || text.starts_with("#")) continue;
        auto const field = text.starts_with("- ") ? text.substr(2) : text;
        auto const colon = field.find(": ");
        if (colon == field.npos) continue;
        auto const key = field.substr(0, colon);
        auto const value = std::string(ascii::trim(field.substr(colon + 2)));
        if (text.starts_with("- domain")) test = Case{};
        if (key == "spf" && in_tests) {
            entry(current, value.substr(0, value.find(' ')), dns::Type::txt).texts.clear();
        }
        add_record(current, key, value);
        if (key == "domain") test.domain = value;
        if (key == "sender") test.sender = value;
        if (key == "ip") test.ip = value;
        if (key != "expect") continue;
        test.expect = value;
        test.where = file.filename().string() + ":" + std::to_string(number);
        current.cases = {test};
        groups.push_back(current);
    }
    return groups;
}

// Where we follow the RFC and the suite does not.
std::map<std::string, std::string> const exceptions = {
    {"all.yml:14", "RFC 7208 §4.6: a syntax error anywhere is permerror, behind 'all' too"},
    {"basic.yml:112", "RFC 7208 §4.6.4: ten names without address are more than two void look-ups"},
    {"exists.yml:19",
     "RFC 7208 §5.7: exists looks for A records only, whatever the client's family"},
    {"macro.yml:35", "RFC 7208 §5.7: likewise"},
};

dns::Answer answer_from(Group const& group, dns::Question const& question) {
    auto const found = group.zone.find(question);
    if (found != group.zone.end()) return found->second;
    dns::Answer none;
    bool const broken = question.name.starts_with("_dns_error.");  // the suite's convention
    none.status = broken ? dns::Status::servfail : dns::Status::nxdomain;
    return none;
}

void check_case(Group const& group, Case const& test) {
    Query query;
    query.ip = test.ip;
    query.helo = test.domain;
    query.sender = test.sender;
    query.receiver = "receiver.test";
    auto const look_up = [&](dns::Question const& question) {
        return answer_from(group, question);
    };
    auto verdict = dns::run(check_helo(query), look_up);
    if (verdict.result != Result::fail) verdict = dns::run(check(query), look_up);
    if (exceptions.contains(test.where)) return;
    std::string got(to_string(verdict.result));
    if (!verdict.explanation.empty()) got += " " + verdict.explanation;
    EXPECT_EQ(got, test.expect) << test.where << ": " << verdict.reason;
}

TEST(SpfConformance, EveryCaseOfTheSuite) {
    auto const* const given = std::getenv("DAWK_TESTDATA");
    std::filesystem::path const folder =
        std::filesystem::path(given != nullptr ? given : DAWK_SOURCE_DIR "/../shared/testdata") /
        "spf-mailauth-rs";
    if (!std::filesystem::exists(folder)) GTEST_SKIP() << folder << " is not there";
    int count = 0;
    for (auto const& file : std::filesystem::directory_iterator(folder)) {
        if (file.path().extension() != ".yml") continue;
        for (auto const& group : load(file.path())) {
            for (auto const& test : group.cases) {
                check_case(group, test);
                ++count;
            }
        }
    }
    EXPECT_EQ(count, 163);
}

}  // namespace
}  // namespace dawk::spf
