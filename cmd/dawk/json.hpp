// Json: a value to print. Writes only; strings may hold anything, octets that are not UTF-8 are
// replaced. Standards: RFC 8259.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dawk::cmd {

class Json {
  public:
    Json() : text_("null") {}
    Json(bool value) : text_(value ? "true" : "false") {}
    Json(std::int64_t value) : text_(std::to_string(value)) {}
    Json(std::uint64_t value) : text_(std::to_string(value)) {}
    Json(std::string_view value);
    Json(std::string const& value) : Json(std::string_view(value)) {}
    Json(char const* value) : Json(std::string_view(value)) {}

    static Json array(std::vector<Json> const& items);
    static Json object(std::vector<std::pair<std::string, Json>> const& members);
    template <class Range, class F>
    static Json array_of(Range const& range, F make) {
        std::vector<Json> items;
        items.reserve(std::size(range));
        for (auto const& item : range) items.push_back(make(item));
        return array(items);
    }
    // A text that is JSON already.
    static Json raw(std::string text);

    std::string const& text() const noexcept { return text_; }

  private:
    std::string text_;
};

void print_json(Json const& value);  // and a line end

}  // namespace dawk::cmd
