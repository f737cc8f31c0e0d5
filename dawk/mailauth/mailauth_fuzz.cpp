// The verifier as a whole: a client, a message and a DNS that says anything. Lines of the client
// first: helo, sender, one record for every TXT; then the message.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "dawk/mailauth/facts.hpp"

namespace {

using namespace dawk;

std::string line(std::string_view& input) {
    auto const end = input.find('\n');
    std::string out(input.substr(0, end));
    input.remove_prefix(end == input.npos ? input.size() : end + 1);
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view input(reinterpret_cast<char const*>(data), size);
    auto const helo = line(input);
    auto const sender = line(input);
    auto const record = line(input);
    auto const header = mail::HeaderSection::parse(input);
    if (!header) return 0;
    mailauth::Checker checker({"2001:db8::1", helo, sender, "us.test", {}}, *header);
    auto const body = input.substr(static_cast<std::size_t>(header->body_offset()));
    checker.body(body.substr(0, body.size() / 3));
    checker.body(body.substr(body.size() / 3));
    mailauth::LookUps look_ups;
    auto const report = dns::run(checker.finish(), [&](dns::Question const& question) {
        if (look_ups.size() > 600) std::abort();  // unbounded look-ups
        dns::Answer answer;
        answer.status = dns::Status::ok;
        if (question.type == dns::Type::txt) answer.texts = {record};
        if (question.type == dns::Type::mx) answer.mx = {{1, helo}, {2, "mx.test"}};
        if (question.type == dns::Type::ptr) answer.names = {helo, "ptr.test"};
        if (question.type == dns::Type::aaaa) answer.addresses = {"2001:db8::1", record};
        look_ups.push_back(mailauth::look_up_of(question, answer, {}));
        return answer;
    });
    // RFC 8601: one field, which we can read ourselves, with our name.
    auto const own = mail::HeaderSection::parse(report.header + "\r\n");
    if (!own || own->size() != 1) std::abort();
    auto const parsed = authres::parse((*own)[0].body);
    if (!parsed || parsed->authserv_id != "us.test") std::abort();
    // Not exactly one author domain is a permerror, and nothing else is.
    if ((report.dmarc.result == dmarc::Result::permerror) ==
        dmarc::author_domains(*header).problem.empty()) {
        std::abort();
    }
    auto const decision = mailauth::decide({}, report, {"x.test", "us.test", false});
    if (decision.action == mailauth::Action::reject) std::abort();  // by default: RFC 9989 §7.4
    if (mailauth::facts(report, look_ups, decision).size() > 2 * mailauth::facts_max) std::abort();
    return 0;
}
