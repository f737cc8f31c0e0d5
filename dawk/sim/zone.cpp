#include "dawk/sim/zone.hpp"

#include <algorithm>

namespace dawk::sim {

using namespace std::chrono_literals;

void Zone::add(std::string const& name, dns::Type type, dns::Answer answer) {
    records_[dns::Question{name, type}] = std::move(answer);
}

void Zone::add_address(std::string const& name, std::string const& address) {
    auto const type = address.find(':') == address.npos ? dns::Type::a : dns::Type::aaaa;
    auto& entry = records_[dns::Question{name, type}];
    entry.status = dns::Status::ok;
    entry.ttl_seconds = 300;
    entry.addresses.push_back(address);
}

void Zone::add_mx(std::string const& name, std::uint16_t preference, std::string const& exchange) {
    auto& entry = records_[dns::Question{name, dns::Type::mx}];
    entry.status = dns::Status::ok;
    entry.ttl_seconds = 300;
    entry.mx.push_back(dns::Mx{preference, exchange});
}

void Zone::add_txt(std::string const& name, std::string const& text) {
    auto& entry = records_[dns::Question{name, dns::Type::txt}];
    entry.status = dns::Status::ok;
    entry.ttl_seconds = 300;
    entry.texts.push_back(text);
}

void Zone::add_cname(std::string const& name, std::string const& target) {
    auto& entry = records_[dns::Question{name, dns::Type::cname}];
    entry.status = dns::Status::ok;
    entry.ttl_seconds = 300;
    entry.names = {target};
}

void Zone::fail(std::string const& name, dns::Status status) {
    if (status == dns::Status::ok) {
        failures_.erase(name);
    } else {
        failures_[name] = status;
    }
}

void Zone::clear(std::string const& name) {
    std::erase_if(records_, [&](auto const& entry) { return entry.first.name == name; });
    failures_.erase(name);
}

dns::Answer Zone::answer(dns::Question question) const {
    dns::Answer out;
    for (int links = 0; links < 10; ++links) {
        out = dns::Answer{};
        out.canonical_name = question.name;
        if (auto const failed = failures_.find(question.name); failed != failures_.end()) {
            out.status = failed->second;
            out.error_detail = "as the simulation was told";
            return out;
        }
        if (auto const found = records_.find(question); found != records_.end()) {
            out = found->second;
            out.canonical_name = question.name;
            return out;
        }
        auto const cname = records_.find(dns::Question{question.name, dns::Type::cname});
        if (cname == records_.end()) break;
        question.name = cname->second.names.front();
    }
    bool const exists = std::any_of(records_.begin(), records_.end(), [&](auto const& entry) {
        auto const& name = entry.first.name;
        return name == question.name || name.ends_with("." + question.name);
    });
    out.status = exists ? dns::Status::no_data : dns::Status::nxdomain;
    out.ttl_seconds = 60;
    return out;
}

Task<dns::Answer> ZoneResolver::query(dns::Question question, SteadyTime deadline) {
    ++zone_.queries;
    bool const is_told_to = zone_.fails(question.name);
    auto answer = zone_.answer(std::move(question));
    if (is_told_to) {
        using enum dns::Status;
        auto& tally = world_.tally();
        if (answer.status == servfail) tally.add(Happening::dns_servfail);
        if (answer.status == nxdomain) tally.add(Happening::dns_nxdomain);
        if (answer.status == timeout) tally.add(Happening::dns_timeout);
    }
    auto const delay = answer.status == dns::Status::timeout ? Duration::max() : Duration(2ms);
    auto const ready = delay == Duration::max() ? deadline : world_.steady() + delay;
    auto const until = std::min(ready, deadline);
    co_await world_.sleep_until(until);
    if (ready > deadline) {
        answer = dns::Answer{};
        answer.status = dns::Status::timeout;
    }
    co_return answer;
}

}  // namespace dawk::sim
