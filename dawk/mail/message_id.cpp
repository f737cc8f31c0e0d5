#include "dawk/mail/message_id.hpp"

#include "dawk/base/ascii.hpp"
#include "dawk/mail/lexer.hpp"

namespace dawk::mail {
namespace {

constexpr std::size_t id_size_max = 996;  // fits a line with its brackets

}  // namespace

std::vector<std::string> parse_message_ids(std::string_view body, std::size_t max) {
    std::vector<std::string> ids;
    Lexer in{body};
    while (ids.size() < max && in.skip_cfws() && !in.rest().empty()) {
        auto const rest = in.rest();
        if (rest[0] == '"' && in.quoted_string()) continue;
        auto const end = rest[0] == '<' ? rest.find('>') : std::string_view::npos;
        if (end == std::string_view::npos) {
            in.set_rest(rest.substr(1));
            continue;
        }
        std::string id;
        for (char const c : rest.substr(1, end - 1)) {
            if (!ascii::is_control(c) && c != ' ') id += c;
        }
        if (!id.empty() && id.size() <= id_size_max) ids.push_back(std::move(id));
        in.set_rest(rest.substr(end + 1));
    }
    return ids;
}

std::string make_message_id(std::string_view left, std::string_view host) {
    std::string id{'<'};
    return id.append(left).append(1, '@').append(host).append(1, '>');
}

}  // namespace dawk::mail
