// A whole message with whatever signatures it carries; the key is the text behind the first NUL, if
// any.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "dawk/dkim/verify.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const input(reinterpret_cast<char const*>(data), size);
    auto const nul = input.find('\0');
    auto const message = input.substr(0, nul);
    std::string const key(nul == input.npos ? std::string_view() : input.substr(nul + 1));
    auto const section = dawk::mail::HeaderSection::parse(message);
    if (!section) return 0;
    dawk::dkim::Verifier verifier(*section, dawk::dkim::Options());
    auto const body = message.substr(static_cast<std::size_t>(section->body_offset()));
    verifier.body(body.substr(0, body.size() / 2));
    verifier.body(body.substr(body.size() / 2));
    int questions = 0;
    auto const verdicts = dawk::dns::run(verifier.finish(), [&](dawk::dns::Question const&) {
        if (++questions > 10) std::abort();  // more than Options::signatures_max
        dawk::dns::Answer answer;
        answer.status = dawk::dns::Status::ok;
        answer.texts = {key};
        return answer;
    });
    for (auto const& verdict : verdicts) {
        if (verdict.reason.empty()) std::abort();
    }
    return 0;
}
