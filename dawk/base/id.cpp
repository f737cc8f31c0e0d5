#include "dawk/base/id.hpp"

#include <algorithm>

#include "dawk/base/ascii.hpp"

namespace dawk {
namespace {

constexpr std::string_view alphabet = "abcdefghijklmnopqrstuvwxyz234567";

int digit_value(char c) noexcept {
    char const l = ascii::lower(c);
    if (l >= 'a' && l <= 'z') return l - 'a';
    return l >= '2' && l <= '7' ? l - '2' + 26 : -1;
}

}  // namespace

MessageId MessageId::make(WallTime now, std::uint64_t random_high,
                          std::uint64_t random_low) noexcept {
    MessageId id;
    auto const ms = static_cast<std::uint64_t>(to_millis(now));
    for (std::size_t i = 0; i < 6; ++i) {
        id.octets_[i] = static_cast<unsigned char>(ms >> (40 - 8 * i));
    }
    id.octets_[6] = static_cast<unsigned char>(0x70U | ((random_high >> 8U) & 0x0FU));
    id.octets_[7] = static_cast<unsigned char>(random_high);
    for (std::size_t i = 0; i < 8; ++i) {
        id.octets_[8 + i] = static_cast<unsigned char>(random_low >> (56 - 8 * i));
    }
    id.octets_[8] = static_cast<unsigned char>(0x80U | (id.octets_[8] & 0x3FU));
    return id;
}

Result<MessageId> MessageId::from_text(std::string_view text) noexcept {
    if (text.size() != text_size) return Errc::bad_syntax;
    MessageId id;
    unsigned buffer = 0;
    unsigned bits = 0;
    std::size_t out = 0;
    for (char const c : text) {
        int const value = digit_value(c);
        if (value < 0) return Errc::bad_syntax;
        buffer = (buffer << 5U) | static_cast<unsigned>(value);
        bits += 5;
        if (bits < 8) continue;
        bits -= 8;
        id.octets_[out++] = static_cast<unsigned char>(buffer >> bits);
        buffer &= (1U << bits) - 1U;
    }
    if (buffer != 0) return Errc::bad_syntax;  // one text for one id
    return id;
}

Result<MessageId> MessageId::from_bytes(std::string_view bytes) noexcept {
    if (bytes.size() != size_bytes) return Errc::bad_syntax;
    MessageId id;
    std::copy(bytes.begin(), bytes.end(), id.octets_.begin());
    return id;
}

std::string MessageId::text() const {
    std::string out;
    out.reserve(text_size);
    unsigned buffer = 0;
    unsigned bits = 0;
    for (unsigned const octet : octets_) {
        buffer = (buffer << 8U) | octet;
        bits += 8;
        while (bits >= 5) {
            bits -= 5;
            out += alphabet[(buffer >> bits) & 31U];
        }
        buffer &= (1U << bits) - 1U;
    }
    out += alphabet[(buffer << (5U - bits)) & 31U];
    return out;
}

WallTime MessageId::born() const noexcept {
    std::int64_t ms = 0;
    for (std::size_t i = 0; i < 6; ++i) ms = (ms << 8) | octets_[i];
    return from_millis(ms);
}

}  // namespace dawk
