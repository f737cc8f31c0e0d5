// The one place where Boost.Asio's implementation is compiled.
#include <boost/asio/impl/src.hpp>
