#include "cmd/dawk/json.hpp"

#include "dawk/base/ascii.hpp"
#include "dawk/mail/utf8.hpp"

#include "cmd/dawk/command.hpp"

namespace dawk::cmd {
namespace {

void append_escaped(std::string& out, char c) {
    constexpr std::string_view digits = "0123456789abcdef";
    auto const octet = static_cast<unsigned char>(c);
    out += "\\u00";
    out += digits[octet >> 4U];
    out += digits[octet & 15U];
}

}  // namespace

Json::Json(std::string_view value) : text_("\"") {
    while (!value.empty()) {
        auto const before = value;
        auto const code = mail::utf8_take(value);
        if (!code) {
            mail::utf8_append(text_, 0xFFFD);
            value.remove_prefix(1);
            continue;
        }
        char const c = before.front();
        if (c == '"' || c == '\\') {
            text_ += '\\';
            text_ += c;
        } else if (c == '\n') {
            text_ += "\\n";
        } else if (ascii::is_control(c)) {
            append_escaped(text_, c);
        } else {
            text_ += before.substr(0, before.size() - value.size());
        }
    }
    text_ += '"';
}

Json Json::array(std::vector<Json> const& items) {
    Json out;
    out.text_ = "[";
    for (std::size_t i = 0; i < items.size(); ++i) out.text_ += (i > 0 ? "," : "") + items[i].text_;
    out.text_ += ']';
    return out;
}

Json Json::object(std::vector<std::pair<std::string, Json>> const& members) {
    Json out;
    out.text_ = "{";
    for (auto const& [name, value] : members)
        out.text_ += (out.text_.size() > 1 ? "," : "") + Json(name).text_ + ':' + value.text_;
    out.text_ += '}';
    return out;
}

Json Json::raw(std::string text) {
    Json out;
    out.text_ = std::move(text);
    return out;
}

void print_json(Json const& value) {
    print(value.text() + '\n');
}

}  // namespace dawk::cmd
