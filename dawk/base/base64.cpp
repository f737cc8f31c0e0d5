#include "dawk/base/base64.hpp"

#include <array>
#include <cstdint>

namespace dawk::base64 {

namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<std::int8_t, 256> make_values() {
    std::array<std::int8_t, 256> values{};
    values.fill(-1);
    for (std::size_t i = 0; i < alphabet.size(); ++i) {
        values[static_cast<unsigned char>(alphabet[i])] = static_cast<std::int8_t>(i);
    }
    return values;
}
constexpr std::array<std::int8_t, 256> values = make_values();

}  // namespace

std::string encode(std::string_view bytes) {
    std::string out;
    out.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        std::size_t const n = bytes.size() - i;
        auto const octet = [&](std::size_t k) -> std::uint32_t {
            return k < n ? static_cast<unsigned char>(bytes[i + k]) : 0U;
        };
        std::uint32_t const group = octet(0) << 16U | octet(1) << 8U | octet(2);
        out.push_back(alphabet[group >> 18U & 63U]);
        out.push_back(alphabet[group >> 12U & 63U]);
        out.push_back(n > 1 ? alphabet[group >> 6U & 63U] : '=');
        out.push_back(n > 2 ? alphabet[group & 63U] : '=');
    }
    return out;
}

Result<std::string> decode(std::string_view text) {
    if (text.size() % 4 != 0) return Errc::bad_syntax;
    std::size_t const padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
    std::string out;
    out.reserve(text.size() / 4 * 3);
    for (std::size_t i = 0; i < text.size(); i += 4) {
        std::size_t const digits = i + 4 == text.size() ? 4 - padding : 4;
        std::uint32_t group = 0;
        for (std::size_t k = 0; k < 4; ++k) {
            int const value = k < digits ? values[static_cast<unsigned char>(text[i + k])] : 0;
            if (value < 0) return Errc::bad_syntax;
            group = group << 6U | static_cast<std::uint32_t>(value);
        }
        // RFC 4648 §3.5: bits that encode nothing are zero, else one secret has several texts.
        if (digits == 2 && (group & 0xFFFFU) != 0) return Errc::bad_syntax;
        if (digits == 3 && (group & 0xFFU) != 0) return Errc::bad_syntax;
        out.push_back(static_cast<char>(group >> 16U & 0xFFU));
        if (digits > 2) out.push_back(static_cast<char>(group >> 8U & 0xFFU));
        if (digits > 3) out.push_back(static_cast<char>(group & 0xFFU));
    }
    return out;
}

}  // namespace dawk::base64
