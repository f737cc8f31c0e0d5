// Tag lists "a=b; c=d" of DKIM signatures and keys, ARC sets and DMARC records (RFC 6376 §3.2).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dawk::dkim {

class TagList {
  public:
    // Nothing when it is no tag list: a name twice, no "=", a bad name, an octet that is not
    // allowed. Values have the white space at their ends removed; folding inside stays (see
    // without_space).
    static std::optional<TagList> parse(std::string_view text);

    std::optional<std::string_view> get(
        std::string_view name) const noexcept;  // names are case-sensitive
    std::vector<std::pair<std::string_view, std::string_view>> const& all() const noexcept {
        return tags_;
    }

  private:
    std::vector<std::pair<std::string_view, std::string_view>> tags_;  // views of the text parsed
};

// Without folding white space: base64 values, colon-separated lists.
std::string without_space(std::string_view text);
// "a : b:c" as {"a", "b", "c"}.
std::vector<std::string> colon_list(std::string_view text);

}  // namespace dawk::dkim
