// The first line is the record of the sender's domain, the second one that of every other name.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "dawk/spf/spf.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const input(reinterpret_cast<char const*>(data), size);
    auto const line = input.find('\n');
    std::string const first(input.substr(0, line));
    std::string const second(line == input.npos ? std::string_view() : input.substr(line + 1));
    dawk::spf::Query query{"192.0.2.1", "helo.test", "a.b-c@x.test", "us.test", {}};
    int questions = 0;
    auto const verdict =
        dawk::dns::run(dawk::spf::check(query), [&](dawk::dns::Question const& question) {
            if (++questions > 400) std::abort();  // unbounded look-ups
            dawk::dns::Answer answer;
            answer.status = dawk::dns::Status::ok;
            answer.texts = {question.name == "x.test" ? first : second};
            answer.addresses = {"198.51.100.7"};
            answer.names = {"one.x.test", second};
            for (std::uint16_t i = 0; i < 12; ++i) answer.mx.push_back({i, second});
            return answer;
        });
    if (verdict.explanation.size() > 1024) std::abort();
    return 0;
}
