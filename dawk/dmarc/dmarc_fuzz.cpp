#include <cstdint>
#include <cstdlib>

#include "dawk/dmarc/dmarc.hpp"

// First line: the From field's body; the rest: every record met.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const input(reinterpret_cast<char const*>(data), size);
    auto const line = input.find('\n');
    auto const header =
        dawk::mail::HeaderSection::parse("From:" + std::string(input.substr(0, line)) + "\r\n\r\n");
    std::string const record(line == input.npos ? std::string_view() : input.substr(line + 1));
    if (!header) return 0;
    dawk::dmarc::Input question;
    question.authors = dawk::dmarc::author_domains(*header);
    question.dkim_passed = {"a.b.c.d.e.f.g.h.i.x.test", "x.test"};
    int asked = 0;
    auto const verdict =
        dawk::dns::run(dawk::dmarc::evaluate(question), [&](dawk::dns::Question const&) {
            if (++asked > 8 * 3 + 1)
                std::abort();  // three walks of eight, one question for existence
            dawk::dns::Answer answer;
            answer.status = dawk::dns::Status::ok;
            answer.texts = {record};
            return answer;
        });
    if (verdict.reason.empty()) std::abort();
    return 0;
}
