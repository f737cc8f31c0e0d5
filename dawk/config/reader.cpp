#include "dawk/config/reader.hpp"

#include <algorithm>
#include <limits>
#include <set>

#include "dawk/base/ascii.hpp"
#include "dawk/config/keys.hpp"
#include "dawk/config/units.hpp"

namespace dawk::config {
namespace {

std::string join(std::string_view path, std::string_view name) {
    return path.empty() ? std::string(name) : std::string(path) + '.' + std::string(name);
}

bool is_section(std::string_view path) {
    auto const& all = sections();
    return std::any_of(all.begin(), all.end(), [&](Section const& s) {
        return s.path == path ||
               (s.path.starts_with(path) && s.path.substr(path.size()).starts_with('.'));
    });
}

bool is_list(std::string const& path) {
    return is_section(path + "[]");
}

// The words that may stand right below a path: keys and tables.
std::vector<std::string_view> names_below(std::string_view path) {
    std::set<std::string_view> out;
    for (auto const& key : keys()) {
        auto rest = key.path;
        if (!path.empty()) {
            if (!rest.starts_with(path) || !rest.substr(path.size()).starts_with('.')) continue;
            rest.remove_prefix(path.size() + 1);
        }
        out.insert(rest.substr(0, rest.find_first_of(".[")));
    }
    return {out.begin(), out.end()};
}

std::string hint_for_unknown(std::string_view path, std::string_view name) {
    if (auto const near = nearest(name, names_below(path))) return "did you mean " + *near + '?';
    for (auto const& key : keys()) {
        if (key.name() != name) continue;
        auto const section = key.section();
        if (section.empty()) return std::string(name) + " stands at the top, before any [table]";
        if (section.ends_with("[]"))
            return "it belongs to [[" + std::string(section.substr(0, section.size() - 2)) + "]]";
        return "it belongs to [" + std::string(section) + ']';
    }
    std::string out = "there are ";
    auto const names = names_below(path);
    for (std::size_t i = 0; i < names.size(); ++i)
        out += (i > 0 ? ", " : "") + std::string(names[i]);
    return out;
}

// As it would have to be written.
std::string number_in_unit(Key const& key, std::int64_t value) {
    switch (key.type()) {
        case Type::duration:
        case Type::durations:
            return quoted(format_duration(Millis(value)));
        case Type::size:
            return quoted(format_size(static_cast<std::uint64_t>(value)));
        default:
            return std::to_string(value);
    }
}

// Reads the value of one key.
class ValueReader {
  public:
    ValueReader(Key const& key, std::string path, Report& report)
        : key_(key), path_(std::move(path)), report_(report) {}

    void read(Node const& node, Ref const& ref) {
        std::visit([&](auto* value) { read_as(node, value); }, ref);
    }

  private:
    void fail(Node const& node, std::string message, std::string hint = {}) {
        report_.error_at(node.position, path_, std::move(message), std::move(hint));
    }
    bool expect(Node const& node, Node::Kind kind, std::string_view what, std::string hint) {
        if (node.kind == kind) return true;
        fail(node,
             std::string(what) + " is expected, but this is " +
                 std::string(config::name_of(node.kind)),
             std::move(hint));
        return false;
    }
    std::string write(std::string_view value) const {
        return "write " + std::string(key_.name()) + " = " + std::string(value);
    }
    std::string example() const {
        if (!key_.example.empty()) return std::string(key_.example);
        return default_text(key_);
    }

    void read_as(Node const& node, std::string* value) {
        if (!expect(node, Node::Kind::text, "a text in quotes", write(example_of_text(node))))
            return;
        if (key_.choices.empty()) {
            if (!check_text(node)) return;
            *value = node.text;
        } else {
            read_choice(node, Ref(value));
        }
    }
    std::string example_of_text(Node const& node) const {
        if (node.kind == Node::Kind::integer) return quoted(std::to_string(node.integer));
        if (node.kind == Node::Kind::boolean) return quoted(node.boolean ? "true" : "false");
        return example().empty() ? "\"...\"" : example();
    }
    // No setting has a use for control octets; a path with a NUL would even be cut.
    bool check_text(Node const& node) {
        if (std::none_of(node.text.begin(), node.text.end(), ascii::is_control)) return true;
        fail(node, "the text holds a control character");
        return false;
    }

    void read_as(Node const& node, bool* value) {
        std::string hint = "write true or false, without quotes";
        if (expect(node, Node::Kind::boolean, "true or false", std::move(hint)))
            *value = node.boolean;
    }

    void read_as(Node const& node, double* value) {
        double number = node.real;
        if (node.kind == Node::Kind::integer)
            number = static_cast<double>(node.integer);
        else if (!expect(node, Node::Kind::real, "a fraction", write("0.1")))
            return;
        if (!(number >= 0.0 && number <= 0.5)) return fail(node, "this is not from 0.0 to 0.5");
        *value = number;
    }

    // Bounds hold for every number: counts, octets, milliseconds.
    bool check_range(Node const& node, std::int64_t number) {
        if (number < key_.min)
            fail(node, "this is less than " + number_in_unit(key_, key_.min) + ", the least");
        else if (number > key_.max)
            fail(node, "this is more than " + number_in_unit(key_, key_.max) + ", the most");
        else
            return true;
        return false;
    }

    template <class N>
    void read_as(Node const& node, N* value) requires std::is_unsigned_v<N> {
        auto const number = key_.is_size ? read_size(node) : read_count(node);
        if (!number || !check_range(node, *number)) return;
        if (static_cast<std::uint64_t>(*number) > std::numeric_limits<N>::max())
            return fail(node, "this is too large");
        // 0 stands for "no limit" where it is allowed at all.
        if (*number != 0 && *number < key_.advised_min) advise(key_.advised_min);
        *value = static_cast<N>(*number);
    }
    std::optional<std::int64_t> read_count(Node const& node) {
        std::string hint;
        if (node.kind == Node::Kind::text && ascii::to_number<std::uint64_t>(node.text))
            hint = write(node.text) + ", without quotes";
        else if (!example().empty())
            hint = "as in " + std::string(key_.name()) + " = " + example();
        if (!expect(node, Node::Kind::integer, "a whole number", std::move(hint))) return {};
        return node.integer;
    }
    std::optional<std::int64_t> read_size(Node const& node) {
        if (node.kind == Node::Kind::integer) return node.integer;
        if (!expect(node, Node::Kind::text, "a size", write("\"64MiB\""))) return {};
        auto const size = parse_size(node.text);
        if (!size) {
            fail(node, quoted(node.text) + " is not a size",
                 "write a number and B, KiB, MiB, GiB, KB, MB or GB, as in \"64MiB\"");
            return {};
        }
        return static_cast<std::int64_t>(*size);
    }
    void advise(std::int64_t least) {
        auto const standard = key_.standard.empty() ? "the standard" : std::string(key_.standard);
        report_.warning(path_, "less than the " + number_in_unit(key_, least) + " that " +
                                   standard + " asks for");
    }

    std::optional<Millis> read_duration(Node const& node) {
        if (node.kind == Node::Kind::integer) {
            fail(node, "a duration needs a unit",
                 write(quoted(std::to_string(std::max<std::int64_t>(node.integer, 0)) + 's')));
            return {};
        }
        if (!expect(node, Node::Kind::text, "a duration", write("\"5m\""))) return {};
        auto const duration = parse_duration(node.text);
        if (!duration) {
            fail(node, quoted(node.text) + " is not a duration",
                 "write numbers with ms, s, m, h, d or w, largest first, as in \"1h30m\"");
            return {};
        }
        if (!check_range(node, duration->count())) return {};
        if (duration->count() != 0 && duration->count() < key_.advised_min)
            advise(key_.advised_min);
        return duration;
    }
    template <class Rep, class Period>
    void read_as(Node const& node, std::chrono::duration<Rep, Period>* value) {
        using D = std::chrono::duration<Rep, Period>;
        auto const duration = read_duration(node);
        if (!duration) return;
        auto const whole = std::chrono::duration_cast<D>(*duration);
        if (whole != *duration)
            return fail(
                node, "this is not in whole " +
                          std::string(std::is_same_v<D, std::chrono::hours> ? "hours" : "seconds"));
        *value = whole;
    }

    bool expect_list(Node const& node) {
        std::string hint;
        if (node.kind == Node::Kind::text) hint = write('[' + quoted(node.text) + ']');
        return expect(node, Node::Kind::array, "a list", std::move(hint));
    }
    void read_as(Node const& node, std::vector<std::string>* value) {
        if (!expect_list(node) || !check_length(node)) return;
        value->clear();
        for (auto const& item : node.items)
            if (expect(item, Node::Kind::text, "a text in quotes", {}) && check_text(item))
                value->push_back(item.text);
    }
    void read_as(Node const& node, std::vector<Millis>* value) {
        if (!expect_list(node) || !check_length(node)) return;
        value->clear();
        for (auto const& item : node.items)
            if (auto const duration = read_duration(item)) value->push_back(*duration);
    }
    bool check_length(Node const& node) {
        constexpr std::size_t items_max = 10'000;
        if (node.items.size() <= items_max) return true;
        fail(node, "the list has more than 10000 items");
        return false;
    }

    void read_choice(Node const& node, Ref const& ref) {
        auto const words = key_.words();
        if (std::find(words.begin(), words.end(), node.text) != words.end()) {
            set_choice(ref, node.text);
            return;
        }
        std::string list;
        for (std::size_t i = 0; i < words.size(); ++i)
            list += (i > 0 ? ", " : "") + std::string(words[i]);
        auto const near = nearest(node.text, words);
        fail(node, quoted(node.text) + " is none of " + list,
             near ? "did you mean " + quoted(*near) + '?' : std::string());
    }
    template <class E>
    void read_as(Node const& node,
                 E* value) requires(std::is_enum_v<E> ||
                                    std::is_same_v<E, std::optional<routing::TlsMode>>) {
        auto const words = key_.words();
        if (expect(node, Node::Kind::text, "a text in quotes", write(quoted(words.front()))))
            read_choice(node, Ref(value));
    }

    Key const& key_;
    std::string path_;
    Report& report_;
};

class Reader {
  public:
    Reader(mta::Settings& settings, Report& report) : settings_(settings), report_(report) {}

    // pattern: the table's path in the table of keys; path: as the user counts, "listener[2]".
    void read_table(Node const& table, std::string const& pattern, std::string const& path,
                    std::size_t index) {
        for (auto const& entry : table.entries) {
            auto const key_path = join(pattern, entry.name);
            auto const user_path = join(path, entry.name);
            report_.place(user_path, entry.position);
            if (auto const* key = find_key(key_path)) {
                ValueReader(*key, user_path, report_).read(entry.value, key->ref(settings_, index));
            } else if (is_list(key_path)) {
                read_list(entry.value, key_path, user_path);
            } else if (is_section(key_path)) {
                if (entry.value.kind == Node::Kind::table)
                    read_table(entry.value, key_path, user_path, 0);
                else
                    report_.error_at(entry.position, user_path,
                                     "this is a table, not a key with a value",
                                     "write [" + user_path + "] on a line of its own");
            } else {
                report_.error_at(entry.position, user_path, "there is no such key",
                                 hint_for_unknown(pattern, entry.name));
            }
        }
        require(table, pattern, path);
    }

  private:
    void read_list(Node const& node, std::string const& pattern, std::string const& path) {
        constexpr std::size_t items_max = 100'000;
        auto const hint = "write [[" + path + "]] on a line of its own before each";
        if (node.kind != Node::Kind::array)
            return report_.error_at(node.position, path, "there may be several of these", hint);
        if (node.items.size() > items_max)
            return report_.error_at(node.position, path, "there are more than 100000 of these");
        for (std::size_t i = 0; i < node.items.size(); ++i) {
            auto const& item = node.items[i];
            auto const user_path = path + '[' + std::to_string(i + 1) + ']';
            report_.place(user_path, item.position);
            list_grow(pattern + "[]", settings_);
            if (item.kind == Node::Kind::table)
                read_table(item, pattern + "[]", user_path, i);
            else
                report_.error_at(item.position, user_path, "a table is expected", hint);
        }
    }

    void require(Node const& table, std::string_view pattern, std::string const& path) {
        for (auto const& key : keys()) {
            if (!key.required || key.section() != pattern) continue;
            auto const is_it = [&](auto const& entry) { return entry.name == key.name(); };
            if (std::any_of(table.entries.begin(), table.entries.end(), is_it)) continue;
            report_.error(join(path, key.name()), "this key must be given",
                          "as in " + std::string(key.name()) + " = " + std::string(key.example));
        }
    }

    mta::Settings& settings_;
    Report& report_;
};

}  // namespace

void read_settings(Node const& root, mta::Settings& settings, Report& report) {
    Reader(settings, report).read_table(root, "", "", 0);
}

}  // namespace dawk::config
