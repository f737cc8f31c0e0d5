#include "dawk/config/document.hpp"

#include <algorithm>

// toml++ asserts what a file may break ("[#"), though it goes on to report it; in a build without
// assertions it even tells the compiler that they hold. Here they are nothing.
#undef NDEBUG
#define TOML_ASSERT(expr) static_assert(true)

#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#define TOML_ENABLE_FORMATTERS 0
#define TOML_ENABLE_WINDOWS_COMPAT 0
#include <toml++/impl/forward_declarations.h>
// It also promises that no letter outside of quotes has certain numbers: for a file that has one,
// the answer is no.
#undef TOML_UNREACHABLE
#define TOML_UNREACHABLE return false
#include <toml++/impl/unicode.h>
#undef TOML_UNREACHABLE
#define TOML_UNREACHABLE __builtin_unreachable()
#include <toml++/toml.h>

namespace dawk::config {
namespace {

Position position_of(toml::source_region const& region) {
    return {region.begin.line, region.begin.column};
}

Node convert(toml::node const& in);

void convert_table(toml::table const& table, Node& out) {
    out.kind = Node::Kind::table;
    for (auto const& [key, value] : table)
        out.entries.push_back({std::string(key.str()), position_of(key.source()), convert(value)});
    std::stable_sort(out.entries.begin(), out.entries.end(),
                     [](auto const& a, auto const& b) { return a.position < b.position; });
}

// The depth is bounded by the library's parser.
Node convert(toml::node const& in) {
    Node out;
    out.position = position_of(in.source());
    if (auto const* table = in.as_table()) {
        convert_table(*table, out);
    } else if (auto const* array = in.as_array()) {
        out.kind = Node::Kind::array;
        for (auto const& item : *array) out.items.push_back(convert(item));
    } else if (auto const* text = in.as_string()) {
        out.kind = Node::Kind::text;
        out.text = text->get();
    } else if (auto const* integer = in.as_integer()) {
        out.kind = Node::Kind::integer;
        out.integer = integer->get();
    } else if (auto const* real = in.as_floating_point()) {
        out.kind = Node::Kind::real;
        out.real = real->get();
    } else if (auto const* boolean = in.as_boolean()) {
        out.kind = Node::Kind::boolean;
        out.boolean = boolean->get();
    } else {
        out.kind = Node::Kind::time;
    }
    return out;
}

}  // namespace

Document parse_document(std::string_view text) {
    Document out;
    if (text.size() > document_bytes_max) {
        out.problem = {{1, 1}, "the file is larger than 1 MiB"};
        return out;
    }
    auto const parsed = toml::parse(text);
    if (!parsed) {
        auto const& error = parsed.error();
        out.problem = {position_of(error.source()), std::string(error.description())};
        return out;
    }
    convert_table(parsed.table(), out.root);
    return out;
}

std::string_view name_of(Node::Kind kind) noexcept {
    switch (kind) {
        case Node::Kind::table:
            return "a table";
        case Node::Kind::array:
            return "a list";
        case Node::Kind::text:
            return "a text";
        case Node::Kind::integer:
            return "a whole number";
        case Node::Kind::real:
            return "a fraction";
        case Node::Kind::boolean:
            return "true or false";
        case Node::Kind::time:
            return "a date or time";
    }
    return "something";
}

}  // namespace dawk::config
