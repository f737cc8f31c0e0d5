// Text of header fields: encoded words read and written.
//
//     mail::decode_text("=?iso-8859-1?Q?caf=E9?=")    // "café" in UTF-8
//     mail::encode_text("café")                      // "=?utf-8?Q?caf=C3=A9?="
//
// For people's eyes only: decide nothing on decoded text that the raw field would decide otherwise.
// Decoding is forgiving (words inside words, characters torn over two words); the result is valid
// UTF-8 without control octets. Encoding never tears a character and keeps each word within 75
// octets. Standards: RFC 2047; RFC 2231 §5; RFC 6532 §3.
#pragma once

#include <string>
#include <string_view>

namespace dawk::mail {

// A field body, folded or not, as UTF-8 text.
std::string decode_text(std::string_view body);

enum class WordPlace {
    text,    // Subject, comments: any printable octet but the few
    phrase,  // a display name: RFC 2047 §5 (3)
};

// Words of text that need it become encoded words; the result has single spaces where it may be
// folded and none elsewhere. Text must be UTF-8 without control octets (has_forbidden).
std::string encode_text(std::string_view text);

// One or more encoded words, separated by single spaces, for the whole text.
std::string encode_words(std::string_view text, WordPlace place);

// CR, LF, NUL, another control octet but tab, or no UTF-8: what no field may be made of.
bool has_forbidden(std::string_view text) noexcept;

}  // namespace dawk::mail
