// Task<T>: a coroutine of Dawk. g++ 12.2 miscompiles some shapes, so co_await stands alone in its
// statement, its arguments are names, moved names or constructor calls (tools/lint.py holds that),
// and parameters are taken by value unless they outlive every session.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "dawk/base/result.hpp"

namespace dawk {

template <class T = void>
using Task = boost::asio::awaitable<T>;

}  // namespace dawk
