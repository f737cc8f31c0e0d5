#include "dawk/base/result.hpp"

#include <string>

namespace dawk {
namespace {

char const* text_of(Errc e) noexcept {
    switch (e) {
        case Errc::bad_syntax:
            return "bad syntax";
        case Errc::too_long:
            return "too long";
        case Errc::too_many:
            return "too many";
        case Errc::not_found:
            return "not found";
        case Errc::exists:
            return "exists already";
        case Errc::corrupt:
            return "stored data is corrupt";
        case Errc::no_space:
            return "no space left";
        case Errc::io_error:
            return "input/output error";
        case Errc::closed:
            return "connection closed";
        case Errc::timed_out:
            return "timed out";
        case Errc::canceled:
            return "canceled";
        case Errc::unavailable:
            return "unavailable";
        case Errc::unsupported:
            return "not supported";
        case Errc::denied:
            return "not permitted";
        case Errc::tls_failed:
            return "TLS failed";
        case Errc::protocol_violation:
            return "protocol violation";
        case Errc::conflict:
            return "not possible in this state";
    }
    return "unknown error";
}

class Category final : public boost::system::error_category {
  public:
    char const* name() const noexcept override { return "dawk"; }
    std::string message(int code) const override { return text_of(static_cast<Errc>(code)); }
};

}  // namespace

boost::system::error_category const& dawk_category() noexcept {
    static Category const category;
    return category;
}

}  // namespace dawk
