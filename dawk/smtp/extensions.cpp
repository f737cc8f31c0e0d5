#include "dawk/smtp/extensions.hpp"

#include <algorithm>
#include <limits>

#include "dawk/base/ascii.hpp"

namespace dawk::smtp {
namespace {

constexpr std::size_t mechanisms_max = 32;

std::string_view take_word(std::string_view& rest) noexcept {
    auto const begin = std::min(rest.find_first_not_of(" \t"), rest.size());
    rest.remove_prefix(begin);
    auto const word = rest.substr(0, rest.find_first_of(" \t"));
    rest.remove_prefix(word.size());
    return word;
}

// RFC 1870 §3: up to 20 digits, which is more than 64 bits hold: such a size is as good as no
// limit.
std::uint64_t parse_size(std::string_view text) noexcept {
    if (text.size() > 20 || !std::all_of(text.begin(), text.end(), ascii::is_digit)) return 0;
    auto const size = ascii::to_number<std::uint64_t>(text);
    return size.value_or(0);
}

void add_mechanisms(std::string_view parameters, Extensions& offered) {
    for (auto word = take_word(parameters); !word.empty(); word = take_word(parameters)) {
        if (offered.auth.size() >= mechanisms_max || word.size() > 20) return;  // RFC 4422 §3.1: 20
        auto name = ascii::to_upper(word);
        if (!offered.has_auth(name)) offered.auth.push_back(std::move(name));
    }
}

// RFC 9422 §3: name=value, one to six digits; one malformed item voids the whole line, unknown
// names do not.
void add_limits(std::string_view parameters, Extensions& offered) {
    Extensions found;
    for (auto word = take_word(parameters); !word.empty(); word = take_word(parameters)) {
        auto const equals = word.find('=');
        if (equals == 0 || equals == word.npos) return;
        auto const name = word.substr(0, equals);
        auto const digits = word.substr(equals + 1);
        bool const known = ascii::iequals(name, "RCPTMAX") || ascii::iequals(name, "MAILMAX") ||
                           ascii::iequals(name, "RCPTDOMAINMAX");
        if (!known) continue;
        auto const value =
            digits.size() <= 6 ? ascii::to_number<std::uint32_t>(digits) : std::nullopt;
        if (!value || *value == 0) return;
        if (ascii::iequals(name, "RCPTMAX")) found.recipients_max = *value;
        if (ascii::iequals(name, "MAILMAX")) found.transactions_max = *value;
        if (ascii::iequals(name, "RCPTDOMAINMAX")) found.recipient_domains_max = *value;
    }
    offered.recipients_max = found.recipients_max;
    offered.transactions_max = found.transactions_max;
    offered.recipient_domains_max = found.recipient_domains_max;
}

struct Keyword {
    std::string_view name;
    bool Extensions::*flag;
};
constexpr Keyword keywords[] = {
    {"PIPELINING", &Extensions::pipelining},
    {"8BITMIME", &Extensions::eight_bit_mime},
    {"SMTPUTF8", &Extensions::smtputf8},
    {"DSN", &Extensions::dsn},
    {"STARTTLS", &Extensions::starttls},
    {"CHUNKING", &Extensions::chunking},
    {"BINARYMIME", &Extensions::binary_mime},
    {"ENHANCEDSTATUSCODES", &Extensions::enhanced_status_codes},
    {"REQUIRETLS", &Extensions::require_tls},
};

void add_line(std::string_view line, Extensions& offered) {
    auto rest = line;
    auto const keyword = take_word(rest);
    for (auto const& known : keywords) {
        if (ascii::iequals(keyword, known.name)) offered.*known.flag = true;
    }
    if (ascii::iequals(keyword, "SIZE")) {
        offered.size = true;
        offered.size_max = parse_size(take_word(rest));
    } else if (ascii::iequals(keyword, "AUTH")) {
        add_mechanisms(rest, offered);
    } else if (ascii::istarts_with(keyword, "AUTH=")) {
        // The form of old drafts; some servers say nothing else.
        add_mechanisms(line.substr(line.find('=') + 1), offered);
    } else if (ascii::iequals(keyword, "LIMITS")) {
        add_limits(rest, offered);
    }
}

}  // namespace

bool Extensions::has_auth(std::string_view mechanism) const noexcept {
    return std::find(auth.begin(), auth.end(), mechanism) != auth.end();
}

Extensions parse_extensions(std::string_view text) {
    Extensions offered;
    auto first = text.substr(0, text.find('\n'));
    offered.name = std::string(take_word(first).substr(0, 255));
    for (auto at = text.find('\n'); at != text.npos; at = text.find('\n')) {
        text.remove_prefix(at + 1);
        add_line(text.substr(0, text.find('\n')), offered);
    }
    return offered;
}

}  // namespace dawk::smtp
