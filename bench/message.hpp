// The messages of a load: a common body of the wanted size and a header block that differs by
// number, so that a lost or doubled message can be told. Already dot-stuffed CRLF lines, without
// the final dot. Standards: RFC 5322 §3.6, RFC 5321 §4.5.3.1.6.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace dawk::bench {

class MessageMaker {
  public:
    // `size` is the whole message in octets; small sizes give at least the header.
    MessageMaker(std::size_t size, std::string from, std::string to);
    // The same octets each time, as for signed messages; lines end with CRLF or LF.
    static MessageMaker of(std::string_view message);

    std::string head(std::uint64_t number) const;  // the same length for every number
    std::string_view body() const { return body_; }

  private:
    MessageMaker() = default;
    bool numbered_ = false;
    std::string before_, after_, body_;
};

// "user%d@example.test" with the counter modulo `count` in place of %d.
std::string fill_pattern(std::string const& pattern, std::uint64_t number, std::uint64_t count);

}  // namespace dawk::bench
