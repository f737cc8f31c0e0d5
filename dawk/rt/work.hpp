// WorkPool: threads for work that blocks (file systems, password hashes, database reads).
//
//     auto r = co_await rt::offload(pool, [&files, path] { return files.sync_folder(path); });
//
// The task goes on where it was. Work is finished even when the task that waits is canceled.
// (g++ 12.2: name the lambda first: auto job = [..]{..}; auto r = co_await rt::offload(pool, job);)
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <variant>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "dawk/rt/task.hpp"

namespace dawk::rt {

class WorkPool {
  public:
    virtual ~WorkPool() = default;
    // Runs job once, on some thread of the pool (the simulation: at a later event of the same
    // thread). Jobs must not throw. A pool runs every job it was given before it dies.
    virtual void run(std::function<void()> job) = 0;
};

template <class F, class R = std::invoke_result_t<F&>>
Task<R> offload(WorkPool& pool, F job) {
    using Value = std::conditional_t<std::is_void_v<R>, std::monostate, R>;
    auto result = std::make_shared<std::optional<Value>>();
    auto initiate = [&pool, &job, result](auto handler) {
        auto executor = boost::asio::get_associated_executor(handler);
        auto work = boost::asio::prefer(executor, boost::asio::execution::outstanding_work.tracked);
        auto shared = std::make_shared<decltype(handler)>(std::move(handler));
        pool.run([work, shared, result, job]() mutable {
            if constexpr (std::is_void_v<R>) {
                job();
                result->emplace();
            } else {
                result->emplace(job());
            }
            // Moved, not copied: the last owner of the handler must be the executor's thread.
            boost::asio::post(work, [own = std::move(shared)] { std::move (*own)(); });
        });
    };
    co_await boost::asio::async_initiate<boost::asio::use_awaitable_t<> const, void()>(
        std::move(initiate), boost::asio::use_awaitable);
    if constexpr (!std::is_void_v<R>) co_return std::move(**result);
}

}  // namespace dawk::rt
