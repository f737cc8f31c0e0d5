// Document: a TOML text as a tree of plain values that know where they stand.
//
//     auto document = parse_document(text);
//     if (document.problem) say(document.problem->position, document.problem->message);
//
// The only part of Dawk that knows the TOML library. The text is bounded.
// Standards: TOML 1.0.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dawk::config {

struct Position {
    std::uint32_t line = 0, column = 0;  // from 1; 0: none
    friend auto operator<=>(Position const&, Position const&) = default;
};

struct Node {
    enum class Kind { table, array, text, integer, real, boolean, time };
    struct Entry;
    Kind kind = Kind::table;
    Position position;
    std::string text;
    std::int64_t integer = 0;
    double real = 0;
    bool boolean = false;
    std::vector<Entry> entries;  // of a table, in the order of the text
    std::vector<Node> items;     // of an array
};
struct Node::Entry {
    std::string name;
    Position position;  // of the name
    Node value;
};

constexpr std::size_t document_bytes_max = 1U << 20U;

struct Document {
    struct Problem {
        Position position;
        std::string message;
    };
    Node root;
    std::optional<Problem> problem;  // the first one of syntax; then root is empty
};

Document parse_document(std::string_view text);

// As people call it: "a table", "a list", "a text" ...
std::string_view name_of(Node::Kind kind) noexcept;

}  // namespace dawk::config
