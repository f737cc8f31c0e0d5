// The table of configuration keys: the one place where a key is named, bound to its setting,
// bounded and explained. Parser, checker, `dawk config keys`, `dawk config show`, dawk.toml(5) and
// examples/dawk.toml are all made from it. Defaults are those of mta::Settings and stand nowhere
// else.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "dawk/mta/settings.hpp"

namespace dawk::config {

// A setting in its place.
using Ref = std::variant<std::string*, bool*, double*, std::uint16_t*, std::uint32_t*,
                         std::uint64_t*, std::chrono::seconds*, std::chrono::hours*, Millis*,
                         std::vector<std::string>*, std::vector<Millis>*, mta::Service*,
                         mta::ListenerTls*, mta::Durability*, std::optional<routing::TlsMode>*>;

enum class Type { text, texts, boolean, fraction, number, size, duration, durations, choice };

struct Key {
    std::string_view path;  // "queue.retry"; "listener[].address" in each [[listener]]
    Ref (*ref)(mta::Settings& settings, std::size_t index);
    std::string_view doc;         // sentences, for people
    std::string_view standard{};  // "RFC 5321 §4.5.3.2", or ""
    std::string_view example{};   // as TOML; "" shows the default
    // Whole numbers: counts, octets, milliseconds.
    std::int64_t min = 0;
    std::int64_t max = INT64_MAX;
    std::int64_t advised_min = 0;  // less is allowed, with a warning
    bool is_size = false;          // a number of octets
    bool required = false;
    std::string_view choices{};        // of a text: "error, warning, info, debug"
    std::string_view default_words{};  // where the default is not a fixed value

    bool is_listed() const noexcept { return path.find("[]") != path.npos; }
    std::string_view section() const noexcept;  // "queue", "listener[]", "" at the top
    std::string_view name() const noexcept;     // "retry"
    Type type() const;
    std::vector<std::string_view> words() const;  // of a choice
};

struct Section {
    std::string_view path;  // "queue", "listener[]"
    std::string_view doc;
};

std::vector<Key> const& keys();
std::vector<Section> const& sections();  // in the order of the documentation; "" first
Key const* find_key(std::string_view path) noexcept;

std::string_view name_of(Type type) noexcept;
// The value as TOML: "\"5m\"", "[\"a\", \"b\"]", "20".
std::string value_text(Key const& key, mta::Settings const& settings, std::size_t index);
// As above for untouched settings; "" when there is no value by default.
std::string default_text(Key const& key);
// How many elements the list of a listed key has ("listener[]", "route[]", ...).
std::size_t list_size(std::string_view section, mta::Settings const& settings);
void list_grow(std::string_view section, mta::Settings& settings);
// Text within quotes, as TOML and JSON both read it.
std::string quoted(std::string_view text);

// Reads and writes the setting of a choice by word.
std::string_view choice_of(Ref const& ref);  // "" for none
bool set_choice(Ref const& ref, std::string_view word);

}  // namespace dawk::config
