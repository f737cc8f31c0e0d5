// Tasks run to their end by tools, which have no shard.
#pragma once

#include <optional>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "dawk/spool/spool.hpp"

namespace dawk::spool_rocks {

template <class T>
T run_task(Task<T> task) {
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

// Piece by piece into a content of `into`.
Task<Result<spool::ContentPtr>> copy_content(spool::Spool& into, MessageId id,
                                             spool::ContentPtr from);

}  // namespace dawk::spool_rocks
