#include "dawk/mail/charset.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

#include <iconv.h>

#include "dawk/base/ascii.hpp"
#include "dawk/mail/utf8.hpp"

namespace dawk::mail {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";

struct Alias {
    std::string_view label, name;
};
// Labels that iconv does not know, or knows too narrowly.
constexpr std::array<Alias, 23> aliases{{{"utf8", "utf-8"},
                                         {"unicode-1-1-utf-8", "utf-8"},
                                         {"unicode-1-1-utf-7", "utf-7"},
                                         {"ascii", "us-ascii"},
                                         {"ansi_x3.4-1968", "us-ascii"},
                                         {"iso-ir-6", "us-ascii"},
                                         {"latin1", "windows-1252"},
                                         {"iso-8859-1", "windows-1252"},
                                         {"iso8859-1", "windows-1252"},
                                         {"iso_8859-1", "windows-1252"},
                                         {"cp1252", "windows-1252"},
                                         {"ansi-1252", "windows-1252"},
                                         {"iso-8859-8-i", "iso-8859-8"},
                                         {"iso-8859-8-e", "iso-8859-8"},
                                         {"iso-8859-6-i", "iso-8859-6"},
                                         {"iso-8859-6-e", "iso-8859-6"},
                                         {"gb2312", "gb18030"},
                                         {"gbk", "gb18030"},
                                         {"ks_c_5601-1987", "cp949"},
                                         {"ks_c_5601", "cp949"},
                                         {"shift_jis", "cp932"},
                                         {"x-sjis", "cp932"},
                                         {"x-euc-jp", "euc-jp"}}};

constexpr std::array<std::string_view, 26> known_prefixes{
    "iso-8859-",   "iso8859-",    "iso_8859-", "windows-125", "windows-874", "cp125",  "cp8",
    "cp7",         "cp4",         "ibm8",      "koi8-",       "utf-7",       "utf-16", "utf-32",
    "gb18030",     "big5",        "euc-",      "cp932",       "cp949",       "cp936",  "cp950",
    "iso-2022-jp", "iso-2022-kr", "tis-620",   "macintosh",   "hz"};

std::string canonical(std::string_view charset) {
    auto name = ascii::to_lower(ascii::trim(charset));
    auto const alias = std::ranges::find(aliases, name, &Alias::label);
    return alias == aliases.end() ? name : std::string{alias->name};
}

bool is_known(std::string_view name) {
    bool const plain = name.size() < 32 && std::ranges::all_of(name, [](char c) {
                           return ascii::is_alnum(c) || c == '-' || c == '_';
                       });
    return plain && std::ranges::any_of(known_prefixes,
                                        [&](auto prefix) { return name.starts_with(prefix); });
}

class Converter {
  public:
    explicit Converter(std::string const& charset)
        : handle_(iconv_open("UTF-8", charset.c_str())) {}
    ~Converter() {
        if (is_open()) iconv_close(handle_);
    }
    Converter(Converter const&) = delete;
    Converter& operator=(Converter const&) = delete;
    bool is_open() const noexcept { return handle_ != reinterpret_cast<iconv_t>(-1); }

    std::string convert(std::string_view bytes) {
        std::string input{bytes};
        char* in = input.data();
        std::size_t left = input.size();
        std::string out;
        while (left > 0) {
            bool const failed = !step(&in, &left, out);
            if (!failed) continue;
            if (left == 0) break;
            out += replacement;  // one octet that is no text, or a cut sequence at the end
            ++in;
            --left;
        }
        step(nullptr, nullptr, out);  // back to the initial shift state
        return out;
    }

  private:
    // False when the next octet cannot be converted.
    bool step(char** in, std::size_t* left, std::string& out) {
        std::array<char, 1024> buffer;
        char* to = buffer.data();
        std::size_t room = buffer.size();
        auto const result = iconv(handle_, in, left, &to, &room);
        int const error = errno;
        out.append(buffer.data(), buffer.size() - room);
        return result != static_cast<std::size_t>(-1) || error == E2BIG;
    }

    iconv_t handle_;
};

}  // namespace

std::string scrub_utf8(std::string_view bytes) {
    std::string out;
    out.reserve(bytes.size());
    while (!bytes.empty()) {
        auto rest = bytes;
        if (utf8_take(rest)) {
            out.append(bytes.substr(0, bytes.size() - rest.size()));
            bytes = rest;
        } else {
            out += replacement;
            bytes.remove_prefix(1);
        }
    }
    return out;
}

Result<std::string> to_utf8(std::string_view bytes, std::string_view charset) {
    auto const name = canonical(charset);
    if (name == "us-ascii" || name == "utf-8") return scrub_utf8(bytes);
    if (!is_known(name)) return Errc::unsupported;
    Converter converter{name};
    if (!converter.is_open()) return Errc::unsupported;
    return scrub_utf8(converter.convert(bytes));
}

}  // namespace dawk::mail
