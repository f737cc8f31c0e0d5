#include "dawk/mailauth/look_up.hpp"

#include <algorithm>

namespace dawk::mailauth {
namespace {

constexpr std::size_t records_max = 20;  // shown of one answer
constexpr std::size_t text_max = 1024;   // octets shown of one record

void add(LookUp& out, std::string text) {
    if (out.answers.size() == records_max) return;
    if (text.size() > text_max) text.resize(text_max);
    out.answers.push_back(std::move(text));
}

}  // namespace

LookUp look_up_of(dns::Question const& question, dns::Answer const& answer,
                  std::chrono::microseconds took) {
    LookUp out;
    out.name = question.name;
    out.type = dns::to_string(question.type);
    out.status = dns::to_string(answer.status);
    for (auto const& address : answer.addresses) add(out, address);
    for (auto const& mx : answer.mx) {
        add(out, std::to_string(mx.preference) + ' ' + (mx.exchange.empty() ? "." : mx.exchange));
    }
    for (auto const& text : answer.texts) add(out, text);
    for (auto const& name : answer.names) add(out, name);
    out.micros = static_cast<std::uint64_t>(std::max<std::int64_t>(0, took.count()));
    return out;
}

}  // namespace dawk::mailauth
