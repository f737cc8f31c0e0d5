// Decoded text is UTF-8 without controls, and survives being encoded and decoded again. The same
// for parameters and for the transfer encodings, which are alike however they are cut.
#include <cstdint>

#include "dawk/base/ascii.hpp"
#include "dawk/base/check.hpp"
#include "dawk/mail/content.hpp"
#include "dawk/mail/encoded_word.hpp"
#include "dawk/mail/mime.hpp"
#include "dawk/mail/utf8.hpp"

using namespace dawk;

namespace {

std::string trimmed(std::string text) {
    while (text.ends_with(' ')) text.pop_back();
    return text.substr(std::min(text.find_first_not_of(' '), text.size()));
}

std::string decode(mail::TransferEncoding encoding, std::string_view text, std::size_t cut) {
    std::string out;
    mail::BodyDecoder decoder{encoding};
    for (; !text.empty(); text.remove_prefix(std::min(cut, text.size())))
        decoder.feed(text.substr(0, cut), out);
    decoder.finish(out);
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const text{reinterpret_cast<char const*>(data), size};
    auto const decoded = mail::decode_text(text);
    DAWK_CHECK(mail::is_utf8(decoded) && !mail::has_forbidden(decoded));
    for (auto const& encoded :
         {mail::encode_text(decoded), mail::encode_words(decoded, mail::WordPlace::phrase)}) {
        DAWK_CHECK(ascii::is_ascii(encoded));
        DAWK_CHECK(trimmed(mail::decode_text(encoded)) == trimmed(decoded));
    }
    auto const type = mail::parse_content_type(text);
    for (auto const& param : type.params) {
        DAWK_CHECK(mail::is_utf8(param.value));
        if (mail::has_forbidden(param.value) || !ascii::is_ascii(param.name)) continue;
        auto const written = "a/b; " + mail::format_parameter("x", param.value);
        DAWK_CHECK(mail::parse_content_type(written).param("x") == param.value);
    }
    (void)mail::parse_disposition(text);
    for (auto const encoding :
         {mail::TransferEncoding::base64, mail::TransferEncoding::quoted_printable})
        DAWK_CHECK(decode(encoding, text, text.size() + 1) == decode(encoding, text, 1));
    return 0;
}
