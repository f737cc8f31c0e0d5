// FieldBuilder: one header field, folded as it is written.
//
//     mail::FieldBuilder to{"To"};
//     to.add("\"Doe, J.\"");  to.add("<j@x.example>,");
//     std::string const line = std::move(to).finish();      // with CRLF
//
// Lines stay within 78 octets where words allow; the field is never longer than its words. Words
// are written by our own code from checked input: one with CR, LF or NUL is a bug. Standards: RFC
// 5322 §2.1.1, §2.2.3.
#pragma once

#include <string>
#include <string_view>

namespace dawk::mail {

class FieldBuilder {
  public:
    explicit FieldBuilder(std::string_view name);
    // Behind a space, or on a new line where the word does not fit any more.
    FieldBuilder& add(std::string_view word);
    // Each word of text, which are separated by single spaces.
    FieldBuilder& add_words(std::string_view text);
    // Directly behind what stands there.
    FieldBuilder& append(std::string_view text);
    // On a new line in any case.
    FieldBuilder& add_line(std::string_view text);
    std::string finish() &&;

  private:
    std::string text_;
    std::size_t column_;
};

}  // namespace dawk::mail
