// Runs one task to its end on a loop of its own: for tools and tests, which have no shard. Blocks.
//
//     auto const loaded = rt::run(spool.load(id));
//
// Never called where a loop runs already.
#pragma once

#include <exception>
#include <optional>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "dawk/rt/task.hpp"

namespace dawk::rt {

template <class T>
T run(Task<T> task) {
    boost::asio::io_context io(1);
    std::optional<T> out;
    std::exception_ptr thrown;
    boost::asio::co_spawn(io, std::move(task), [&](std::exception_ptr error, T value) {
        thrown = error;
        out.emplace(std::move(value));
    });
    io.run();
    if (thrown) std::rethrow_exception(thrown);
    return std::move(*out);
}

}  // namespace dawk::rt
