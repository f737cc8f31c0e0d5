// Result<T>: the value of an operation, or the error_code of why there is none.
//
//     Result<int> r = parse(text);
//     if (!r) return r.error();
//     use(*r);
//
// Errc is the one category of Dawk's own failures; operating system and TLS failures keep their own
// categories. A protocol outcome (a reply, a verdict) is a value and never an error.
#pragma once

#include <string_view>
#include <type_traits>
#include <utility>

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>

namespace dawk {

using ErrorCode = boost::system::error_code;
template <class T>
using Result = boost::system::result<T>;

enum class Errc {
    bad_syntax = 1,      // input does not follow its grammar
    too_long,            // a length limit was passed
    too_many,            // a count limit was passed
    not_found,           // no such message, user, file, name
    exists,              // it is there already
    corrupt,             // a checksum, version or structure of our own data does not hold
    no_space,            // the disk or the quota is full
    io_error,            // a read, write or sync failed
    closed,              // the peer or the object has gone
    timed_out,           // a deadline passed
    canceled,            // the operation was given up, by shutdown for example
    unavailable,         // a resource or service is not there for now
    unsupported,         // valid, but not offered by this build, peer or engine
    denied,              // not permitted
    tls_failed,          // handshake or certificate check failed
    protocol_violation,  // a peer spoke against its protocol
    conflict,            // the state does not allow it
};

boost::system::error_category const& dawk_category() noexcept;

inline ErrorCode make_error_code(Errc e) noexcept {
    return {static_cast<int>(e), dawk_category()};
}

}  // namespace dawk

template <>
struct boost::system::is_error_code_enum<dawk::Errc> : std::true_type {};

namespace dawk {

// An error as the Result of any function: return failure(r.error()); Result<bool> needs it, for an
// error_code alone would turn into true or false.
template <class E = ErrorCode>
struct Failure {
    E error;
    template <class T>
    operator boost::system::result<T, E>() const {
        return {boost::system::in_place_error, error};
    }
};
inline Failure<> failure(ErrorCode error) noexcept {
    return {error};
}
// For results with an error of their own; what converts to an ErrorCode is one.
template <class E>
requires(!std::is_convertible_v<E, ErrorCode>) Failure<E> failure(E error) {
    return {std::move(error)};
}

}  // namespace dawk

// DAWK_TRY(auto x, expr); in ordinary functions returns the error of expr, or declares x from its
// value. In coroutines write: if (!x) co_return x.error(); (failure(x.error()) for a Result<bool>).
#define DAWK_CONCAT_(a, b) a##b
#define DAWK_CONCAT(a, b) DAWK_CONCAT_(a, b)
#define DAWK_TRY_(tmp, decl, expr)                 \
    auto tmp = (expr);                             \
    if (!tmp) return ::dawk::failure(tmp.error()); \
    decl = *std::move(tmp)
#define DAWK_TRY(decl, expr) DAWK_TRY_(DAWK_CONCAT(dawk_try_, __COUNTER__), decl, expr)
// The same for an operation without a value.
#define DAWK_TRY_VOID(expr) \
    if (auto dawk_try_void = (expr); !dawk_try_void) return ::dawk::failure(dawk_try_void.error())
