// Base64, whole and in streams.
//
//     mail::base64_encode("hello")                 // no line breaks
//     mail::Base64Encoder e; e.feed(bytes, out); e.finish(out);     // lines of 76, CRLF
//     mail::Base64Decoder d; d.feed(piece, out); d.finish(out);     // of a MIME body: forgiving
//
// The strict decoder takes the one canonical spelling and nothing else: no white space, full
// padding, no stray bits. The streaming decoder is for bodies: it skips what is not in the alphabet
// (RFC 2045 §6.8) and tells afterwards whether there was anything wrong. Standards: RFC 4648 §4;
// RFC 2045 §6.8.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "dawk/base/result.hpp"

namespace dawk::mail {

std::string base64_encode(std::string_view bytes);
Result<std::string> base64_decode(std::string_view text);

class Base64Encoder {
  public:
    static constexpr unsigned line_size = 76;  // RFC 2045 §6.8
    void feed(std::string_view bytes, std::string& out);
    void finish(std::string& out);  // ends the last line, too

  private:
    void put(std::uint32_t group, unsigned octets, std::string& out);
    std::uint32_t group_ = 0;
    unsigned octets_ = 0;  // in group_
    unsigned column_ = 0;
};

class Base64Decoder {
  public:
    void feed(std::string_view text, std::string& out);
    void finish(std::string& out);
    // Something was skipped or cut short: not white space, and not the end.
    bool is_defective() const noexcept { return defective_; }

  private:
    void flush(std::string& out);
    std::uint32_t bits_ = 0;
    unsigned digits_ = 0;
    bool ended_ = false;  // padding was seen
    bool defective_ = false;
};

}  // namespace dawk::mail
