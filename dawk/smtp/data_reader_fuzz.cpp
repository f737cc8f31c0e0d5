// The reader against a slow and obvious model, whole and octet by octet.
#include <cstdint>
#include <string>

#include "dawk/base/check.hpp"
#include "dawk/smtp/data_reader.hpp"

using dawk::smtp::DataReader;

namespace {

struct Read {
    std::string text;
    std::size_t used = 0;
    bool end = false, bare = false;
    bool operator==(Read const&) const = default;
};

Read read(std::string_view input, std::size_t step) {
    DataReader reader;
    Read out;
    while (out.used < input.size() && !out.end) {
        std::size_t const room = step - out.used % step;
        auto const piece = reader.next(input.substr(out.used, room));
        DAWK_CHECK(piece.used > 0 && piece.used <= room);
        out.text += piece.text;
        out.used += piece.used;
        out.end = piece.end;
    }
    out.bare = reader.has_bare_line_end();
    return out;
}

// Where the final dot's CRLF ends, or npos.
std::size_t model_end(std::string_view input) {
    if (input.starts_with(".\r\n")) return 3;
    std::size_t const at = input.find("\r\n.\r\n");
    return at == input.npos ? at : at + 5;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view const input(reinterpret_cast<char const*>(data), size);
    if (input.empty()) return 0;
    Read const whole = read(input, input.size());
    DAWK_CHECK(whole == read(input, 1));
    DAWK_CHECK(whole == read(input, 3));
    std::size_t const end = model_end(input);
    DAWK_CHECK(whole.end == (end != input.npos));
    if (whole.end) DAWK_CHECK(whole.used == end);
    dawk::smtp::LineEndCheck check;
    check.feed(input.substr(0, whole.used));
    DAWK_CHECK(check.has_bare_line_end() == whole.bare);
    return 0;
}
