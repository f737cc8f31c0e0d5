#include "dawk/mail/base64.hpp"

#include <array>

#include "dawk/base/ascii.hpp"

namespace dawk::mail {
namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<signed char, 256> make_values() {
    std::array<signed char, 256> values{};
    values.fill(-1);
    for (unsigned i = 0; i < 64; ++i)
        values[static_cast<unsigned char>(alphabet[i])] = static_cast<signed char>(i);
    return values;
}
constexpr auto values = make_values();

constexpr int value_of(char c) noexcept {
    return values[static_cast<unsigned char>(c)];
}

void append_group(std::uint32_t group, unsigned octets, std::string& out) {
    out += alphabet[(group >> 18U) & 63U];
    out += alphabet[(group >> 12U) & 63U];
    out += octets > 1 ? alphabet[(group >> 6U) & 63U] : '=';
    out += octets > 2 ? alphabet[group & 63U] : '=';
}

}  // namespace

void Base64Encoder::put(std::uint32_t group, unsigned octets, std::string& out) {
    append_group(group, octets, out);
    column_ += 4;
    if (column_ == line_size) {
        out += "\r\n";
        column_ = 0;
    }
}

void Base64Encoder::feed(std::string_view bytes, std::string& out) {
    out.reserve(out.size() + bytes.size() / 3 * 4 + bytes.size() / 28 + 8);
    for (char const c : bytes) {
        group_ = (group_ << 8U) | static_cast<unsigned char>(c);
        if (++octets_ < 3) continue;
        put(group_, 3, out);
        group_ = octets_ = 0;
    }
}

void Base64Encoder::finish(std::string& out) {
    if (octets_ > 0) put(group_ << (8U * (3U - octets_)), octets_, out);
    if (column_ > 0) out += "\r\n";
    group_ = octets_ = column_ = 0;
}

// What a group that ends early still holds.
void Base64Decoder::flush(std::string& out) {
    if (digits_ == 1) defective_ = true;
    if (digits_ >= 2) out += static_cast<char>((bits_ >> (6U * digits_ - 8U)) & 255U);
    if (digits_ == 3) out += static_cast<char>((bits_ >> 2U) & 255U);
    bits_ = digits_ = 0;
}

void Base64Decoder::feed(std::string_view text, std::string& out) {
    for (char const c : text) {
        int const value = value_of(c);
        if (value < 0) {
            bool const padding = c == '=';
            bool const stray =
                padding ? !ended_ && digits_ == 0 : !ascii::is_space(c) && c != '\r' && c != '\n';
            if (stray) defective_ = true;
            if (padding && digits_ > 0) {
                flush(out);
                ended_ = true;
            }
            continue;
        }
        if (ended_) {  // RFC 2045 §6.8: padding is the end of the data
            defective_ = true;
            continue;
        }
        bits_ = (bits_ << 6U) | static_cast<std::uint32_t>(value);
        if (++digits_ < 4) continue;
        out += static_cast<char>((bits_ >> 16U) & 255U);
        out += static_cast<char>((bits_ >> 8U) & 255U);
        out += static_cast<char>(bits_ & 255U);
        bits_ = digits_ = 0;
    }
}

void Base64Decoder::finish(std::string& out) {
    if (digits_ > 0) defective_ = true;
    flush(out);
}

}  // namespace dawk::mail
