// The structure of a message does not depend on how it is cut, and its parts lie within it.
#include <cstdint>

#include "dawk/base/check.hpp"
#include "dawk/mail/mime.hpp"

using namespace dawk;

namespace {

class Counter final : public mail::MimeSink {
  public:
    void on_part(std::uint32_t index, mail::MimePart const&) override {
        sizes.resize(std::max<std::size_t>(sizes.size(), index + 1));
    }
    void on_body(std::uint32_t index, std::string_view octets) override {
        sizes.at(index) += octets.size();
    }
    void on_end(std::uint32_t, mail::MimePart const&) override { ++ends; }
    std::vector<std::uint64_t> sizes;
    std::size_t ends = 0;
};

struct Outcome {
    std::vector<mail::MimePart> parts;
    ErrorCode error;
    Counter counter;
};

Outcome scan(std::string_view text, std::size_t cut) {
    mail::MimeLimits limits;
    limits.parts = 20;
    limits.depth = 5;
    limits.header.size_bytes = 500;
    Outcome out;
    mail::MimeScanner scanner{limits, &out.counter};
    for (; !text.empty() && !out.error; text.remove_prefix(std::min(cut, text.size())))
        out.error = scanner.feed(text.substr(0, cut));
    if (!out.error) out.error = scanner.finish();
    out.parts = scanner.take();
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const text{reinterpret_cast<char const*>(data), size};
    auto const whole = scan(text, text.size() + 1);
    for (std::size_t const cut : {1U, 5U}) {
        auto const other = scan(text, cut);
        DAWK_CHECK(other.error == whole.error);
        if (whole.error) continue;
        DAWK_CHECK(other.parts.size() == whole.parts.size() &&
                   other.counter.sizes == whole.counter.sizes);
        for (std::size_t i = 0; i < whole.parts.size(); ++i) {
            DAWK_CHECK(other.parts[i].body_begin == whole.parts[i].body_begin);
            DAWK_CHECK(other.parts[i].body_end == whole.parts[i].body_end);
        }
    }
    if (whole.error) return 0;
    DAWK_CHECK(whole.counter.ends == whole.parts.size());
    for (std::size_t i = 0; i < whole.parts.size(); ++i) {
        auto const& part = whole.parts[i];
        DAWK_CHECK(part.begin <= part.body_begin && part.body_begin <= part.body_end &&
                   part.body_end <= size);
        DAWK_CHECK(part.body_begin - part.begin == part.header.body_offset());
        if (!part.is_container)
            DAWK_CHECK(whole.counter.sizes[i] == part.body_end - part.body_begin);
        (void)mail::decoded_text(part, text);
    }
    return 0;
}
