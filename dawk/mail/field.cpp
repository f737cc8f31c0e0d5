#include "dawk/mail/field.hpp"

#include <algorithm>

#include "dawk/base/check.hpp"

namespace dawk::mail {
namespace {

constexpr std::size_t line_size = 78;  // RFC 5322 §2.1.1
constexpr std::size_t usual_size = 256;

void check(std::string_view text) {
    DAWK_CHECK(
        std::ranges::none_of(text, [](char c) { return c == '\r' || c == '\n' || c == '\0'; }));
}

}  // namespace

FieldBuilder::FieldBuilder(std::string_view name) : text_(name) {
    check(name);
    text_.reserve(usual_size);
    text_ += ':';
    column_ = text_.size();
}

FieldBuilder& FieldBuilder::add(std::string_view word) {
    // An empty word never starts a line: nothing but white space might come to stand there.
    if (!word.empty() && column_ + 1 + word.size() > line_size) return add_line(word);
    text_ += ' ';
    ++column_;
    return append(word);
}

FieldBuilder& FieldBuilder::add_words(std::string_view text) {
    while (!text.empty()) {
        auto const word = text.substr(0, text.find(' '));
        add(word);
        text.remove_prefix(word.size() < text.size() ? word.size() + 1 : word.size());
    }
    return *this;
}

FieldBuilder& FieldBuilder::append(std::string_view text) {
    check(text);
    text_ += text;
    column_ += text.size();
    return *this;
}

FieldBuilder& FieldBuilder::add_line(std::string_view text) {
    text_ += "\r\n ";
    column_ = 1;
    return append(text);
}

std::string FieldBuilder::finish() && {
    return std::move(text_) + "\r\n";
}

}  // namespace dawk::mail
