// Base64 of MIME bodies, in streams, encoded in lines of 76 and decoded forgivingly.
//
//     mail::Base64Encoder e; e.feed(bytes, out); e.finish(out);
//     mail::Base64Decoder d; d.feed(piece, out); d.finish(out);
//
// The decoder skips what is not in the alphabet, ends at the padding (RFC 2045 §6.8) and tells
// afterwards whether there was anything wrong. For tokens of protocols there is the strict one of
// dawk/base. Standards: RFC 4648 §4; RFC 2045 §6.8.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace dawk::mail {

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
