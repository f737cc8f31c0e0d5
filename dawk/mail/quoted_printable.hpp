// Quoted-printable, in streams.
//
//     mail::QuotedPrintableEncoder e{mail::QuotedPrintableEncoder::Kind::text};
//     e.feed(text, out); e.finish(out);
//
// Of text, CRLF stays a line end; of binary, CR and LF are encoded like any other octet. Encoded
// lines have at most 76 octets and never end with white space. The decoder is forgiving: "=" that
// starts nothing stays as it is; is_defective() tells. Standards: RFC 2045 §6.7.
#pragma once

#include <string>
#include <string_view>

namespace dawk::mail {

class QuotedPrintableEncoder {
  public:
    enum class Kind { text, binary };
    static constexpr std::size_t line_size = 76;

    explicit QuotedPrintableEncoder(Kind kind) : kind_(kind) {}
    void feed(std::string_view bytes, std::string& out);
    // end_line: whether a last line without an end gets one; without, something must follow that
    // has one.
    void finish(std::string& out, bool end_line = true);

  private:
    void on_octet(char c, std::string& out);
    void put(std::string_view token, std::string& out);
    void flush_space(bool encoded, std::string& out);

    Kind kind_;
    bool cr_ = false;  // a CR seen, and not yet whether LF follows
    char space_ = 0;   // white space that may turn out to end the line
    std::size_t column_ = 0;
};

class QuotedPrintableDecoder {
  public:
    void feed(std::string_view text, std::string& out);
    void finish(std::string& out);
    bool is_defective() const noexcept { return defective_; }

  private:
    void on_octet(char c, std::string& out);
    void on_escape(char c, std::string& out);

    std::string held_;  // "=", "=X", "= ", or white space that may end a line; bounded
    bool defective_ = false;
};

std::string quoted_printable_decode(std::string_view text);

}  // namespace dawk::mail
