#include "dawk/mail/idna.hpp"

#include <algorithm>
#include <memory>

#include <idn2.h>

#include "dawk/base/ascii.hpp"
#include "dawk/mail/utf8.hpp"

namespace dawk::mail {
namespace {

constexpr std::size_t domain_size_max = 255;  // RFC 1035 §2.3.4
// A domain in UTF-8 that could still fit after conversion is shorter than this.
constexpr std::size_t input_size_max = 4 * domain_size_max;

struct Idn2Free {
    void operator()(void* text) const noexcept { idn2_free(text); }
};
using Idn2Text = std::unique_ptr<char, Idn2Free>;

bool has_control(std::string_view text) noexcept {
    return std::ranges::any_of(text, ascii::is_control);
}

}  // namespace

Result<std::string> to_a_labels(std::string_view domain) {
    if (domain.size() > input_size_max) return Errc::too_long;
    if (has_control(domain)) return Errc::bad_syntax;
    if (ascii::is_ascii(domain)) {
        if (domain.size() > domain_size_max) return Errc::too_long;
        return ascii::to_lower(domain);
    }
    if (!is_utf8(domain)) return Errc::bad_syntax;
    std::string const input{domain};
    char* raw = nullptr;
    int const code = idn2_to_ascii_8z(input.c_str(), &raw, IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT);
    Idn2Text const output{raw};
    if (code == IDN2_TOO_BIG_LABEL || code == IDN2_TOO_BIG_DOMAIN) return Errc::too_long;
    if (code != IDN2_OK) return Errc::bad_syntax;
    return ascii::to_lower(output.get());
}

std::string to_u_labels(std::string_view domain) {
    std::string result;
    while (true) {
        auto const dot = domain.find('.');
        std::string const label{domain.substr(0, dot)};
        char* raw = nullptr;
        bool const try_it = ascii::istarts_with(label, "xn--") && !has_control(label);
        int const code =
            try_it ? idn2_to_unicode_8z8z(label.c_str(), &raw, IDN2_NONTRANSITIONAL) : IDN2_OK;
        Idn2Text const output{raw};
        if (try_it && code == IDN2_OK) {
            result += output.get();
        } else {
            result += ascii::to_lower(label);
        }
        if (dot == std::string_view::npos) return result;
        result += '.';
        domain.remove_prefix(dot + 1);
    }
}

}  // namespace dawk::mail
