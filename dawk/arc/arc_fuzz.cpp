// A whole message with whatever ARC sets it carries; the key is the text behind the first NUL.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "dawk/arc/arc.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const input(reinterpret_cast<char const*>(data), size);
    auto const nul = input.find('\0');
    auto const message = input.substr(0, nul);
    std::string const key(nul == input.npos ? std::string_view() : input.substr(nul + 1));
    auto const section = dawk::mail::HeaderSection::parse(message);
    if (!section) return 0;
    dawk::arc::Verifier verifier(*section, dawk::dkim::Options());
    auto const body = message.substr(static_cast<std::size_t>(section->body_offset()));
    verifier.body(body.substr(0, body.size() / 2));
    verifier.body(body.substr(body.size() / 2));
    unsigned questions = 0;
    auto const verdict = dawk::dns::run(verifier.finish(), [&](dawk::dns::Question const&) {
        if (++questions > 2 * dawk::arc::sets_max) std::abort();
        dawk::dns::Answer answer;
        answer.status = dawk::dns::Status::ok;
        answer.texts = {key};
        return answer;
    });
    if (verdict.reason.empty() || verdict.sets > dawk::arc::sets_max) std::abort();
    if (verdict.result == dawk::arc::Result::pass &&
        verdict.results.size() != verdict.sealers.size()) {
        std::abort();
    }
    return 0;
}
