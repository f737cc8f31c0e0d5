// What keys.hpp promises about single values: types, texts and choices.
#include <array>
#include <charconv>
#include <cstdio>
#include <type_traits>

#include "dawk/base/ascii.hpp"
#include "dawk/base/check.hpp"
#include "dawk/config/keys.hpp"
#include "dawk/config/units.hpp"

namespace dawk::config {
namespace {

template <class E>
struct Word {
    std::string_view text;
    E value;
};
constexpr Word<mta::Service> services[] = {{"mx", mta::Service::mx},
                                           {"submission", mta::Service::submission},
                                           {"relay", mta::Service::relay}};
constexpr Word<mta::ListenerTls> listener_tls[] = {{"none", mta::ListenerTls::none},
                                                   {"starttls", mta::ListenerTls::starttls},
                                                   {"implicit", mta::ListenerTls::implicit}};
constexpr Word<mta::Durability> durabilities[] = {{"disk", mta::Durability::disk},
                                                  {"memory", mta::Durability::memory}};
constexpr Word<routing::TlsMode> route_tls[] = {{"none", routing::TlsMode::none},
                                                {"opportunistic", routing::TlsMode::opportunistic},
                                                {"required", routing::TlsMode::required},
                                                {"verified", routing::TlsMode::verified},
                                                {"implicit", routing::TlsMode::implicit}};

template <class Words>
std::vector<std::string_view> texts_of(Words const& words) {
    std::vector<std::string_view> out;
    for (auto const& word : words) out.push_back(word.text);
    return out;
}

template <class Words, class E>
std::string_view word_of(Words const& words, E value) {
    for (auto const& word : words)
        if (word.value == value) return word.text;
    return "";
}

template <class Words, class E>
bool set_word(Words const& words, std::string_view text, E& value) {
    for (auto const& word : words) {
        if (word.text != text) continue;
        value = word.value;
        return true;
    }
    return false;
}

template <class... F>
struct Overload : F... {
    using F::operator()...;
};
template <class... F>
Overload(F...) -> Overload<F...>;

template <class T, class F>
std::string list_text(std::vector<T> const& items, F text) {
    std::string out = "[";
    for (std::size_t i = 0; i < items.size(); ++i) out += (i > 0 ? ", " : "") + text(items[i]);
    return out + "]";
}

std::string fraction_text(double value) {
    std::array<char, 64> buffer{};
    auto const [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
    DAWK_CHECK(error == std::errc{});
    std::string out(buffer.data(), end);
    if (out.find_first_of(".e") == out.npos) out += ".0";
    return out;
}

template <class N>
std::string number_text(Key const& key, N value) {
    return key.is_size ? quoted(format_size(value)) : std::to_string(value);
}

}  // namespace

std::string_view Key::section() const noexcept {
    auto const dot = path.rfind('.');
    return dot == path.npos ? std::string_view() : path.substr(0, dot);
}

std::string_view Key::name() const noexcept {
    auto const dot = path.rfind('.');
    return dot == path.npos ? path : path.substr(dot + 1);
}

Type Key::type() const {
    mta::Settings settings;
    if (is_listed()) list_grow(section(), settings);
    return std::visit(
        Overload{[&](std::string*) { return choices.empty() ? Type::text : Type::choice; },
                 [](bool*) { return Type::boolean; }, [](double*) { return Type::fraction; },
                 [&](std::uint16_t*) { return Type::number; },
                 [&](std::uint32_t*) { return is_size ? Type::size : Type::number; },
                 [&](std::uint64_t*) { return is_size ? Type::size : Type::number; },
                 [](std::chrono::seconds*) { return Type::duration; },
                 [](std::chrono::hours*) { return Type::duration; },
                 [](Millis*) { return Type::duration; },
                 [](std::vector<std::string>*) { return Type::texts; },
                 [](std::vector<Millis>*) { return Type::durations; },
                 [](auto*) { return Type::choice; }},
        ref(settings, 0));
}

std::vector<std::string_view> Key::words() const {
    if (!choices.empty()) {
        std::vector<std::string_view> out;
        auto rest = choices;
        while (true) {
            auto const comma = rest.find(',');
            out.push_back(ascii::trim(rest.substr(0, comma)));
            if (comma == rest.npos) return out;
            rest.remove_prefix(comma + 1);
        }
    }
    mta::Settings settings;
    if (is_listed()) list_grow(section(), settings);
    return std::visit(Overload{[](mta::Service*) { return texts_of(services); },
                               [](mta::ListenerTls*) { return texts_of(listener_tls); },
                               [](mta::Durability*) { return texts_of(durabilities); },
                               [](std::optional<routing::TlsMode>*) { return texts_of(route_tls); },
                               [](auto*) { return std::vector<std::string_view>(); }},
                      ref(settings, 0));
}

std::string_view name_of(Type type) noexcept {
    switch (type) {
        case Type::text:
            return "text";
        case Type::texts:
            return "list of texts";
        case Type::boolean:
            return "true or false";
        case Type::fraction:
            return "fraction";
        case Type::number:
            return "number";
        case Type::size:
            return "size";
        case Type::duration:
            return "duration";
        case Type::durations:
            return "list of durations";
        case Type::choice:
            return "choice";
    }
    return "";
}

std::string_view choice_of(Ref const& ref) {
    return std::visit(Overload{[](mta::Service* v) { return word_of(services, *v); },
                               [](mta::ListenerTls* v) { return word_of(listener_tls, *v); },
                               [](mta::Durability* v) { return word_of(durabilities, *v); },
                               [](std::optional<routing::TlsMode>* v) {
                                   return *v ? word_of(route_tls, **v) : std::string_view();
                               },
                               [](std::string* v) { return std::string_view(*v); },
                               [](auto*) { return std::string_view(); }},
                      ref);
}

bool set_choice(Ref const& ref, std::string_view word) {
    return std::visit(
        Overload{[&](mta::Service* v) { return set_word(services, word, *v); },
                 [&](mta::ListenerTls* v) { return set_word(listener_tls, word, *v); },
                 [&](mta::Durability* v) { return set_word(durabilities, word, *v); },
                 [&](std::optional<routing::TlsMode>* v) {
                     routing::TlsMode mode{};
                     if (!set_word(route_tls, word, mode)) return false;
                     *v = mode;
                     return true;
                 },
                 [&](std::string* v) {
                     *v = word;
                     return true;
                 },
                 [](auto*) { return false; }},
        ref);
}

std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (char const c : text) {
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (ascii::is_control(c)) {
            std::array<char, 8> buffer{};
            std::snprintf(buffer.data(), buffer.size(), "\\u%04X",
                          static_cast<unsigned>(static_cast<unsigned char>(c)));
            out += buffer.data();
        } else {
            out += c;
        }
    }
    return out + '"';
}

std::string value_text(Key const& key, mta::Settings const& settings, std::size_t index) {
    // Read only; the table has one binding for both directions.
    auto& writable = const_cast<mta::Settings&>(settings);
    auto const duration = [](auto v) { return quoted(format_duration(v)); };
    return std::visit(Overload{[](std::string* v) { return quoted(*v); },
                               [](bool* v) { return std::string(*v ? "true" : "false"); },
                               [](double* v) { return fraction_text(*v); },
                               [&](std::uint16_t* v) { return number_text(key, *v); },
                               [&](std::uint32_t* v) { return number_text(key, *v); },
                               [&](std::uint64_t* v) { return number_text(key, *v); },
                               [&](std::chrono::seconds* v) { return duration(*v); },
                               [&](std::chrono::hours* v) { return duration(*v); },
                               [&](Millis* v) { return duration(*v); },
                               [](std::vector<std::string>* v) { return list_text(*v, quoted); },
                               [&](std::vector<Millis>* v) { return list_text(*v, duration); },
                               [](std::optional<routing::TlsMode>* v) {
                                   return *v ? quoted(word_of(route_tls, **v)) : std::string();
                               },
                               [&](auto* v) { return quoted(choice_of(Ref(v))); }},
                      key.ref(writable, index));
}

std::string default_text(Key const& key) {
    mta::Settings settings;
    if (key.is_listed()) list_grow(key.section(), settings);
    if (key.required || !key.default_words.empty()) return "";
    auto text = value_text(key, settings, 0);
    return text == "\"\"" || text == "[]" ? "" : text;
}

std::size_t list_size(std::string_view section, mta::Settings const& settings) {
    if (section == "listener[]") return settings.listeners.size();
    if (section == "domain[]") return settings.routing.domains.size();
    if (section == "route[]") return settings.routing.routes.size();
    if (section == "auth_rule[]") return settings.auth_rules.size();
    if (section == "dkim[]") return settings.dkim.size();
    DAWK_CHECK(!"a list of the table");
    return 0;
}

void list_grow(std::string_view section, mta::Settings& settings) {
    if (section == "listener[]") {
        settings.listeners.emplace_back();
    } else if (section == "domain[]") {
        settings.routing.domains.emplace_back();
    } else if (section == "route[]") {
        settings.routing.routes.emplace_back();
    } else if (section == "auth_rule[]") {
        settings.auth_rules.emplace_back();
    } else if (section == "dkim[]") {
        settings.dkim.emplace_back();
    } else {
        DAWK_CHECK(!"a list of the table");
    }
}

}  // namespace dawk::config
