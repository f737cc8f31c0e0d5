// A reply parses to the same value however it is cut, and what was written is read back.
#include <cstdint>
#include <string_view>

#include "dawk/base/check.hpp"
#include "dawk/smtp/reply.hpp"

using dawk::smtp::ReplyParser;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view const input(reinterpret_cast<char const*>(data), size);
    ReplyParser whole;
    ReplyParser split;
    std::size_t const taken = whole.feed(input);
    std::size_t at = 0;
    while (at < size && split.state() == ReplyParser::State::more)
        at += split.feed(input.substr(at, 1));
    if (whole.state() == ReplyParser::State::bad) {
        DAWK_CHECK(split.state() == ReplyParser::State::bad);
        return 0;
    }
    DAWK_CHECK(at == taken && split.state() == whole.state());
    if (whole.state() != ReplyParser::State::complete) return 0;
    auto const reply = whole.take();
    DAWK_CHECK(reply == split.take());
    std::string wire;
    append_reply(wire, reply);
    ReplyParser again;
    again.feed(wire);
    DAWK_CHECK(again.state() == ReplyParser::State::complete && again.take().code == reply.code);
    return 0;
}
