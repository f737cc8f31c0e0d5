#include "dawk/mail/address_list.hpp"

#include <algorithm>

#include "dawk/base/ascii.hpp"
#include "dawk/mail/encoded_word.hpp"
#include "dawk/mail/field.hpp"
#include "dawk/mail/lexer.hpp"
#include "dawk/mail/utf8.hpp"

namespace dawk::mail {
namespace {

constexpr std::size_t raw_name_max = 450;      // fits a line of 998 with every octet quoted
constexpr std::size_t address_size_max = 900;  // likewise

bool is_clean(std::string_view text) noexcept {
    return is_utf8(text) && std::ranges::none_of(text, ascii::is_control);
}

// What stands before "@", "<" or ":": a phrase, or a local part; only the next octet tells.
struct Words {
    std::string phrase;    // with single spaces between, as a display name
    std::string local;     // without spaces, as a local part
    bool is_local = true;  // word *("." word)
    bool any = false;
};

class Parser {
  public:
    Parser(std::string_view body, AddressListOptions options) : in_(body), options_(options) {}

    Result<AddressList> list() {
        AddressList result;
        while (true) {
            while (in_.take(',')) {
            }
            if (in_.at_end()) return result;
            DAWK_TRY(auto item, address());
            result.push_back(std::move(item));
            if (count_ > options_.mailboxes) return Errc::too_many;
            if (!in_.at_end() && !in_.take(',')) return Errc::bad_syntax;
        }
    }

  private:
    Result<AddressItem> address();
    Result<AddressItem> group(std::string name);
    Result<Mailbox> mailbox(bool* is_group, std::string* group_name);
    Result<Mailbox> angle(std::string name);
    Result<Address> addr_spec(Words const& words);
    Result<std::string> domain();
    bool obsolete_route();
    Result<Words> words();

    Lexer in_;
    AddressListOptions options_;
    std::size_t count_ = 0;
};

Result<Words> Parser::words() {
    Words result;
    bool dot_before = true;  // a word may come next in a local part
    while (true) {
        auto const before = in_.rest();
        char const c = in_.peek();
        bool const spaced = in_.rest().data() != before.data();
        if (c == '.') {
            in_.take('.');
            if (dot_before) result.is_local = false;
            dot_before = true;
            if (spaced && result.any) result.phrase += ' ';
            result.phrase += '.';
            result.local += '.';
        } else if (c == '"' || is_atext(c)) {
            if (!dot_before) result.is_local = false;
            if (result.any && (spaced || !dot_before)) result.phrase += ' ';
            dot_before = false;
            std::string word;
            if (c == '"') {
                auto quoted = in_.quoted_string();
                if (!quoted) return Errc::bad_syntax;
                word = std::move(*quoted);
            } else {
                word = *in_.atom();
            }
            result.phrase += word;
            result.local += word;
        } else {
            if (dot_before) result.is_local = false;
            return result;
        }
        result.any = true;
    }
}

Result<std::string> Parser::domain() {
    if (in_.peek() == '[') {
        auto literal = in_.domain_literal();
        if (!literal || !is_clean(*literal)) return Errc::bad_syntax;
        in_.forget_comment();
        return ascii::to_lower(*literal);
    }
    std::string result;
    do {
        auto const label = in_.atom();
        if (!label) return Errc::bad_syntax;
        if (!result.empty()) result += '.';
        result += *label;
        in_.forget_comment();  // the last one may be a name
    } while (in_.take('.'));
    if (!is_clean(result)) return Errc::bad_syntax;
    return ascii::to_lower(result);
}

// words "@" domain, or words alone where that is allowed.
Result<Address> Parser::addr_spec(Words const& words) {
    if (!words.is_local || !is_clean(words.local)) return Errc::bad_syntax;
    if (!in_.take('@')) {
        if (!options_.local_only) return Errc::bad_syntax;
        return Address{words.local, {}};
    }
    DAWK_TRY(auto domain_name, domain());
    return Address{words.local, std::move(domain_name)};
}

// obs-route = obs-domain-list ":"
bool Parser::obsolete_route() {
    do {
        while (in_.take(',')) {
        }
        if (in_.peek() == ':') break;
        if (!in_.take('@') || !domain()) return false;
    } while (in_.peek() == ',');
    return in_.take(':');
}

// angle-addr, the "<" taken.
Result<Mailbox> Parser::angle(std::string name) {
    char const c = in_.peek();
    if ((c == '@' || c == ',') && !obsolete_route()) return Errc::bad_syntax;
    DAWK_TRY(auto const local, words());
    DAWK_TRY(auto address, addr_spec(local));
    if (!in_.take('>')) return Errc::bad_syntax;
    return Mailbox{decode_text(name), std::move(address)};
}

Result<Mailbox> Parser::mailbox(bool* is_group, std::string* group_name) {
    in_.skip_cfws();
    auto const start = in_.rest();
    DAWK_TRY(auto const found, words());
    if (in_.take('<')) return angle(found.phrase);
    if (is_group && found.any && in_.take(':')) {
        *is_group = true;
        *group_name = decode_text(found.phrase);
        return Mailbox{};
    }
    DAWK_TRY(auto address, addr_spec(found));
    auto const end = in_.rest();
    if (in_.take('<')) {
        // "a@b.example <a@b.example>": not in the grammar, but common. All before "<" is the name.
        return angle(std::string{start.substr(0, start.size() - end.size())});
    }
    // "a@b.example (Name)", as it was done before RFC 822.
    in_.skip_cfws();
    return Mailbox{decode_text(in_.last_comment()), std::move(address)};
}

Result<AddressItem> Parser::group(std::string name) {
    AddressItem item{std::move(name), {}};
    while (true) {
        while (in_.take(',')) {
        }
        if (in_.take(';')) return item;
        if (in_.at_end()) return Errc::bad_syntax;
        DAWK_TRY(auto member, mailbox(nullptr, nullptr));
        item.mailboxes.push_back(std::move(member));
        if (++count_ > options_.mailboxes) return Errc::too_many;
        char const c = in_.peek();
        if (c != ',' && c != ';') return Errc::bad_syntax;
    }
}

Result<AddressItem> Parser::address() {
    bool is_group = false;
    std::string group_name;
    DAWK_TRY(auto one, mailbox(&is_group, &group_name));
    ++count_;
    if (is_group) return group(std::move(group_name));
    AddressItem item;
    item.mailboxes.push_back(std::move(one));
    return item;
}

bool is_phrase_atom(char c) noexcept {
    return is_atext(c) || c == ' ';
}

// A display name: atoms, a quoted string, or encoded words.
std::string phrase(std::string_view name, bool utf8) {
    bool const raw = (utf8 || ascii::is_ascii(name)) && name.find("=?") == std::string_view::npos &&
                     name.size() <= raw_name_max;
    if (!raw) return encode_words(name, WordPlace::phrase);
    bool const atoms = std::ranges::all_of(name, is_phrase_atom) && !name.starts_with(' ') &&
                       !name.ends_with(' ') && name.find("  ") == std::string_view::npos;
    if (atoms) return std::string{name};
    std::string quoted{'"'};
    for (char const c : name) {
        if (c == '"' || c == '\\') quoted += '\\';
        quoted += c;
    }
    return quoted + '"';
}

}  // namespace

Result<AddressList> parse_address_list(std::string_view body, AddressListOptions options) {
    return Parser{body, options}.list();
}

std::vector<Mailbox> mailboxes(AddressList const& list) {
    std::vector<Mailbox> result;
    for (auto const& item : list)
        result.insert(result.end(), item.mailboxes.begin(), item.mailboxes.end());
    return result;
}

namespace {

// Writes items one after another; the separator belongs to the word before it.
class Writer {
  public:
    Writer(std::string_view field, AddressFormat format) : field_(field), format_(format) {}

    ErrorCode add_name(std::string_view name, std::string_view behind) {
        if (has_forbidden(name) || name.find('\t') != std::string_view::npos)
            return Errc::bad_syntax;
        auto text = phrase(name, format_.utf8);
        // A quoted string may be folded at its spaces, which stay part of it; encoded words must
        // be.
        field_.add_words(text + std::string{behind});
        return {};
    }
    ErrorCode add_mailbox(Mailbox const& mailbox, std::string_view behind) {
        auto const& address = mailbox.address;
        auto const text = address.text();
        auto const again = parse_address_list(text);
        bool const same = again && again->size() == 1 && again->front().mailboxes.size() == 1 &&
                          again->front().mailboxes.front().address == address;
        if (!same || text.size() > address_size_max) return Errc::bad_syntax;
        if (!format_.utf8 && !address.is_ascii()) return Errc::unsupported;
        if (mailbox.name.empty()) {
            field_.add(text + std::string{behind});
            return {};
        }
        if (auto const error = add_name(mailbox.name, "")) return error;
        field_.add('<' + text + '>' + std::string{behind});
        return {};
    }
    std::string finish() { return std::move(field_).finish(); }
    FieldBuilder& field() { return field_; }

  private:
    FieldBuilder field_;
    AddressFormat format_;
};

}  // namespace

Result<std::string> format_address_list(std::string_view field, AddressList const& list,
                                        AddressFormat format) {
    Writer writer{field, format};
    for (std::size_t i = 0; i < list.size(); ++i) {
        auto const& item = list[i];
        bool const last = i + 1 == list.size();
        if (!item.group) {
            if (item.mailboxes.size() != 1) return Errc::bad_syntax;
            if (auto const error = writer.add_mailbox(item.mailboxes[0], last ? "" : ","))
                return error;
            continue;
        }
        if (item.group->empty()) return Errc::bad_syntax;
        if (auto const error = writer.add_name(*item.group, ":")) return error;
        for (auto const& member : item.mailboxes) {
            bool const end = &member == &item.mailboxes.back();
            if (auto const error = writer.add_mailbox(member, end ? "" : ",")) return error;
        }
        writer.field().append(last ? ";" : ";,");
    }
    return writer.finish();
}

}  // namespace dawk::mail
